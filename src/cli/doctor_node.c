/* Knows what must be right at this node, whatever its peers do. */
#include "cli/doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/amounts.h"
#include "cli/client.h"

#define LONG_AGO   1767225600                 /* 2026: a clock before it is wrong */
#define ROOM_MIN   (64 * 1024)                /* bytes: a key takes 4 KiB at most */
#define OLD        ((int64_t)730 * 24 * 3600) /* of a key, in seconds */
#define CONNECT_MS 3000

const char *
doctor_ago(char out[48], int64_t then)
{
	int64_t seconds = (int64_t)time(NULL) - then;
	char age[32];

	if (seconds < -60)
		snprintf(out, 48, "in the future");
	else
		snprintf(out, 48, "%s ago", age_text(age, seconds > 0 ? (uint64_t)seconds : 0));
	return out;
}

/* ---- the state folder ---- */

/* Whether what comes and what is decided can be written down. */
static void
check_state(const struct doctor *d)
{
	const char *state = d->config->node.state;
	struct statvfs fs;

	if (access(state, W_OK) != 0) {
		report_say(d->report, REPORT_FAIL, "state folder", "%s: cannot be written: %s",
			state, strerror(errno));
		report_advice(d->report, "what `verify` decides, and keys that come, cannot be "
					 "kept: make it writable, or set `state` to another place");
	} else if (statvfs(state, &fs) == 0 && ((uint64_t)fs.f_bavail * fs.f_frsize < ROOM_MIN ||
						       (fs.f_files > 0 && fs.f_favail == 0))) {
		report_say(d->report, REPORT_FAIL, "state folder",
			"%s: there is no room left on its file system", state);
		report_advice(d->report,
			"make room: what `verify` decides, and keys that come, "
			"cannot be kept (df %s)",
			state);
	} else if (!d->damaged) {
		report_say(d->report, REPORT_OK, "state folder", "%s", state);
	}
}

/* ---- clock and keys ---- */

static void
check_clock(const struct doctor *d)
{
	int64_t now = (int64_t)time(NULL), youngest = 0;
	char text[TIME_TEXT_SIZE], other[TIME_TEXT_SIZE];

	time_text(text, now);
	const struct key_pair *pair;
	for (size_t i = 0; (pair = keyring_pair_at(d->ring, i)); i++)
		if (pair->created > youngest)
			youngest = pair->created;
	if (now >= LONG_AGO && youngest <= now + 60) {
		report_say(d->report, REPORT_OK, "clock", "it is %s", text);
		return;
	}
	time_text(other, youngest);
	if (now < LONG_AGO)
		report_say(d->report, REPORT_FAIL, "clock", "this host thinks that it is %s", text);
	else
		report_say(d->report, REPORT_FAIL, "clock",
			"this host thinks that it is %s, and has a key made at %s", text, other);
	report_advice(d->report,
		"set the clock, and have it kept right (timedatectl set-ntp true): how long keys "
		"wait and are kept depends on it");
}

static void
check_keys_of(const struct doctor *d, const char *identity)
{
	const char *of = identity[0] ? " of the identity " : "";
	char age[48];

	for (size_t i = 0; i < d->settings->n_asym; i++) {
		const struct asym_impl *asym = d->settings->asym[i];
		const struct key_pair *pair = keyring_pair(d->ring, identity, asym, PAIR_CURRENT);
		if (pair) {
			bool old = (int64_t)time(NULL) - pair->created > OLD;
			report_say(d->report, old ? REPORT_NOTE : REPORT_OK, "key",
				"%s%s%s, made %s", asym->algorithm->name, of, identity,
				doctor_ago(age, pair->created));
			if (old)
				report_advice(d->report,
					"a new one needs no outage: %s key rotate --asymmetric "
					"\"%s\"%s%s",
					d->program, asym->algorithm->name,
					identity[0] ? " --identity " : "", identity);
			continue;
		}
		report_say(d->report, REPORT_FAIL, "key",
			"there is no %s key%s%s, which `asymmetric` names", asym->algorithm->name,
			of, identity);
		report_advice(d->report,
			d->damaged_key ? "put its file back from a backup; or move that away, run: "
					 "%s init, and have the new key verified"
				       : "run: %s init",
			d->program);
	}
}

static void
check_keys(const struct doctor *d)
{
	const struct config *c = d->config;

	check_keys_of(d, "");
	for (size_t i = 0; i < c->n_peers; i++) {
		const char *identity = config_identity_at(c, i);
		if (identity)
			check_keys_of(d, identity);
	}
}

/* ---- the process and its ports ---- */

/* -1 and errno, or a descriptor that is connected. */
static int
reach_tcp(const struct endpoint *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	const char *host = e->host;
	char port[8];
	int fd = -1;

	/* What listens everywhere listens on loopback. */
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	snprintf(port, sizeof(port), "%u", e->port);
	if (getaddrinfo(host, port, &hints, &found) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
		fd = probe_connect(a->ai_addr, a->ai_addrlen, CONNECT_MS);
	int error = errno;
	freeaddrinfo(found);
	errno = error;
	return fd;
}

static int
reach_unix(const struct endpoint *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, e->path, sizeof(address.sun_path));
	return probe_connect((struct sockaddr *)&address, sizeof(address), CONNECT_MS);
}

/* 0, or the error. */
static int
reach(const struct endpoint *e)
{
	int fd = e->is_unix ? reach_unix(e) : reach_tcp(e);
	int error = errno;

	if (fd < 0)
		return error ? error : EIO;
	close(fd);
	return 0;
}

static void
check_listen(const struct doctor *d)
{
	const struct endpoint_list *listen = &d->config->node.listen;

	if (listen->n == 0)
		report_say(d->report, REPORT_OK, "peer port", "none: this node only dials out");
	for (size_t i = 0; i < listen->n; i++) {
		const struct endpoint *e = &listen->at[i];
		int error = reach(e);
		if (error == 0) {
			report_say(d->report, REPORT_OK, "peer port", "%s answers", e->text);
			continue;
		}
		report_say(d->report, REPORT_FAIL, "peer port", "%s: %s", e->text, strerror(error));
		report_advice(d->report,
			"the node runs with another `listen` than %s:%u says: %s reload",
			listen->file ? listen->file : d->config->files[0], listen->line,
			d->program);
	}
}

static void
check_process(const struct doctor *d)
{
	struct json_object *node;
	char age[32];

	if (d->picture && json_object_object_get_ex(d->picture, "node", &node)) {
		report_say(d->report, REPORT_OK, "process", "running for %s, pid %llu",
			age_text(age, client_number(node, "age_s")),
			(unsigned long long)client_number(node, "pid"));
		check_listen(d);
		return;
	}
	if (d->config->node.control[0] == '\0') {
		report_say(d->report, REPORT_NOTE, "process",
			"`control` is empty: whether a node runs cannot be asked");
		report_advice(d->report, "give `control` a path, and restart the node");
		return;
	}
	report_say(d->report, REPORT_NOTE, "process", "no node answers at its control socket %s",
		d->config->node.control);
	report_advice(d->report, "start it with: %s run", d->program);
}

/* ---- services ---- */

static void
check_service(const struct doctor *d, const struct config_service *s)
{
	const struct endpoint_list *targets = &s->connect;

	for (size_t i = 0; i < targets->n; i++) {
		const struct endpoint *e = &targets->at[i];
		int error = reach(e);
		if (error == 0) {
			report_say(d->report, REPORT_OK, "service", "%s: %s answers", s->name,
				e->text);
			continue;
		}
		report_say(d->report, REPORT_FAIL, "service", "%s: %s: %s", s->name, e->text,
			strerror(error));
		report_advice(d->report, "start the program behind it, or correct `connect`, %s:%u",
			targets->file, targets->line);
	}
}

/* What the running node may do, from its line CapEff. False: that cannot be known. */
static bool
capabilities_of(unsigned long long pid, uint64_t *capabilities)
{
	char path[64], text[256];
	unsigned long long mask;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%llu/status", pid);
	FILE *file = fopen(path, "re");
	while (file && !found && fgets(text, sizeof(text), file))
		found = sscanf(text, "CapEff: %llx", &mask) == 1;
	if (file)
		fclose(file);
	if (found)
		*capabilities = mask;
	return found;
}

/* source = original. */
static void
check_original(const struct doctor *d, const struct config_service *s)
{
	const uint64_t enough = 1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN;
	struct json_object *node;
	uint64_t capabilities;

	if (!s->original || !d->picture || !json_object_object_get_ex(d->picture, "node", &node) ||
		!capabilities_of(client_number(node, "pid"), &capabilities))
		return;
	if (capabilities & enough) {
		report_say(d->report, REPORT_OK, "service",
			"%s: the node may show clients' own addresses", s->name);
		return;
	}
	report_say(d->report, REPORT_FAIL, "service",
		"%s: `source = original`, but the node has no right to show other addresses than "
		"its own",
		s->name);
	report_advice(d->report,
		"give it the capability CAP_NET_RAW: AmbientCapabilities and "
		"CapabilityBoundingSet of a systemd unit, or start it as root with `user` set");
}

void
doctor_node(const struct doctor *d)
{
	check_state(d);
	check_clock(d);
	check_keys(d);
	check_process(d);
	for (size_t i = 0; i < d->config->n_services; i++) {
		check_service(d, &d->config->services[i]);
		check_original(d, &d->config->services[i]);
	}
}
