/* Knows how a session goes on over another link (protocol.md 8.1): what the STATEs say, and what
   each stream does about it; when that is due is trunk_session.c's. */
#include "tunnel/trunk_internal.h"

static const char lost_text[] = "the peer has lost it";

/* ---- what this side says ---- */

struct state
stream_state(struct stream *s)
{
	struct stream_recv *recv = &s->recv;

	recv->limit = max_u64(recv->limit, recv->consumed + stream_window(s));
	stream_window_promise(s);
	return (struct state){s->node.id, !s->own && s->opened_sealed ? STATE_OPENED : 0,
		recv->received + (recv->fin ? 1 : 0), recv->limit};
}

/* These frames are bounded by the number of streams. */
static void
queue_uncounted(struct trunk *t, const uint8_t *frame, size_t n)
{
	if (control_queue_add_uncounted(&t->exchange, frame, n) != SC_OK)
		trunk_end_with_close(t, SC_ERR_MEMORY, CODE_INTERNAL_ERROR);
}

void
resume_queue_session(struct trunk *t, enum session_kind kind, uint32_t highest, uint32_t count)
{
	uint8_t frame[FRAME_HEAD_SIZE + SESSION_PAYLOAD];
	struct session_frame s = {.kind = (uint8_t)kind, .generation = t->session.generation,
		.highest = highest, .count = count};

	memcpy(s.id, t->session.id, sizeof(s.id));
	session_encode(frame, &s);
	queue_uncounted(t, frame, sizeof(frame));
}

void
resume_queue_state(struct trunk *t, const struct state *state)
{
	uint8_t frame[FRAME_HEAD_SIZE + STATE_PAYLOAD];

	state_encode(frame, state);
	queue_uncounted(t, frame, sizeof(frame));
}

void
resume_compose(struct trunk *t, enum session_kind kind)
{
	resume_queue_session(t, kind, t->peer_highest, (uint32_t)t->table.count + t->n_resets);
	list_for_each(it, &t->streams) {
		struct state state = stream_state(container_of(it, struct stream, link));
		resume_queue_state(t, &state);
	}
	resets_compose(t);
}

/* ---- what the peer says ---- */

/* A stream that the peer has. */
static bool
check_listed(const struct trunk *t, const struct stream *s, const struct state *state)
{
	const struct stream_send *send = &s->send;
	bool all = send->fin_sealed && state->received == send->sent + 1;

	if (state->flags & STATE_RESET)
		return true;
	if (s->own && s->node.id > t->own_sealed)
		return false;
	if (state->received < send->covered || (state->received > send->sent && !all))
		return false;
	return all || state->limit >= send->limit;
}

/* A stream of this side that the peer has never heard of. */
static bool
check_unheard(const struct stream *s)
{
	return !s->opened && s->send.covered == 0 && s->recv.received == 0;
}

enum sc_error
resume_check(const struct trunk *t, const struct state_list *list, uint32_t highest)
{
	if (highest > t->own_sealed)
		return SC_ERR_FRAME;
	list_for_each(it, &t->streams) {
		const struct stream *s = container_of(it, struct stream, link);
		const struct state *state = state_list_find(list, s->node.id);
		if (state ? !check_listed(t, s, state)
			  : s->own && s->node.id > highest && !check_unheard(s))
			return SC_ERR_FRAME;
	}
	return SC_OK;
}

static void
go_on(struct stream *s, const struct state *state)
{
	if (s->own && !s->opened && (state->flags & STATE_OPENED)) {
		s->opened = true;
		stream_tell(s, NEWS_OPENED);
	}
	s->trunk->session.resent += stream_send_again(s, state->received, state->limit);
	if (s->opened && !s->own && !s->opened_sealed)
		stream_want_control(s, CONTROL_OPENED);
	s->recv.fin_announced = false;
	if (s->recv.consumed > 0 || s->recv.fin_consumed)
		stream_want_control(s, CONTROL_WINDOW);
	stream_send_schedule(s);
}

/* The first OPEN was lost on its way, with all that came behind it. */
static void
open_again(struct stream *s)
{
	struct trunk *t = s->trunk;

	t->session.resent += stream_send_again(s, 0, t->peer_window);
	s->recv.limit = t->config.window;
	stream_window_promise(s);
	stream_want_control(s, CONTROL_OPEN);
	t->unsealed_opens++;
	stream_send_schedule(s);
}

static void
reset(struct stream *s, uint16_t code)
{
	if (code == CODE_LINK_LOST)
		s->over_text = (struct span){(const uint8_t *)lost_text, sizeof(lost_text) - 1};
	stream_finish(s, TRUNK_RESET, code);
}

static void
apply(struct stream *s, const struct state *state, uint32_t highest)
{
	if (state && (state->flags & STATE_RESET))
		reset(s, CODE_LINK_LOST);
	else if (state)
		go_on(s, state);
	else if (s->own && s->node.id > highest && s->trunk->goaway.received)
		reset(s, CODE_SHUTTING_DOWN);
	else if (s->own && s->node.id > highest)
		open_again(s);
	else if (s->send.fin_sealed && s->recv.fin_was_announced)
		stream_finish(s, TRUNK_END, CODE_NONE);
	else
		reset(s, CODE_LINK_LOST);
}

void
resume_apply(struct trunk *t, const struct state_list *list, uint32_t highest)
{
	struct session *session = &t->session;

	session->phase = SESSION_PHASE_UP;
	session->gap = session->hold_until > 0 ? t->now - session->lost_at : 0;
	session->hold = session->next_hold;
	session->hold_until = 0;
	session->resent = 0;
	session->tell_resumed = true;
	t->own_sealed = highest;
	t->ping.wanted = true;
	list_for_each_safe(it, &t->streams) {
		struct stream *s = container_of(it, struct stream, link);
		apply(s, state_list_find(list, s->node.id), highest);
	}
	resets_send(t, list);
}
