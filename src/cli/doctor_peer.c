/* Knows each step on the way to a peer and its services, what can be wrong with it, and what mends
   that. */
#include "cli/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "cli/names.h"

#define CONNECT_MS 5000

/* ---- keys, before anything is dialed ---- */

struct known {
	bool verified, expected, revoked;
	bool waits;   /* one that the peer has shown */
	bool callers; /* one of somebody who has no name here */
};

bool
doctor_has_key(const struct doctor *d, const char *peer, enum key_state state)
{
	size_t n;

	keyring_keys_of(d->ring, peer, state, &n);
	return n > 0;
}

static struct known
known_keys(const struct visit *v)
{
	const char *name = v->peer->name;

	return (struct known){
		.verified = doctor_has_key(v->d, name, KEY_VERIFIED),
		.expected = doctor_has_key(v->d, name, KEY_EXPECTED),
		.revoked = doctor_has_key(v->d, name, KEY_REVOKED),
		.waits = doctor_has_key(v->d, name, KEY_PENDING),
		.callers = doctor_has_key(v->d, "", KEY_PENDING),
	};
}

static void
tell_verified(const struct visit *v)
{
	char age[48];
	size_t n;
	const struct peer_key *const *keys =
		keyring_keys_of(v->d->ring, v->peer->name, KEY_VERIFIED, &n);

	for (size_t i = 0; i < n; i++)
		report_say(v->report, REPORT_OK, "key of the peer", "%s, verified %s",
			keys[i]->asym->algorithm->name, doctor_ago(age, keys[i]->time));
}

/* None is verified, and the peer calls this node: nothing that is tried below would tell. */
static void
advise_unverified(const struct visit *v, const struct known *known)
{
	const struct endpoint_list *listen = &v->d->config->node.listen;
	const char *name = v->peer->name, *program = v->d->program;

	if (known->waits || known->callers)
		report_advice(v->report,
			"a key of a caller waits. If it is that of %s, as its operator tells you "
			"on a number that you have, run: %s verify %s",
			name, program, name);
	else if (known->revoked)
		report_advice(v->report,
			"if the one that was revoked is to count again: %s trust %s --fingerprint "
			"F --again",
			program, name);
	else if (listen->n == 0)
		report_advice(v->report,
			"neither side can dial: give [peer %s] an `address`, %s:%u, or [node] a "
			"`listen`",
			name, v->peer->file, v->peer->line);
	else
		report_advice(v->report,
			"nobody has called with a key yet: this node and that of %s must run, and "
			"`address` there must lead to this host, where [node] has listen = %s",
			name, listen->at[0].text);
}

/* False: there is no use in going on. */
static bool
check_known_keys(const struct visit *v)
{
	struct known known = known_keys(v);
	bool calls = v->peer->address.n == 0;

	tell_verified(v);
	if (known.verified) {
		if (known.waits)
			report_say(v->report, REPORT_NOTE, "key of the peer",
				"it has also shown a key that is not verified");
		return true;
	}
	report_say(v->report, calls && !known.expected ? REPORT_FAIL : REPORT_NOTE,
		"key of the peer", "none is verified here%s%s%s",
		known.expected ? "; its fingerprint is trusted, and the key has not come yet" : "",
		known.waits ? ", but one waits for that" : "",
		known.revoked ? "; one was revoked" : "");
	if (calls && !known.expected)
		advise_unverified(v, &known);
	return !calls || known.expected;
}

/* ---- names and TCP ---- */

static const char *
numeric(char out[INET6_ADDRSTRLEN + 2], const struct addrinfo *a)
{
	const void *raw =
		a->ai_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)(const void *)a->ai_addr)
				  ->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)(const void *)a->ai_addr)
				  ->sin6_addr;

	if (!inet_ntop(a->ai_family, raw, out, INET6_ADDRSTRLEN))
		snprintf(out, INET6_ADDRSTRLEN, "?");
	return out;
}

static struct addrinfo *
resolve(const struct visit *v)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char port[8], text[INET6_ADDRSTRLEN + 2], at[DOCTOR_PLACE];
	struct names names;

	snprintf(port, sizeof(port), "%u", v->endpoint->port);
	int r = getaddrinfo(v->endpoint->host, port, &hints, &found);
	if (r != 0) {
		report_say(v->report, REPORT_FAIL, "name", "%s: %s", v->endpoint->host,
			r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		report_advice(v->report,
			r == EAI_NONAME
				? "correct `address`, %s, or have the name entered in the DNS"
				: "see whether this host can ask the DNS at all; `address` "
				  "is at %s",
			doctor_address(v, at));
		return NULL;
	}
	names_init(&names);
	for (struct addrinfo *a = found; a; a = a->ai_next)
		names_add(&names, numeric(text, a));
	const char *list = names_text(&names);
	if (strcmp(v->endpoint->host, list) != 0)
		report_say(v->report, REPORT_OK, "name", "%s is %s", v->endpoint->host, list);
	return found;
}

static void
advise_connect(const struct visit *v, int error)
{
	char at[DOCTOR_PLACE];

	doctor_address(v, at);
	if (error == ECONNREFUSED)
		report_advice(v->report,
			"nothing listens there: start the node of %s, or correct `address`, %s, to "
			"its `listen`",
			v->peer->name, at);
	else if (error == ETIMEDOUT)
		report_advice(v->report,
			"the host is down, or a firewall drops what goes to port %u: open it, or "
			"correct `address`, %s",
			v->endpoint->port, at);
	else
		report_advice(v->report,
			"this host has no way to that address: see its network, or correct "
			"`address`, %s",
			at);
}

/* The descriptor, or -1 after saying why not. */
static int
connect_first(const struct visit *v, const struct addrinfo *found)
{
	char text[INET6_ADDRSTRLEN + 2];

	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		int fd = probe_connect(a->ai_addr, a->ai_addrlen, CONNECT_MS);
		int error = errno;
		numeric(text, a);
		if (fd >= 0) {
			report_say(v->report, REPORT_OK, "connect", "%s, port %u", text,
				v->endpoint->port);
			return fd;
		}
		if (a->ai_next) {
			report_say(v->report, REPORT_NOTE, "connect", "%s, port %u: %s", text,
				v->endpoint->port, strerror(error));
			continue;
		}
		report_say(v->report, REPORT_FAIL, "connect", "%s, port %u: %s", text,
			v->endpoint->port, strerror(error));
		advise_connect(v, error);
	}
	return -1;
}

/* ---- all of it ---- */

/* True: this endpoint has answered, well or not. */
static bool
visit(struct visit *v, const struct endpoint *endpoint)
{
	const struct probe_setup setup = {v->d->config, v->d->settings, v->d->ring, v->peer->name};
	struct probe_facts facts;

	v->endpoint = endpoint;
	struct addrinfo *found = resolve(v);
	int fd = found ? connect_first(v, found) : -1;
	if (found)
		freeaddrinfo(found);
	if (fd < 0)
		return false;
	struct probe *p = probe_start(
		&setup, fd, (unsigned)(v->d->config->limits.handshake / NS_PER_MS), &facts);
	if (!p) {
		report_say(v->report, REPORT_FAIL, "connect", "out of memory");
		return true;
	}
	doctor_handshake(v, &facts);
	if (facts.error == SC_OK)
		doctor_services(v, p);
	probe_end(p);
	return true;
}

/* What the running node says of the peer, or NULL. */
static struct json_object *
picture_of_peer(const struct visit *v)
{
	struct json_object *peer = NULL;

	json_object_object_get_ex(v->d->peers, v->peer->name, &peer);
	return peer;
}

/* A peer that calls this node: nothing to dial; what the running node knows is all there is. */
static void
wait_for_call(const struct visit *v)
{
	struct json_object *peer = picture_of_peer(v), *state;
	bool told = json_object_object_get_ex(peer, "state", &state) &&
		json_object_is_type(state, json_type_string);

	if (told && strcmp(json_object_get_string(state), "up") == 0) {
		report_say(v->report, REPORT_OK, "connect",
			"it calls this node, and a link is up");
		return;
	}
	report_say(v->report, REPORT_NOTE, "connect",
		"it calls this node, as it has no `address` here, and %s",
		told ? "no link is up" : "that does not run");
	report_advice(v->report,
		"the way to it can be tried at its end only, with: secureconn doctor %s",
		v->d->config->node.name);
}

static bool
has_own_key(const struct visit *v)
{
	for (size_t i = 0; i < v->d->settings->n_asym; i++)
		if (keyring_pair(
			    v->d->ring, v->peer->identity, v->d->settings->asym[i], PAIR_CURRENT))
			return true;
	return false;
}

void
doctor_peer(const struct doctor *d, const struct config_peer *peer)
{
	struct visit v = {.d = d, .peer = peer, .report = d->report};
	struct conn_key keys[SETTINGS_MAX];
	char at[DOCTOR_PLACE];

	report_part(d->report, "The peer", peer->name);
	if (!check_known_keys(&v))
		return;
	if (peer->address.n == 0) {
		wait_for_call(&v);
		return;
	}
	if (!has_own_key(&v)) {
		report_say(d->report, REPORT_NOTE, "connect",
			"not tried: this node has no key to show");
		return;
	}
	const struct probe_setup setup = {d->config, d->settings, d->ring, peer->name};
	if (probe_keys(&setup, keys) == 0) {
		report_say(d->report, REPORT_FAIL, "algorithms",
			"no key of this node is of a kind of which one of the peer's is verified");
		report_advice(d->report,
			"add that kind to `asymmetric` in [node], %s, run: %s init, and start the "
			"node again",
			doctor_place(at, d->config->files[0], d->config->node.asymmetric.line),
			d->program);
		return;
	}
	for (size_t i = 0; i < peer->address.n; i++)
		if (visit(&v, &peer->address.at[i]))
			return; /* a node, too, goes on only if it cannot connect */
}
