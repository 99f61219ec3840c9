/* Knows the exchange of SESSION frames that begins a link (protocol.md 8.1); what the STATEs mean
   for the streams is trunk_resume.c's. */
#include "tunnel/trunk_internal.h"

#define STATES_MAX 65536 /* STATEs of streams that were not reset */
#define RESETS_MAX 65536 /* of others, kept for streams that have not come yet */

void
session_start(struct trunk *t)
{
	t->session.phase = SESSION_PHASE_WAIT;
	if (!t->config.initiator)
		return;
	random_fill(&t->config.random, t->session.id, sizeof(t->session.id));
	t->session.generation = 1;
	resume_queue_session(t, SESSION_BEGIN, 0, 0);
}

void
session_go_on(struct trunk *t)
{
	t->session.phase = SESSION_PHASE_WAIT;
	t->session.generation++;
	resume_compose(t, t->session.known ? SESSION_GO_ON : SESSION_BEGIN);
}

enum trunk_named
trunk_named(struct conn *conn, uint8_t *id)
{
	struct session_frame s;
	struct span record;
	struct frame frame;
	uint8_t channel;

	if (conn_peek(conn, &channel, &record) <= 0)
		return TRUNK_NAMED_NOT_YET;
	struct wire_reader r = wire_reader(record.data, record.size);
	if (frame_next(&r, channel, &frame) != SC_OK || frame.type != FRAME_SESSION ||
		session_decode(&s, frame.payload) != SC_OK)
		return TRUNK_NAMED_NOTHING;
	memcpy(id, s.id, sizeof(s.id));
	return TRUNK_NAMED_SESSION;
}

/* The exchange has gone far enough for frames of streams. */
static void
session_up(struct trunk *t)
{
	t->session.phase = SESSION_PHASE_UP;
	t->session.tell_up = true;
	t->ping.wanted = true;
}

enum session_verdict
session_judge(const struct trunk *t, const struct frame *frame)
{
	bool initiator = t->config.initiator;

	if (frame->type == FRAME_CLOSE || frame->type == FRAME_KEY_UPDATE)
		return SESSION_FRAME_TAKE;
	switch (t->session.phase) {
	case SESSION_PHASE_WAIT:
		if (initiator ? frame->stream == 0 : frame->type == FRAME_SESSION)
			return SESSION_FRAME_TAKE;
		return SESSION_FRAME_ERROR;
	case SESSION_PHASE_STATES:
		if (frame->type == FRAME_SESSION)
			return SESSION_FRAME_ERROR;
		if (frame->stream == 0 || frame->type == FRAME_STATE)
			return SESSION_FRAME_TAKE;
		return SESSION_FRAME_ERROR;
	case SESSION_PHASE_REFUSED:
		return frame->stream == 0 ? SESSION_FRAME_TAKE : SESSION_FRAME_IGNORE;
	case SESSION_PHASE_UP:
	case SESSION_PHASE_SUSPENDED:
		break;
	}
	if (frame->type == FRAME_SESSION || frame->type == FRAME_STATE)
		return SESSION_FRAME_ERROR;
	return SESSION_FRAME_TAKE;
}

/* What there is of the session that the peer names. */
static enum trunk_found
look(const struct trunk *t, struct trunk **session)
{
	*session = NULL;
	if (!t->config.find)
		return TRUNK_FOUND_NOTHING;
	enum trunk_found found = t->config.find(t->config.arg, t->session.id, session);
	if (found == TRUNK_FOUND_SESSION && (*session)->end.ended)
		return TRUNK_FOUND_NO_MORE;
	return found;
}

struct trunk *
session_named(const struct trunk *t)
{
	struct trunk *session;

	if (t->config.initiator || t->session.phase != SESSION_PHASE_STATES ||
		look(t, &session) != TRUNK_FOUND_SESSION ||
		t->session.generation <= session->session.generation)
		return NULL;
	return session;
}

/* The most STATEs of streams that were not reset. NULL: this side knows no other link of the
   session. */
static uint32_t
states_max(const struct trunk *t, const struct trunk *session)
{
	uint64_t sum;

	if (!session)
		return STATES_MAX;
	sum = (uint64_t)max_u32(session->session.own_limit, t->session.own_limit) +
	      max_u32(session->session.peer_limit, t->session.peer_limit);
	return (uint32_t)min_u64(sum, STATES_MAX);
}

/* ---- I ---- */

/* R does not know the session: the streams are lost, and what waits to be sent of them; another
   session takes its place. Own ids go on rising, so that no old frame is taken for one of the new
   session. */
static void
begin_again(struct trunk *t)
{
	static const char text[] = "the peer does not know the session";

	list_for_each_safe(it, &t->streams) {
		struct stream *s = container_of(it, struct stream, link);
		s->over_text = (struct span){(const uint8_t *)text, sizeof(text) - 1};
		stream_finish(s, TRUNK_RESET, CODE_LINK_LOST);
	}
	if (t->end.ended)
		return;
	resets_fini(t);
	control_queue_fini(&t->queue);
	t->peer_highest = 0;
	t->goaway.sealed = t->goaway.received = t->goaway.settled = false;
	t->session.known = false;
	t->session.hold = t->session.next_hold;
	t->session.hold_until = 0;
	t->session.tell_forgotten = true;
	t->ping.wanted = true;
	session_start(t);
}

/* All of R's STATEs are there. */
static enum sc_error
go_on(struct trunk *t)
{
	struct state_list *list = &t->session.list;

	if (!state_list_sort(list) || resume_check(t, list, t->session.highest) != SC_OK)
		return SC_ERR_FRAME;
	resume_apply(t, list, t->session.highest);
	state_list_fini(list);
	return SC_OK;
}

static enum sc_error
take_answer(struct trunk *t, const struct session_frame *s)
{
	if (s->kind != SESSION_DONE && s->kind != SESSION_UNKNOWN)
		return SC_ERR_FRAME;
	if (s->generation != t->session.generation ||
		memcmp(s->id, t->session.id, sizeof(s->id)) != 0)
		return SC_ERR_FRAME;
	if (s->kind == SESSION_UNKNOWN) {
		begin_again(t);
		return SC_OK;
	}
	t->session.known = true;
	if (s->generation == 1) {
		t->session.phase = SESSION_PHASE_UP;
		return SC_OK;
	}
	t->session.phase = SESSION_PHASE_STATES;
	t->session.states_max = states_max(t, t);
	return t->session.states_left == 0 ? go_on(t) : SC_OK;
}

/* ---- R ---- */

static void
refuse(struct trunk *t)
{
	t->session.phase = SESSION_PHASE_REFUSED;
	state_list_fini(&t->session.list);
	resume_queue_session(t, SESSION_UNKNOWN, 0, 0);
}

/* A PING that is out on this trunk's link is answered there, and one that came is to be
   answered. */
static void
move_pings(const struct trunk *t, struct trunk *to)
{
	to->pong = t->pong;
	to->ping.out = t->ping.out;
	to->ping.after_goaway = false; /* the session's own comes after the exchange */
	to->ping.moved_in = true;
	to->ping.sealed_at = t->ping.sealed_at;
	memcpy(to->ping.value, t->ping.value, sizeof(to->ping.value));
}

/* The session leaves its link, whatever is unread in it, and takes over this trunk's. */
static enum sc_error
move(struct trunk *t, struct trunk *to)
{
	struct session *s = &t->session;
	enum sc_error err = resume_check(to, &s->list, s->highest);

	if (err != SC_OK)
		return err;
	trunk_let_go(to);
	if (to->end.ended) {
		refuse(t);
		return SC_OK;
	}
	to->now = t->now;
	trunk_take_conn(to, &t->config, t->conn);
	move_pings(t, to);
	to->record = t->record;
	to->channel = t->channel;
	to->session.generation = s->generation;
	to->session.tell_suspended = false;
	t->record = (struct wire_reader){0};
	t->conn = NULL;
	t->end.ended = t->end.told = true;
	s->moved = to;
	resume_compose(to, SESSION_DONE);
	if (!to->end.ended)
		resume_apply(to, &s->list, s->highest);
	return SC_OK;
}

/* R has all that belongs to I's SESSION. Other links may have been quicker meanwhile. */
static enum sc_error
accept_session(struct trunk *t)
{
	struct trunk *session;

	if (!state_list_sort(&t->session.list))
		return SC_ERR_FRAME;
	switch (look(t, &session)) {
	case TRUNK_FOUND_SESSION:
		if (t->session.generation > session->session.generation)
			return move(t, session);
		trunk_fail(t, SC_ERR_STALE);
		return SC_OK;
	case TRUNK_FOUND_NO_MORE:
		refuse(t);
		return SC_OK;
	case TRUNK_FOUND_ELSEWHERE: /* then it begins */
	case TRUNK_FOUND_NOTHING:
		break;
	}
	if (t->session.kind == SESSION_GO_ON) {
		refuse(t);
		return SC_OK;
	}
	state_list_fini(&t->session.list);
	resume_queue_session(t, SESSION_DONE, 0, 0);
	session_up(t);
	return SC_OK;
}

static enum sc_error
take_request(struct trunk *t, const struct session_frame *s)
{
	struct trunk *session;
	enum trunk_found found;

	if (s->kind != SESSION_BEGIN && s->kind != SESSION_GO_ON)
		return SC_ERR_FRAME;
	if (s->generation == 1 && (s->kind == SESSION_GO_ON || s->count > 0))
		return SC_ERR_FRAME;
	memcpy(t->session.id, s->id, sizeof(s->id));
	t->session.generation = s->generation;
	found = look(t, &session);
	if (found == TRUNK_FOUND_NO_MORE ||
		(found == TRUNK_FOUND_NOTHING && s->kind == SESSION_GO_ON)) {
		refuse(t);
		return SC_OK;
	}
	if (found == TRUNK_FOUND_ELSEWHERE && s->generation > 1) {
		trunk_fail(t, SC_ERR_ELSEWHERE);
		return SC_OK;
	}
	if (session && s->generation <= session->session.generation) {
		trunk_fail(t, SC_ERR_STALE);
		return SC_OK;
	}
	t->session.phase = SESSION_PHASE_STATES;
	t->session.states_max = states_max(t, session);
	return s->count == 0 ? accept_session(t) : SC_OK;
}

/* ---- both ---- */

enum sc_error
session_take(struct trunk *t, const struct frame *frame)
{
	struct session_frame s;
	enum sc_error err = session_decode(&s, frame->payload);

	if (err != SC_OK)
		return err;
	t->session.kind = s.kind;
	t->session.highest = s.highest;
	t->session.states_left = s.count;
	t->session.states_listed = 0;
	return t->config.initiator ? take_answer(t, &s) : take_request(t, &s);
}

/* Keeps one more. A stream that was reset there matters only if it is here, or may still come over
   the old link: of those that may there is a bound. */
static enum sc_error
keep(struct trunk *t, const struct state *state)
{
	struct state_list *list = &t->session.list;
	const size_t many = STATES_MAX + RESETS_MAX;

	if ((state->flags & STATE_RESET) && list->n >= many) {
		const struct trunk *session = t->config.initiator ? t : session_named(t);
		if (!session || !stream_table_find(&session->table, state->id))
			return SC_OK;
		if (list->n - many >= session->table.count)
			return SC_ERR_FRAME; /* one of them has come twice */
	}
	return state_list_add(list, state) == 0 ? SC_OK : SC_ERR_MEMORY;
}

enum sc_error
session_take_state(struct trunk *t, const struct frame *frame)
{
	struct session *s = &t->session;
	struct state state;
	enum sc_error err = state_decode(&state, frame);

	if (err != SC_OK)
		return err;
	if (!(state.flags & STATE_RESET) && ++s->states_listed > s->states_max)
		return SC_ERR_FRAME;
	err = keep(t, &state);
	if (err == SC_ERR_MEMORY) {
		trunk_fail(t, err);
		return SC_OK;
	}
	if (err != SC_OK)
		return err;
	if (--s->states_left > 0)
		return SC_OK;
	return t->config.initiator ? go_on(t) : accept_session(t);
}
