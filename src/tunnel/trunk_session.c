/* Knows the exchange of SESSION frames that begins a link (protocol.md 8.1), generation 1; knows
   nothing of the streams but that they are there. */
#include "tunnel/trunk_internal.h"

#define STATES_MAX 65536 /* STATEs of streams that were not reset */

static void
queue_session(struct trunk *t, enum session_kind kind)
{
	uint8_t frame[FRAME_HEAD_SIZE + SESSION_PAYLOAD];
	struct session_frame s = {.kind = (uint8_t)kind, .generation = t->session.generation};

	memcpy(s.id, t->session.id, sizeof(s.id));
	session_encode(frame, &s);
	trunk_queue(t, frame, sizeof(frame));
}

void
session_start(struct trunk *t)
{
	t->session.phase = SESSION_PHASE_WAIT;
	if (!t->config.initiator)
		return;
	random_fill(&t->config.random, t->session.id, sizeof(t->session.id));
	t->session.generation = 1;
	queue_session(t, SESSION_BEGIN);
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
		break;
	}
	if (frame->type == FRAME_SESSION || frame->type == FRAME_STATE)
		return SESSION_FRAME_ERROR;
	return SESSION_FRAME_TAKE;
}

/* R does not know the session: the streams are lost, another session takes its place. Ids go on
   rising, so that no old frame is taken for one of the new session. */
static void
begin_again(struct trunk *t)
{
	list_for_each_safe(it, &t->streams)
		stream_finish(container_of(it, struct stream, link), TRUNK_RESET, CODE_LINK_LOST);
	if (!t->end.ended)
		session_start(t);
}

static enum sc_error
take_answer(struct trunk *t, const struct session_frame *s)
{
	if (s->kind != SESSION_DONE && s->kind != SESSION_UNKNOWN)
		return SC_ERR_FRAME;
	if (s->generation != t->session.generation ||
		memcmp(s->id, t->session.id, sizeof(s->id)) != 0)
		return SC_ERR_FRAME;
	if (s->kind == SESSION_DONE)
		t->session.phase = SESSION_PHASE_UP;
	else
		begin_again(t);
	return SC_OK;
}

/* R has all that belongs to I's SESSION and takes it: as a session without streams. */
static void
accept_session(struct trunk *t)
{
	queue_session(t, SESSION_DONE);
	session_up(t);
}

enum sc_error
session_take(struct trunk *t, const struct frame *frame)
{
	struct session_frame s;
	enum sc_error err = session_decode(&s, frame->payload);

	if (err != SC_OK)
		return err;
	if (t->config.initiator)
		return take_answer(t, &s);
	if (s.kind != SESSION_BEGIN && s.kind != SESSION_GO_ON)
		return SC_ERR_FRAME;
	if (s.generation == 1 && (s.kind == SESSION_GO_ON || s.count > 0))
		return SC_ERR_FRAME;
	memcpy(t->session.id, s.id, sizeof(s.id));
	t->session.generation = s.generation;
	t->session.states_left = s.count;
	t->session.states_listed = 0;
	if (s.kind == SESSION_GO_ON) {
		t->session.phase = SESSION_PHASE_REFUSED;
		queue_session(t, SESSION_UNKNOWN);
	} else if (s.count > 0) {
		t->session.phase = SESSION_PHASE_STATES;
	} else {
		accept_session(t);
	}
	return SC_OK;
}

enum sc_error
session_take_state(struct trunk *t, const struct frame *frame)
{
	enum { OPENED_SENT = 1, RESET_HERE = 2 };
	uint8_t flags = frame->payload.data[0];

	if (flags & ~(OPENED_SENT | RESET_HERE))
		return SC_ERR_FRAME;
	if (!(flags & RESET_HERE) && ++t->session.states_listed > STATES_MAX)
		return SC_ERR_FRAME;
	if (--t->session.states_left == 0)
		accept_session(t);
	return SC_OK;
}
