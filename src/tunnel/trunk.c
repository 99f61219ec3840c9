/* Knows the life of a trunk: its start, its deadlines, its end; what its owner is told is in
   trunk_events.c, what frames do in trunk_in.c, what is sealed when in trunk_out.c. */
#include <stdlib.h>

#include "tunnel/trunk_internal.h"

struct trunk *
trunk_new(const struct trunk_config *config, struct conn *conn, uint64_t now)
{
	struct trunk *t = calloc(1, sizeof(*t));
	uint64_t key;

	if (!t)
		return NULL;
	t->now = now;
	trunk_take_conn(t, config, conn);
	t->session.hold = t->session.next_hold;
	t->next_id = config->initiator ? 1 : 2;
	list_init(&t->streams);
	list_init(&t->over);
	list_init(&t->control);
	t->ahead_most = SIZE_MAX;
	t->round = 1; /* streams begin with none */
	list_init(&t->first);
	list_init(&t->ready);
	list_init(&t->due);
	list_init(&t->news);
	list_init(&t->resets);
	random_fill(&config->random, (uint8_t *)&key, sizeof(key));
	session_start(t);
	if (t->end.ended || stream_table_init(&t->table, key) != 0) {
		trunk_free(t);
		return NULL;
	}
	/* I need not wait for the answer. */
	t->session.tell_up = t->ping.wanted = config->initiator;
	return t;
}

void
trunk_free(struct trunk *t)
{
	if (!t)
		return;
	list_for_each_safe(it, &t->streams)
		stream_free(container_of(it, struct stream, link));
	list_for_each_safe(it, &t->over)
		stream_free(container_of(it, struct stream, link));
	if (t->last_event)
		stream_free(t->last_event);
	stream_table_fini(&t->table);
	state_list_fini(&t->session.list);
	resets_fini(t);
	control_queue_fini(&t->exchange);
	control_queue_fini(&t->queue);
	free(t);
}

bool
trunk_end(struct trunk *t, enum sc_error error, uint16_t code)
{
	if (t->end.ended)
		return false;
	t->end.ended = true;
	t->end.error = error;
	t->end.code = code;
	return true;
}

void
trunk_fail(struct trunk *t, enum sc_error error)
{
	if (t->end.ended || !t->conn)
		return;
	conn_fail(t->conn, error);
	trunk_conn_lost(t, error);
}

void
trunk_end_with_close(struct trunk *t, enum sc_error error, enum close_code code)
{
	if (!trunk_end(t, error, (uint16_t)code))
		return;
	t->end.close_wanted = t->conn != NULL;
	t->end.close_code = code;
}

void
trunk_protocol_error(struct trunk *t, enum sc_error error)
{
	struct trunk *session = session_named(t);

	/* CLOSE ends the session at I; here too, unless another link holds it. */
	if (session && trunk_suspended(session) &&
		trunk_end(session, error, CODE_PROTOCOL_ERROR))
		t->end.session = session;
	trunk_end_with_close(t, error, CODE_PROTOCOL_ERROR);
}

void
trunk_close(struct trunk *t, enum close_code code)
{
	trunk_end_with_close(t, SC_OK, code);
}

void
trunk_close_because(struct trunk *t, enum close_code code, const char *text)
{
	if (!t->end.ended && text)
		t->end.text = (struct span){(const uint8_t *)text, strlen(text)};
	trunk_close(t, code);
}

void
trunk_check_drained(struct trunk *t)
{
	if (!t->goaway.wanted || t->table.count > 0 || !t->conn || session_pending(t))
		return;
	if (t->goaway.settled ||
		(t->goaway.sealed && t->now >= t->goaway.sealed_at + DRAIN_DELAY))
		trunk_close(t, CODE_NONE);
}

void
trunk_goaway(struct trunk *t, enum close_code code)
{
	if (t->end.ended || t->goaway.wanted)
		return;
	t->goaway.wanted = true;
	t->goaway.code = code;
	trunk_check_drained(t);
}

void
trunk_queue(struct trunk *t, const uint8_t *frame, size_t n)
{
	enum sc_error err = control_queue_add(&t->queue, frame, n);

	if (err == SC_ERR_CONTROL_FULL)
		trunk_fail(t, err);
	else if (err != SC_OK)
		trunk_end_with_close(t, err, CODE_INTERNAL_ERROR);
}

struct stream *
trunk_open(struct trunk *t, const struct stream_request *request, void *user)
{
	uint8_t payload[OPEN_PAYLOAD_MAX];

	if (!session_open(t) || t->end.ended || t->goaway.wanted || t->goaway.received)
		return NULL;
	if (t->own_streams >= t->peer_max_streams)
		return NULL;
	struct span open = {payload, open_encode(payload, request)};
	struct stream *s = stream_new(t, (uint32_t)t->next_id, true, open);
	if (!s)
		return NULL;
	s->user = user;
	stream_want_control(s, CONTROL_OPEN);
	t->unsealed_opens++;
	t->next_id += 2;
	if (t->next_id > STREAM_ID_MAX)
		trunk_goaway(t, CODE_NONE);
	return s;
}

void
trunk_attempt_ended(struct trunk *t)
{
	if (t->attempts > 0)
		t->attempts--;
}

uint64_t
trunk_deadline(const struct trunk *t)
{
	uint64_t deadline = UINT64_MAX;

	if (trunk_has_event(t))
		return 0;
	if (t->end.ended)
		return deadline;
	if (t->session.hold_until > 0)
		deadline = t->session.hold_until;
	if (!t->conn)
		return deadline;
	if (t->session.phase != SESSION_PHASE_UP)
		deadline = min_u64(deadline, t->session.deadline);
	deadline = min_u64(deadline, alive_deadline(t));
	if (t->goaway.sealed && t->table.count == 0)
		deadline = min_u64(deadline, t->goaway.sealed_at + DRAIN_DELAY);
	if (!list_empty(&t->due)) {
		const struct stream *s = container_of(t->due.next, struct stream, due);
		deadline = min_u64(deadline, s->recv.due);
	}
	return deadline;
}

void
trunk_tick(struct trunk *t, uint64_t now)
{
	struct list *first;

	t->now = now;
	if (t->end.ended)
		return;
	if (t->session.hold_until > 0 && now >= t->session.hold_until) {
		static const char text[] = "the link did not come back in time";
		t->end.text = (struct span){(const uint8_t *)text, sizeof(text) - 1};
		trunk_end_with_close(t, SC_ERR_HOLD, CODE_LINK_LOST);
	}
	if (t->end.ended || !t->conn)
		return;
	while ((first = list_first(&t->due))) {
		struct stream *s = container_of(first, struct stream, due);
		if (s->recv.due > now)
			break;
		stream_not_due(s);
		stream_want_control(s, CONTROL_WINDOW);
	}
	if (t->session.phase != SESSION_PHASE_UP && now >= t->session.deadline)
		trunk_fail(t, SC_ERR_TIMEOUT);
	else
		alive_tick(t);
	trunk_check_drained(t);
}

size_t
trunk_streams(const struct trunk *t)
{
	return t->table.count;
}

bool
trunk_unsettled(const struct trunk *t)
{
	return t->table.count > 0 || t->n_resets > 0;
}

uint64_t
trunk_refused(const struct trunk *t)
{
	return t->refused;
}

const uint8_t *
trunk_session_id(const struct trunk *t)
{
	return t->session.id;
}

uint64_t
trunk_rtt(const struct trunk *t)
{
	return t->ping.rtt;
}
