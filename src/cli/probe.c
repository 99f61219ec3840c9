/* Knows how the sans-I/O layers are driven over one socket with poll; what the outcome means is
   doctor's affair. */
#include "cli/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tunnel/chunk.h"
#include "tunnel/trunk.h"

#define WINDOW     (64u * 1024)
#define KEPT       (256u * 1024)
#define GOODBYE_MS 500

struct probe {
	int fd;
	struct probe_setup setup;
	struct conn_key keys[SETTINGS_MAX];
	struct conn *conn;
	struct chunk_pool *chunks;
	struct trunk *trunk;
	bool up, over;         /* of the trunk */
	struct stream *stream; /* of probe_service */
	enum probe_answer answer;
	uint16_t code;
	struct probe_facts *facts; /* during the handshake */
};

static uint64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int
probe_connect(const struct sockaddr *address, socklen_t size, unsigned ms)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t length = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, address, size) == 0)
		return fd;
	if (errno == EINPROGRESS) {
		int r = poll(&ready, 1, (int)ms);
		if (r > 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		else
			error = r == 0 ? ETIMEDOUT : errno;
	} else {
		error = errno;
	}
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

size_t
probe_keys(const struct probe_setup *s, struct conn_key *keys)
{
	const struct config_peer *section = config_peer_find(s->config, s->peer);
	const char *identity = section ? section->identity : "";
	bool any = keyring_has_verified(s->ring, s->peer, NULL);
	size_t n = 0;

	for (size_t i = 0; i < s->settings->n_asym; i++) {
		const struct asym_impl *asym = s->settings->asym[i];
		const struct key_pair *pair = keyring_pair(s->ring, identity, asym, PAIR_CURRENT);
		if (pair && (!any || keyring_has_verified(s->ring, s->peer, asym)))
			keys[n++] = (struct conn_key){asym, pair->public_key, pair->private_key};
	}
	return n;
}

static bool
accept_key(void *arg, const struct asym_impl *asym, const uint8_t *public_key)
{
	struct probe *p = arg;
	char name[PEER_NAME_SIZE];

	p->facts->verdict = keyring_check(p->setup.ring, p->setup.peer, asym, public_key, name);
	if (p->facts->verdict == VERDICT_UNKNOWN &&
		keyring_expects(p->setup.ring, p->setup.peer, asym, public_key, name))
		p->facts->verdict = VERDICT_VERIFIED; /* a node would note it */
	if (asym->algorithm->weak && !p->setup.config->node.allow_weak)
		p->facts->verdict = VERDICT_WEAK;
	return p->facts->verdict == VERDICT_VERIFIED;
}

/* ---- bytes ---- */

/* False: it has ended, and the connection knows. */
static bool
read_some(struct probe *p)
{
	size_t room;
	uint8_t *data = conn_in_buf(p->conn, &room);

	if (room == 0)
		return true;
	ssize_t n = recv(p->fd, data, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		conn_in_end(p->conn);
		return false;
	}
	if (p->facts && !p->facts->first[0]) {
		const uint8_t *end = memchr(data, '\n', (size_t)n);
		size_t line = end ? (size_t)(end - data) : (size_t)n;
		if (line > 0 && data[line - 1] == '\r')
			line--;
		escape_text(p->facts->first, sizeof(p->facts->first), data, line);
	}
	conn_in_ack(p->conn, (size_t)n, now_ns());
	return true;
}

static void
write_some(struct probe *p)
{
	for (;;) {
		size_t n;
		if (p->trunk)
			trunk_seal(p->trunk, now_ns());
		const uint8_t *data = conn_out_buf(p->conn, &n);
		if (n == 0)
			return;
		ssize_t sent = send(p->fd, data, n, MSG_NOSIGNAL);
		if (sent < 0) /* if it is broken, reading shows it */
			return;
		conn_out_ack(p->conn, (size_t)sent);
	}
}

static void
run_jobs(struct probe *p)
{
	struct conn_job *job;

	while ((job = conn_job(p->conn))) {
		conn_job_run(job);
		conn_job_done(p->conn, job, now_ns());
	}
}

/* ---- streams ---- */

static void
settle(struct probe *p, enum probe_answer answer, uint16_t code)
{
	p->stream = NULL;
	p->answer = answer;
	p->code = code;
}

static void
take_events(struct probe *p)
{
	struct trunk_event e;

	while (trunk_next_event(p->trunk, now_ns(), &e)) {
		if (e.type == TRUNK_UP)
			p->up = true;
		if (e.type == TRUNK_CLOSED)
			p->over = true;
		if (e.type == TRUNK_OPEN) /* HELLO said that none may be opened here */
			stream_reset(e.stream, CODE_TOO_MANY_STREAMS, NULL);
		if (!e.stream || e.stream != p->stream)
			continue;
		if (e.type == TRUNK_OPENED) {
			stream_reset(p->stream, CODE_RESET_BY_APPLICATION, "a test by doctor");
			settle(p, PROBE_OPENED, 0);
		} else if (e.type == TRUNK_RESET) {
			settle(p, PROBE_RESET, e.code);
		}
	}
}

/* Moves bytes both ways until something has happened, or the time is over. False: it is. */
static bool
turn(struct probe *p, uint64_t end)
{
	uint64_t now = now_ns();
	size_t n;

	run_jobs(p);
	write_some(p);
	conn_out_buf(p->conn, &n);
	struct pollfd ready = {.fd = p->fd, .events = (short)(n > 0 ? POLLIN | POLLOUT : POLLIN)};
	if (now >= end)
		return false;
	int wait = (int)((end - now) / NS_PER_MS + 1);
	if (poll(&ready, 1, wait) <= 0)
		return true; /* the time is looked at again */
	bool open = !(ready.revents & (POLLIN | POLLHUP | POLLERR)) || read_some(p);
	run_jobs(p);
	if (!open && p->trunk)
		trunk_lost(p->trunk);
	if (p->trunk)
		take_events(p);
	write_some(p);
	return true;
}

/* ---- the handshake ---- */

static bool
make(struct probe *p)
{
	struct conn_config config = {
		.initiator = true,
		.keys = p->keys,
		.n_keys = probe_keys(&p->setup, p->keys),
		.bulk = p->setup.settings->bulk,
		.n_bulk = p->setup.settings->n_bulk,
		.random = random_system,
		/* No instance: the links of the running node stay. No streams: the peer opens none
		   here that were meant for the running node. */
		.hello = {.window = WINDOW, .max_streams = 0},
		.accept_key = accept_key,
		.arg = p,
		.renewal = renewal_rules_default,
	};
	snprintf(config.hello.name, sizeof(config.hello.name), "%.63s", p->setup.config->node.name);
	p->conn = conn_new(&config, now_ns());
	p->chunks = chunk_pool_new(KEPT);
	return p->conn && p->chunks;
}

static bool
make_trunk(struct probe *p)
{
	const struct trunk_config config = {.initiator = true,
		.window = WINDOW,
		.max_streams = 0,
		.random = random_system,
		.chunks = p->chunks};

	p->trunk = trunk_new(&config, p->conn, now_ns());
	return p->trunk != NULL;
}

static void
tell(struct probe *p, struct probe_facts *facts, uint64_t began)
{
	facts->error = conn_error(p->conn);
	facts->took = now_ns() - began;
	conn_get_info(p->conn, &facts->info);
	if (conn_phase(p->conn) == CONN_UP) {
		const char *name = conn_peer_hello(p->conn)->name;
		escape_text(facts->name, sizeof(facts->name), name, strlen(name));
	}
}

struct probe *
probe_start(const struct probe_setup *setup, int fd, unsigned ms, struct probe_facts *facts)
{
	struct probe *p = calloc(1, sizeof(*p));
	uint64_t began = now_ns(), end = began + ms * NS_PER_MS;

	*facts = (struct probe_facts){.verdict = VERDICT_UNKNOWN};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (!p) {
		close(fd);
		return NULL;
	}
	p->fd = fd;
	p->setup = *setup;
	p->facts = facts;
	if (!make(p)) {
		probe_end(p);
		return NULL;
	}
	while (conn_phase(p->conn) == CONN_HANDSHAKE)
		if (!turn(p, end))
			conn_fail(p->conn, SC_ERR_TIMEOUT);
	tell(p, facts, began);
	write_some(p);
	p->facts = NULL;
	if (facts->error == SC_OK && !make_trunk(p))
		facts->error = SC_ERR_MEMORY;
	return p;
}

enum probe_answer
probe_service(struct probe *p, const char *service, unsigned ms, uint16_t *code)
{
	struct stream_request request = {.service_size = (uint8_t)strlen(service)};
	uint64_t end = now_ns() + ms * NS_PER_MS;

	memcpy(request.service, service, request.service_size);
	p->answer = PROBE_SILENT;
	while (!p->over && !(p->stream = trunk_open(p->trunk, &request, p)))
		if (!turn(p, end))
			return PROBE_SILENT;
	while (!p->over && p->stream)
		if (!turn(p, end))
			break;
	*code = p->code;
	if (p->over && p->answer == PROBE_SILENT)
		return PROBE_LOST;
	if (p->stream) {
		stream_reset(p->stream, CODE_RESET_BY_APPLICATION, "a test by doctor");
		settle(p, PROBE_SILENT, 0);
	}
	return p->answer;
}

/* Says CLOSE, and lets the other side have the last word, so that it does not see a lost link. */
static void
say_goodbye(struct probe *p)
{
	uint64_t end = now_ns() + GOODBYE_MS * NS_PER_MS, now;
	struct pollfd ready = {.fd = p->fd, .events = POLLIN};
	uint8_t rest[4096];

	trunk_close(p->trunk, CODE_NONE);
	take_events(p);
	write_some(p);
	shutdown(p->fd, SHUT_WR);
	while ((now = now_ns()) < end && poll(&ready, 1, (int)((end - now) / NS_PER_MS + 1)) > 0)
		if (recv(p->fd, rest, sizeof(rest), 0) <= 0)
			return;
}

void
probe_end(struct probe *p)
{
	if (!p)
		return;
	if (p->trunk && !p->over)
		say_goodbye(p);
	close(p->fd);
	trunk_free(p->trunk);
	conn_free(p->conn);
	chunk_pool_free(p->chunks);
	wipe_free(p, sizeof(*p));
}
