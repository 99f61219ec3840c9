/* Knows each step on the way to a peer and its services, what can be wrong with it, and what mends
   that. */
#include "cli/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "cli/status_text.h"

#define CONNECT_MS 5000
#define SERVICE_MS 2000 /* over what the route waits */

/* ---- keys, before anything is dialed ---- */

static void
check_known_keys(const struct visit *v)
{
	const struct peer_key *key;
	char age[48];
	bool any = false, waits = false;

	for (size_t i = 0; (key = keyring_peer_key(v->d->ring, i)); i++) {
		if (strcmp(key->peer, v->peer->name) != 0)
			continue;
		if (key->state == KEY_VERIFIED)
			report_say(v->report, REPORT_OK, "key of the peer", "%s, verified %s",
				key->asym->algorithm->name, doctor_ago(age, key->time));
		any = any || key->state == KEY_VERIFIED;
		waits = waits || key->state == KEY_PENDING;
	}
	if (any && waits)
		report_say(v->report, REPORT_NOTE, "key of the peer",
			"it has also shown a key that is not verified");
	if (!any)
		report_say(v->report, REPORT_NOTE, "key of the peer", "none is verified here%s%s",
			waits ? ", but one waits for that" : "",
			keyring_has_revoked(v->d->ring, v->peer->name) ? "; one was revoked" : "");
}

/* ---- names and TCP ---- */

static const char *
numeric(char out[INET6_ADDRSTRLEN + 2], const struct addrinfo *a)
{
	const void *raw = a->ai_family == AF_INET
		? (const void *)&((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr
		: (const void *)&((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr;

	if (!inet_ntop(a->ai_family, raw, out, INET6_ADDRSTRLEN))
		snprintf(out, INET6_ADDRSTRLEN, "?");
	return out;
}

static struct addrinfo *
resolve(const struct visit *v)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char port[8], list[400] = "", text[INET6_ADDRSTRLEN + 2], at[DOCTOR_PLACE];
	size_t used = 0;

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
	for (struct addrinfo *a = found; a && used < sizeof(list); a = a->ai_next)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
			numeric(text, a));
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
			"its `listen`", v->peer->name, at);
	else if (error == ETIMEDOUT)
		report_advice(v->report,
			"the host is down, or a firewall drops what goes to port %u: open it, or "
			"correct `address`, %s", v->endpoint->port, at);
	else
		report_advice(v->report,
			"this host has no way to that address: see its network, or correct "
			"`address`, %s", at);
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

/* ---- services ---- */

static void
advise_service(const struct visit *v, const struct config_route *r, uint16_t code)
{
	const char *peer = v->peer->name;
	char at[DOCTOR_PLACE];

	doctor_place(at, r->file, r->line);
	switch (code) {
	case CODE_DENIED:
		report_advice(v->report,
			"at %s, `allow` in [service %s] has to name this node, as it is called "
			"there; or there is no such service: see [route %s], %s",
			peer, r->service, r->name, at);
		break;
	case CODE_REFUSED:
		report_advice(v->report,
			"at %s, the program behind [service %s] does not run: start it, or correct "
			"`connect` there", peer, r->service);
		break;
	case CODE_CONNECT_TIMEOUT:
	case CODE_NOT_FOUND:
		report_advice(v->report,
			"at %s, `connect` in [service %s] leads nowhere: correct it there", peer,
			r->service);
		break;
	default:
		report_advice(v->report, "the log of %s says more (connection_refused)", peer);
	}
}

static const char *
code_says(uint16_t code)
{
	switch (code) {
	case CODE_DENIED:
		return "denied";
	case CODE_REFUSED:
		return "its target there refuses connections";
	case CODE_CONNECT_TIMEOUT:
		return "its target there does not answer";
	case CODE_NOT_FOUND:
		return "the name of its target there is not known";
	case CODE_SHUTTING_DOWN:
		return "the node there is stopping";
	case CODE_TOO_MANY_STREAMS:
		return "too many connections at once";
	default:
		return "refused";
	}
}

/* False: the link is gone. */
static bool
try_service(const struct visit *v, struct probe *p, const struct config_route *r)
{
	unsigned ms = (unsigned)(r->connect_timeout / NS_PER_MS) + SERVICE_MS;
	uint16_t code = 0;

	switch (probe_service(p, r->service, ms, &code)) {
	case PROBE_OPENED:
		report_say(v->report, REPORT_OK, "service", "%s (route %s) takes connections",
			r->service, r->name);
		return true;
	case PROBE_RESET:
		report_say(v->report, REPORT_FAIL, "service", "%s (route %s): %s", r->service,
			r->name, code_says(code));
		advise_service(v, r, code);
		return true;
	case PROBE_SILENT:
		report_say(v->report, REPORT_FAIL, "service", "%s (route %s): no answer in time",
			r->service, r->name);
		advise_service(v, r, CODE_CONNECT_TIMEOUT);
		return true;
	case PROBE_LOST:
		break;
	}
	report_say(v->report, REPORT_FAIL, "service", "%s (route %s): the link has ended",
		r->service, r->name);
	report_advice(v->report, "try again; the log of %s says why", v->peer->name);
	return false;
}

static bool
route_leads_to(const struct config_route *r, const char *peer)
{
	for (size_t i = 0; i < r->peers.n; i++)
		if (strcmp(r->peers.at[i], peer) == 0)
			return true;
	return false;
}

static void
try_services(const struct visit *v, struct probe *p)
{
	const struct config *c = v->d->config;
	bool any = false;

	for (size_t i = 0; i < c->n_routes; i++) {
		if (!route_leads_to(&c->routes[i], v->peer->name))
			continue;
		any = true;
		if (!try_service(v, p, &c->routes[i]))
			return;
	}
	if (!any)
		report_say(v->report, REPORT_NOTE, "service", "no route leads to this peer");
}

/* ---- all of it ---- */

/* True: this endpoint has answered, well or not. */
static bool
visit(struct visit *v, const struct endpoint *endpoint)
{
	const struct probe_setup setup = {
		v->d->config, v->d->settings, v->d->ring, v->peer->name};
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
		try_services(v, p);
	probe_end(p);
	return true;
}

/* A peer that calls this node: nothing to dial; what the running node knows is all there is. */
static void
wait_for_call(const struct visit *v)
{
	report_say(v->report, REPORT_NOTE, "connect",
		"it has no `address` here: it calls this node, so the way to it can be tried at "
		"its end only, with: secureconn doctor %s",
		v->d->config->node.name);
}

void
doctor_peer(const struct doctor *d, const struct config_peer *peer)
{
	struct visit v = {.d = d, .peer = peer, .report = d->report};
	struct conn_key keys[SETTINGS_MAX];
	char at[DOCTOR_PLACE];

	report_part(d->report, "The peer", peer->name);
	check_known_keys(&v);
	if (peer->address.n == 0) {
		wait_for_call(&v);
		return;
	}
	const struct probe_setup setup = {d->config, d->settings, d->ring, peer->name};
	if (probe_keys(&setup, keys) == 0) {
		report_say(d->report, REPORT_FAIL, "algorithms",
			"no key of this node is of a kind of which one of the peer's is verified");
		report_advice(d->report,
			"add that kind to `asymmetric` in [node], %s, and run: %s init",
			doctor_place(at, d->config->files[0], d->config->node.asymmetric.line),
			d->program);
		return;
	}
	for (size_t i = 0; i < peer->address.n; i++)
		if (visit(&v, &peer->address.at[i]))
			return; /* a node, too, goes on only if it cannot connect */
}
