/* Knows which sessions a peer has and what becomes of them between two links; knows nothing of
   sockets. */
#include "proxy/session.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/local.h"

#define SUSPENDED_MAX 64 /* of one peer, over all workers (protocol.md 8.1) */

uint64_t
session_hold(const struct peer *p)
{
	return p->config ? p->config->survive : SURVIVE_DEFAULT;
}

uint16_t
session_hello_hold(const struct config *c, const struct peer *p)
{
	uint64_t hold = p ? session_hold(p) : SURVIVE_DEFAULT;

	for (size_t i = 0; !p && i < c->n_peers; i++)
		hold = max_u64(hold, c->peers[i].survive);
	return (uint16_t)min_u64((hold + NS_PER_S - 1) / NS_PER_S, UINT16_MAX);
}

/* ---- with a link ---- */

void
session_list_id(struct session *s)
{
	session_ids_add(&s->peer->owner->node->session_ids, &s->listed, trunk_session_id(s->trunk));
}

static void on_alarm(void *owner);

static struct session *
session_new(struct link *l, const struct trunk_config *config)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->alarm = alarm_new(&l->owner->loop, on_alarm, s);
	s->trunk = s->alarm ? trunk_new(config, l->conn, node_now()) : NULL;
	if (!s->trunk) {
		alarm_free(s->alarm);
		free(s);
		return NULL;
	}
	s->peer = l->peer;
	s->own = l->dialed;
	s->single = l->own;
	s->listed.home = s->peer->home;
	s->listed.at = s->peer;
	list_init(&s->locals);
	list_init(&s->lost);
	list_insert_tail(&s->peer->sessions, &s->node);
	if (s->own)
		session_list_id(s);
	return s;
}

static void
uncount(struct session *s)
{
	if (s->counted)
		atomic_fetch_sub(&s->peer->home->suspended, 1);
	s->counted = false;
}

/* The session goes over this link from now on. */
static void
take_link(struct session *s, struct link *l)
{
	const struct hello *hello = conn_peer_hello(l->conn);
	struct conn_info info;

	uncount(s);
	own_found(s);
	conn_get_info(l->conn, &info);
	s->link = l;
	l->session = s;
	l->goaway = s->goaway;
	l->goaway_code = s->goaway_code;
	s->has_instance = hello->has_instance;
	memcpy(s->instance, hello->instance, sizeof(s->instance));
	s->asym = info.asym;
	memcpy(s->key, info.peer_public, info.asym->algorithm->public_size);
	alarm_set(s->alarm, UINT64_MAX);
}

/* Each has two links in a row, then the others have theirs: with the first one a process that takes
   over from another finds out whose the second one is (handover.h). */
static bool
waits_longer(const struct session *a, const struct session *b)
{
	if (a->tries / 2 != b->tries / 2)
		return a->tries / 2 < b->tries / 2;
	return a->lost_at < b->lost_at;
}

/* The one that waits longest for this node to dial a link that is shared. */
static struct session *
waiting(const struct peer *p)
{
	struct session *oldest = NULL;

	list_for_each (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (s->own && !s->single && !s->link && trunk_suspended(s->trunk) &&
			(!oldest || waits_longer(s, oldest)))
			oldest = s;
	}
	return oldest;
}

bool
session_join(struct link *l)
{
	const struct node *n = l->owner->node;
	const struct trunk_config config = {
		.initiator = l->dialed,
		.window = n->hello.window,
		.max_streams = l->max_streams,
		.keepalive = l->peer->config ? l->peer->config->keepalive : NODE_KEEPALIVE,
		.hold = session_hold(l->peer),
		.random = n->random,
		.chunks = l->owner->chunks,
		.find = session_find,
		.arg = l,
	};
	struct session *s = NULL;

	if (l->dialed)
		s = l->own ? own_waiting(l->peer) : waiting(l->peer);
	if (s)
		trunk_attach(s->trunk, &config, l->conn, node_now());
	else
		s = session_new(l, &config);
	if (s)
		take_link(s, l);
	return s != NULL;
}

void
session_touch(struct session *s)
{
	if (s->link)
		link_touch(s->link);
	else
		alarm_set(s->alarm, 0);
}

void
session_move(struct session *s, struct trunk *to)
{
	struct link *l = s->link;
	struct session *other = NULL;

	list_for_each (it, &s->peer->sessions)
		if (container_of(it, struct session, node)->trunk == to)
			other = container_of(it, struct session, node);
	session_free(s);
	if (other->link)
		link_superseded(other->link);
	take_link(other, l);
}

/* ---- without ---- */

static void
log_lost(const struct session *s, const struct trunk_event *event)
{
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "session_lost");

	log_str(&line, "peer", s->peer->name);
	if (event->text.size > 0)
		log_bytes(&line, "reason", event->text.data, event->text.size);
	else if (event->error == SC_OK)
		log_str(&line, "reason", code_text(event->code));
	else
		log_str(&line, "reason", sc_error_text(event->error));
	log_u64(&line, "code", event->code);
	log_u64(&line, "lost_ms", (node_now() - s->lost_at) / NS_PER_MS);
	log_end(&line);
}

/* Nothing of it is worth a link: it was kept ready for a connection, which gets another one, or its
   connection has ended and the peer knows. */
static bool
is_idle(const struct session *s)
{
	return s->single && s->own && !trunk_unsettled(s->trunk);
}

/* What a trunk without a link has to tell: its streams' ends, and its own. */
static void
look(struct session *s)
{
	struct trunk_event event;

	while (!s->link && trunk_next_event(s->trunk, node_now(), &event)) {
		if (event.type == TRUNK_CLOSED) {
			if (!s->single || s->held > 0)
				log_lost(s, &event);
			session_ended(s);
			session_free(s);
			return;
		}
		session_handle(s, &event);
	}
	if (!s->link && is_idle(s))
		session_free(s);
	else if (!s->link)
		alarm_set(s->alarm, trunk_deadline(s->trunk));
}

static void
on_alarm(void *owner)
{
	struct session *s = owner;

	if (s->link)
		return;
	if (node_now() >= trunk_deadline(s->trunk))
		trunk_tick(s->trunk, node_now());
	look(s);
}

/* What goes first: links that were kept ready, then those of one connection each, in the order of
   their beginning, which is the same at both ends: so both give up the same ones. */
static bool
goes_before(const struct session *a, const struct session *b)
{
	int of_a = a->single ? a->held > 0 : 2, of_b = b->single ? b->held > 0 : 2;

	if (of_a != of_b)
		return of_a < of_b;
	return !a->single && a->lost_at < b->lost_at;
}

/* One more waits. Too many: one of those here goes. */
static void
bound(struct session *last)
{
	struct session *first = NULL;

	last->counted = true;
	if (atomic_fetch_add(&last->peer->home->suspended, 1) < SUSPENDED_MAX)
		return;
	list_for_each (it, &last->peer->sessions) {
		struct session *s = container_of(it, struct session, node);
		bool waits = s->counted && trunk_suspended(s->trunk);
		if (waits && (!first || goes_before(s, first)))
			first = s;
	}
	uncount(first);
	trunk_close_because(first->trunk, CODE_LINK_LOST, "too many sessions wait for a link");
	session_touch(first);
}

void
session_suspend(struct session *s, enum sc_error error)
{
	struct link *l = s->link;
	bool idle = is_idle(s);

	s->link = NULL;
	s->tries = l->session_up ? 0 : s->tries + 1;
	if (s->tries == 0)
		s->lost_at = node_now();
	s->held = trunk_streams(s->trunk);
	if (s->single && s->own && !idle)
		own_lost(s);
	alarm_set(s->alarm, trunk_deadline(s->trunk));
	link_suspended(l, error, s->held);
	if (idle)
		session_free(s);
	else
		bound(s);
}

bool
sessions_wait(const struct peer *p)
{
	return waiting(p) != NULL;
}

bool
sessions_hold(const struct peer *p)
{
	list_for_each (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (s->own && !s->single && !s->link && trunk_suspended(s->trunk) &&
			trunk_streams(s->trunk) > 0)
			return true;
	}
	return false;
}

/* ---- ends ---- */

static void
end(struct session *s, enum close_code code, const char *text)
{
	trunk_close_because(s->trunk, code, text);
	if (s->link)
		link_close(s->link, code);
	else
		look(s);
}

void
sessions_end_earlier(struct peer *p)
{
	list_for_each_safe (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (s->has_instance && branch_is_earlier(p, s->instance))
			end(s, CODE_LINK_LOST, "the peer has restarted");
	}
}

void
sessions_check_keys(struct peer *p)
{
	list_for_each_safe (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		char name[PEER_NAME_SIZE] = "";
		struct shared_ring *ring = &p->owner->node->ring;
		if (s->link ||
			(shared_ring_check(ring, NULL, s->asym, s->key, name) == VERDICT_VERIFIED &&
				strcmp(name, p->name) == 0))
			continue;
		if (!shared_ring_goes_on(ring, p->name, s->asym, s->key))
			end(s, CODE_DENIED, "the peer's key is not verified any more");
	}
}

void
sessions_drain(struct peer *p)
{
	list_for_each (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		s->goaway = true;
		s->goaway_code = p->owner->node->succeeded ? CODE_NONE : CODE_SHUTTING_DOWN;
		if (s->link)
			continue;
		trunk_goaway(s->trunk, s->goaway_code);
		session_touch(s);
	}
}

void
sessions_end(struct peer *p, enum close_code code, const char *text)
{
	list_for_each_safe (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (!s->link)
			end(s, code, text);
	}
}

void
session_free(struct session *s)
{
	list_for_each_safe (it, &s->locals)
		local_forget_session(container_of(it, struct local, at));
	list_remove(&s->node);
	own_found(s);
	uncount(s);
	session_ids_remove(&s->peer->owner->node->session_ids, &s->listed);
	if (s->link)
		s->link->session = NULL;
	trunk_free(s->trunk);
	alarm_free(s->alarm);
	free(s);
}

void
sessions_fini(struct peer *p)
{
	list_for_each_safe (it, &p->sessions)
		session_free(container_of(it, struct session, node));
	sessions_forget(p);
}
