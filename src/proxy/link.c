/* Knows the life of a link, from its socket through the handshake; its keys are link_keys.c's, its
   bytes link_io.c's, its streams link_events.c's, its end link_end.c's. */
#include "proxy/link.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/rolls.h"
#include "proxy/report.h"
#include "proxy/session.h"

void
link_enter(struct link *l, enum link_state state)
{
	l->state = state;
	l->since = node_now();
}

void
link_touch(struct link *l)
{
	if (list_empty(&l->dirty))
		list_insert_tail(&l->owner->dirty, &l->dirty);
}

/* ---- up ---- */

static void
log_up(const struct link *l, const struct conn_info *info)
{
	const struct hello *hello = conn_peer_hello(l->conn);
	struct log_line line = log_begin(LOG_LEVEL_INFO, "link_up");
	log_str(&line, "peer", l->peer->name);
	log_str(&line, "address", l->address);
	log_str(&line, "protocol", info->protocol);
	log_str(&line, "asymmetric", info->asym->algorithm->name);
	log_str(&line, "symmetric", info->bulk->algorithm->name);
	log_str(&line, "implementation", info->bulk->name);
	log_str(&line, "dialed", l->dialed ? "yes" : "no");
	log_bytes(&line, "name", hello->name, strlen(hello->name));
	log_u64(&line, "handshake_ms", (node_now() - l->since) / NS_PER_MS);
	log_end(&line);
}

/* A younger connection has shown that the process behind this one is not the present one any
   more. */
static void
superseded(struct link *l)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "link_superseded");
	log_str(&line, "peer", l->peer->name);
	log_str(&line, "address", l->address);
	log_end(&line);
	conn_fail(l->conn, SC_ERR_CLOSED);
	if (l->own && l->dialed)
		own_failed(l, SC_ERR_CLOSED, NULL);
	else if (l->dialed)
		dial_failed(l->peer, SC_ERR_CLOSED, NULL);
	link_kill(l);
}

void
link_join(struct link *l)
{
	struct conn_info info;

	conn_get_info(l->conn, &info);
	if (!l->dialed)
		l->own = conn_peer_hello(l->conn)->max_streams == 0;
	if (!peer_hello(l->peer, l)) {
		superseded(l);
		return;
	}
	if (!session_join(l)) {
		conn_fail(l->conn, SC_ERR_MEMORY);
		link_failed(l);
		return;
	}
	log_up(l, &info);
	link_settle_keys(l);
	link_enter(l, LINK_UP);
	link_io_up(l);
	alarm_set(l->alarm, UINT64_MAX); /* the next turn sets it */
	link_touch(l);
	l->peer->home->counts.links++;
	unsigned up = atomic_fetch_add(&l->peer->home->links_up, 1) + 1;
	/* What goes on may still have its old link here, and takes its place. */
	uint64_t most = l->owner->config->limits.links * (l->goes_on ? 2ull : 1ull);
	if (!l->dialed && up > most) {
		l->owner->reached[REACHED_LINKS]++;
		link_close(l, CODE_TOO_MANY_STREAMS);
		return;
	}
	if (l->own) {
		own_up(l, &info);
		return;
	}
	list_insert_tail(&l->peer->links, &l->up);
	peer_look(l->peer);
	if (l->dialed)
		dial_succeeded(l->peer, &info);
	peer_serve(l->peer);
	link_drain_late(l);
}

/* The peer is authenticated. */
static void
become_up(struct link *l)
{
	struct conn_info info;
	char name[PEER_NAME_SIZE];

	conn_get_info(l->conn, &info);
	/* The operator may have changed his mind since the key was shown. */
	bool verified = link_verdict(l, info.asym, info.peer_public, name) == VERDICT_VERIFIED;
	if (verified && !l->peer)
		l->peer = peer_find(l->owner->node, name, true);
	if (!verified || !l->peer) {
		conn_fail(l->conn, verified ? SC_ERR_MEMORY : SC_ERR_KEY_NOT_VERIFIED);
		link_failed(l);
		return;
	}
	if (!l->dialed && !l->entered && !link_choose(l))
		return; /* until then it counts as if nobody knew from whom it is */
	link_leave_place(l);
	link_note_expected(l);
	report_source(l->owner, &l->source);
	if (l->peer->owner == l->owner)
		link_join(l);
	else
		link_move(l);
}

/* ---- the handshake and what comes up meanwhile ---- */

static void
on_thread(struct job *job)
{
	conn_job_run(container_of(job, struct link, job)->conn_job);
}

static void
on_job_done(struct job *job)
{
	struct link *l = container_of(job, struct link, job);

	conn_job_done(l->conn, l->conn_job, node_now());
	if (l->state == LINK_HANDSHAKE || l->state == LINK_UP)
		link_check(l);
	link_touch(l);
}

/* In the handshake, and for a renewal of the keys later. */
static void
submit_job(struct link *l)
{
	struct conn_job *job = conn_job(l->conn);

	if (!job)
		return;
	l->conn_job = job;
	bool known = l->dialed || l->state == LINK_UP ||
		limits_known(l->owner->node->limits, &l->source, node_now());
	job_submit(&l->job, known);
}

/* Each key that has stepped on since the last look. */
static void
log_steps(struct link *l)
{
	for (uint8_t i = 0; i < 4; i++) {
		bool sending = i < 2;
		uint8_t channel = i % 2;
		uint64_t epoch = conn_epoch(l->conn, sending, channel + 1), *last;

		last = &l->epochs[sending][channel];
		if (epoch > *last && *last > 0) {
			struct log_line line = log_begin(LOG_LEVEL_DEBUG, "key_stepped");
			log_str(&line, "peer", l->peer->name);
			log_str(&line, "direction", sending ? "out" : "in");
			log_u64(&line, "channel", channel + 1);
			log_u64(&line, "epoch", epoch);
			log_end(&line);
		}
		*last = epoch;
	}
}

static void
log_renewal(struct link *l)
{
	struct conn_keys keys = conn_get_keys(l->conn);
	struct log_line line = log_begin(LOG_LEVEL_INFO, "keys_renewed");

	log_str(&line, "peer", l->peer->name);
	log_str(&line, "address", l->address);
	log_str(&line, "by", keys.begun_here ? "this node" : "the peer");
	log_u64(&line, "renewal_ms", keys.took / NS_PER_MS);
	log_u64(&line, "renewals", keys.renewals);
	log_end(&line);
	l->peer->home->counts.renewals += keys.renewals - l->renewals;
	l->renewals = keys.renewals;
}

void
link_check(struct link *l)
{
	submit_job(l);
	if (l->state == LINK_HANDSHAKE && !l->moving && conn_phase(l->conn) == CONN_UP)
		become_up(l);
	if (l->state == LINK_HANDSHAKE && conn_phase(l->conn) == CONN_FAILED)
		link_failed(l);
	if (l->state == LINK_UP)
		link_events(l);
	if (l->state == LINK_UP)
		rolls_check(l);
	if (l->state == LINK_UP && conn_renewals(l->conn) > l->renewals)
		log_renewal(l);
	if (l->state == LINK_UP && log_enabled(LOG_LEVEL_DEBUG))
		log_steps(l);
	if (l->state == LINK_UP && conn_phase(l->conn) == CONN_FAILED) {
		trunk_lost(l->session->trunk);
		link_events(l);
	}
}

static void
on_alarm(void *owner)
{
	struct link *l = owner;

	if (l->state == LINK_HANDSHAKE) {
		conn_fail(l->conn, SC_ERR_TIMEOUT);
		link_check(l);
	} else if (l->state == LINK_ENDING) {
		link_kill(l);
	}
	link_touch(l);
}

static void
on_shut(void *owner, int status)
{
	if (status != 0)
		link_kill(owner);
}

/* LINK_ENDING, all written: the end is told to the other side, and its end waited for. */
static void
turn_ending(struct link *l)
{
	if (l->writing > 0)
		return;
	if (l->eof) {
		link_kill(l);
	} else if (!l->shut) {
		l->shut = true;
		if (sock_shutdown(l->sock, on_shut) != 0)
			link_kill(l);
	}
}

bool
link_turn(struct link *l)
{
	bool more = false;
	uint64_t now = node_now();

	if (l->state == LINK_UP && trunk_silent(l->session->trunk, now))
		link_look_at_transport(l, now);
	if (l->state == LINK_UP && now >= trunk_deadline(l->session->trunk))
		trunk_tick(l->session->trunk, now);
	if (l->state == LINK_UP && now >= conn_deadline(l->conn))
		conn_tick(l->conn, now);
	if (l->state == LINK_HANDSHAKE || l->state == LINK_UP)
		link_check(l);
	bool open = l->state == LINK_HANDSHAKE || l->state == LINK_UP;
	if (open && !l->moving && l->eof && l->job.state == JOB_IDLE)
		link_lost(l);
	if (l->state != LINK_DEAD)
		more = link_write(l);
	if (l->state == LINK_UP && l->session_up && !l->rolls_begun && !l->own) {
		l->rolls_begun = true; /* behind SESSION, which has just been sealed */
		rolls_up(l);
	}
	if (l->state != LINK_DEAD)
		link_read(l);
	if (l->state == LINK_ENDING && !more)
		turn_ending(l);
	if (l->state == LINK_UP)
		alarm_set_by(l->alarm, min_u64(trunk_deadline(l->session->trunk),
					       conn_deadline(l->conn)));
	return more || (l->state == LINK_UP && trunk_has_event(l->session->trunk));
}

/* ---- the beginning ---- */

static struct conn *
make_conn(struct link *l)
{
	struct node *n = l->owner->node;
	const struct config *c = l->owner->config;
	const struct config_limits *limits = &c->limits;
	struct conn_config config = {
		.initiator = l->dialed,
		.bulk = n->bulk,
		.n_bulk = n->n_bulk,
		.random = n->random,
		.hello = n->hello,
		.lines = {.size = (size_t)limits->handshake_line,
			.count = limits->handshake_lines,
			.total = (size_t)limits->handshake_bytes},
		.ratchet_records = limits->ratchet_records,
		.ratchet_bytes = limits->ratchet_bytes,
		.renewal = {
			.after = c->node.rekey_after,
			.bytes = c->node.rekey_bytes,
			.gap = limits->rekey_gap,
			.deadline = limits->rekey_deadline,
			.latest = renewal_rules_default.latest,
			.most = limits->rekey_per_hour,
		},
	};
	if (!link_set_keys(l, &config))
		return NULL;
	config.hello.hold = session_hello_hold(l->owner->config, l->dialed ? l->peer : NULL);
	config.hello.max_streams = l->max_streams = limits->streams;
	if (l->own && l->dialed) /* own.h */
		config.hello.max_streams = l->max_streams = 0;
	return conn_new(&config, node_now());
}

void
link_prepare(struct link *l)
{
	l->alarm = alarm_new(&l->owner->loop, on_alarm, l);
	job_init(&l->job, &l->owner->jobs, on_thread, on_job_done);
}

struct link *
link_new(struct worker *w, struct peer *peer, bool own, struct sock *sock,
	const struct sockaddr *address)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l) {
		l->owner = w;
		l->peer = peer;
		l->dialed = peer != NULL;
		l->own = own;
		l->conn = make_conn(l);
		if (l->conn)
			link_prepare(l);
	}
	if (!l || !l->alarm) {
		if (l) {
			conn_free(l->conn);
			link_release_keys(l);
		}
		free(l);
		sock_close(sock);
		return NULL;
	}
	l->sock = sock;
	sock->owner = l;
	l->source = address_source(address);
	address_text(l->address, address);
	l->birth = atomic_fetch_add(&w->node->births, 1) + 1;
	list_init(&l->dirty);
	list_init(&l->up);
	list_init(&l->ready);
	list_insert_tail(&w->links, &l->node);
	link_enter(l, LINK_HANDSHAKE);
	alarm_set(l->alarm, l->since + w->config->limits.handshake);
	link_io_start(l);
	link_touch(l);
	return l;
}

void
link_set_place(struct link *l, uint32_t place)
{
	l->place = place;
	l->has_place = true;
}
