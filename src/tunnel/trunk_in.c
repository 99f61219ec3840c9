/* Knows what each frame of the peer does; knows nothing of records and of what is sent when. */
#include "tunnel/trunk_internal.h"

/* What a frame does to one event, if any. */
struct effect {
	struct trunk_event *event;
	bool told;
};

static void
tell(struct effect *effect, enum trunk_event_type type, struct stream *s)
{
	effect->event->type = type;
	effect->event->stream = s;
	effect->told = true;
}

static bool
is_own(const struct trunk *t, uint32_t id)
{
	return (id & 1) == (t->config.initiator ? 1 : 0);
}

static enum sc_error
take_open(struct trunk *t, const struct frame *frame, struct effect *effect)
{
	bool unsupported;
	struct stream *s;
	enum sc_error err;

	if (is_own(t, frame->stream) || frame->stream <= t->peer_highest ||
		frame->stream > STREAM_ID_MAX)
		return SC_ERR_FRAME_PLACE;
	err = open_decode(&t->request, frame->payload, &unsupported);
	if (err != SC_OK)
		return err;
	t->peer_highest = frame->stream;
	if (t->goaway.wanted || t->goaway.received) {
		resets_refuse(t, frame->stream, CODE_SHUTTING_DOWN);
	} else if (t->peer_streams + t->attempts >= t->config.max_streams) {
		resets_refuse(t, frame->stream, CODE_TOO_MANY_STREAMS);
		t->refused++;
	} else if (unsupported) {
		resets_refuse(t, frame->stream, CODE_OPTION_NOT_SUPPORTED);
	} else if (!(s = stream_new(t, frame->stream, false, (struct span){0}))) {
		resets_refuse(t, frame->stream, CODE_INTERNAL_ERROR);
	} else {
		tell(effect, TRUNK_OPEN, s);
		effect->event->request = &t->request;
	}
	return SC_OK;
}

static enum sc_error
take_opened(struct stream *s, const struct frame *frame, struct effect *effect)
{
	bool unsupported;
	enum sc_error err;

	if (!s->own || s->opened)
		return SC_ERR_FRAME_PLACE;
	err = opened_decode(frame->payload, &unsupported);
	if (err != SC_OK)
		return err;
	s->opened = true;
	if (unsupported)
		stream_fail(s, CODE_OPTION_NOT_SUPPORTED);
	else
		tell(effect, TRUNK_OPENED, s);
	return SC_OK;
}

static enum sc_error
take_window(struct stream *s, const struct frame *frame, struct effect *effect)
{
	const uint8_t *p = frame->payload.data;
	bool writable;
	enum sc_error err = stream_send_window(s, get_u64(p), get_u32(p + 8), &writable);

	if (err == SC_OK && writable)
		tell(effect, TRUNK_WRITABLE, s);
	return err;
}

static enum sc_error
take_stream_frame(struct stream *s, const struct frame *frame, struct effect *effect)
{
	enum sc_error err;
	bool news;

	switch (frame->type) {
	case FRAME_OPENED:
		return take_opened(s, frame, effect);
	case FRAME_DATA:
		err = stream_recv_data(s, frame->payload, &news);
		if (err == SC_OK && news)
			tell(effect, TRUNK_DATA, s);
		return err;
	case FRAME_FIN:
		err = stream_recv_fin(s, get_u64(frame->payload.data));
		if (err == SC_OK)
			tell(effect, TRUNK_FIN, s);
		return err;
	case FRAME_WINDOW:
		return take_window(s, frame, effect);
	case FRAME_RESET:
		s->over_text = (struct span){frame->payload.data + 2, frame->payload.size - 2};
		stream_finish(s, TRUNK_RESET, get_u16(frame->payload.data));
		return SC_OK;
	}
	return SC_ERR_FRAME_PLACE;
}

/* A frame of a stream that is there, or was (then it is ignored: it was under way), or never
   was. */
static enum sc_error
find_and_take(struct trunk *t, const struct frame *frame, struct effect *effect)
{
	uint32_t highest = is_own(t, frame->stream) ? t->own_sealed : t->peer_highest;

	if (frame->stream > highest)
		return SC_ERR_FRAME_PLACE;
	struct table_node *node = stream_table_find(&t->table, frame->stream);
	if (!node)
		return SC_OK;
	return take_stream_frame(container_of(node, struct stream, node), frame, effect);
}

static enum sc_error
take_pong(struct trunk *t, const struct frame *frame)
{
	if (!t->ping.out || memcmp(frame->payload.data, t->ping.value, sizeof(t->ping.value)) != 0)
		return SC_ERR_FRAME_PLACE;
	t->ping.out = false;
	t->ping.rtt = t->now - t->ping.sealed_at;
	if (!t->ping.moved_in)
		resets_known(t, t->ping.count);
	if (t->ping.least == 0 || t->ping.rtt < t->ping.least)
		t->ping.least = max_u64(t->ping.rtt, 1);
	t->goaway.settled |= t->ping.after_goaway;
	trunk_check_drained(t);
	return SC_OK;
}

/* Streams whose OPEN is still here are not opened any more: nothing of them was passed on. */
static enum sc_error
take_goaway(struct trunk *t, const struct frame *frame, struct effect *effect)
{
	t->goaway.received = t->goaway.settled = true;
	list_for_each_safe(it, &t->control) {
		struct stream *s = container_of(it, struct stream, control);
		if (s->control_flags & CONTROL_OPEN)
			stream_finish(s, TRUNK_RESET, CODE_SHUTTING_DOWN);
	}
	tell(effect, TRUNK_GOAWAY, NULL);
	effect->event->code = get_u16(frame->payload.data);
	trunk_check_drained(t);
	return SC_OK;
}

/* CLOSE is answered with CLOSE; what else waits does not matter to the peer any more. */
static enum sc_error
take_close(struct trunk *t, const struct frame *frame)
{
	struct trunk *session = session_named(t);
	uint16_t code = get_u16(frame->payload.data);

	if (session && trunk_end(session, SC_ERR_CLOSED, code))
		t->end.session = session;
	if (trunk_end(t, SC_ERR_CLOSED, code)) {
		control_queue_fini(&t->exchange);
		control_queue_fini(&t->queue);
		t->end.close_wanted = true;
		t->end.close_code = CODE_NONE;
	}
	return SC_OK;
}

/* What belongs to the connection: ratchets and renewals of its keys. */
static enum sc_error
take_conn_frame(struct trunk *t, const struct frame *frame)
{
	if (frame->type == FRAME_KEY_UPDATE && wire_left(&t->record) > 0)
		return SC_ERR_FRAME_PLACE;
	enum sc_error err =
		conn_control(t->conn, (enum frame_type)frame->type, frame->payload, t->now);
	if (conn_error(t->conn) == SC_OK)
		return err;
	trunk_lost(t);
	return SC_OK;
}

enum sc_error
trunk_take_frame(struct trunk *t, const struct frame *frame, struct trunk_event *event, bool *told)
{
	struct effect effect = {event, false};
	enum sc_error err = SC_OK;

	*told = false;
	switch (session_judge(t, frame)) {
	case SESSION_FRAME_ERROR:
		return SC_ERR_FRAME_PLACE;
	case SESSION_FRAME_IGNORE:
		return SC_OK;
	case SESSION_FRAME_TAKE:
		break;
	}
	switch (frame->type) {
	case FRAME_PAD:
		break;
	case FRAME_OPEN:
		err = take_open(t, frame, &effect);
		break;
	case FRAME_PING:
		t->pong.wanted = true;
		memcpy(t->pong.value, frame->payload.data, sizeof(t->pong.value));
		break;
	case FRAME_PONG:
		err = take_pong(t, frame);
		break;
	case FRAME_KEY_UPDATE:
	case FRAME_RENEW:
	case FRAME_LINE:
	case FRAME_KEYROLL:
		err = take_conn_frame(t, frame);
		break;
	case FRAME_GOAWAY:
		err = take_goaway(t, frame, &effect);
		break;
	case FRAME_CLOSE:
		err = take_close(t, frame);
		break;
	case FRAME_SESSION:
		err = session_take(t, frame);
		break;
	case FRAME_STATE:
		err = session_take_state(t, frame);
		break;
	default:
		err = find_and_take(t, frame, &effect);
	}
	*told = effect.told;
	return err;
}
