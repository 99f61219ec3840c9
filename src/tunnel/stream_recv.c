/* Knows the bytes that a stream receives and the credit for them; knows nothing of records. */
#include <assert.h>

#include "tunnel/trunk_internal.h"

uint32_t
stream_recv_window(const struct stream *s)
{
	return s->trunk->config.window;
}

/* Decides when the next WINDOW goes: now, in a while, or not at all (protocol.md 8, "Order and
   credit"). */
static void
update_credit(struct stream *s)
{
	struct stream_recv *recv = &s->recv;
	uint64_t news = recv->consumed - recv->announced;
	bool used_up = recv->received == recv->limit;

	if (s->over || (news == 0 && !recv->fin_consumed))
		return;
	if (recv->fin_consumed || used_up || news >= stream_recv_window(s) / 2) {
		list_remove(&s->due);
		stream_want_control(s, CONTROL_WINDOW);
	} else if (list_empty(&s->due) && !(s->control_flags & CONTROL_WINDOW)) {
		recv->due = s->trunk->now + WINDOW_DELAY;
		list_insert_tail(&s->trunk->due, &s->due);
	}
}

void
stream_recv_announce(struct stream *s, uint64_t *consumed, uint32_t *window)
{
	struct stream_recv *recv = &s->recv;

	list_remove(&s->due);
	recv->announced = recv->consumed;
	*consumed = recv->consumed;
	if (recv->fin_consumed) {
		recv->fin_announced = true;
		*consumed += 1;
		*window = 0;
		return;
	}
	*window = stream_recv_window(s);
	recv->limit = recv->consumed + *window;
}

enum sc_error
stream_recv_data(struct stream *s, struct span data, bool *news)
{
	struct stream_recv *recv = &s->recv;

	*news = false;
	if (recv->fin || (s->own && !s->opened))
		return SC_ERR_FRAME_PLACE;
	if (data.size > recv->limit - recv->received)
		return SC_ERR_CREDIT;
	recv->received += data.size;
	update_credit(s);
	if (!recv->bytes.first) {
		recv->in_place = data;
		s->trunk->in_place = s;
		*news = true;
	} else if (bytes_append(&recv->bytes, s->trunk->config.chunks, data.data, data.size) != 0) {
		stream_fail(s, CODE_INTERNAL_ERROR);
	}
	return SC_OK;
}

enum sc_error
stream_recv_fin(struct stream *s, uint64_t count)
{
	if (s->recv.fin || (s->own && !s->opened))
		return SC_ERR_FRAME_PLACE;
	if (count != s->recv.received)
		return SC_ERR_FRAME;
	s->recv.fin = true;
	return SC_OK;
}

int
stream_recv_keep(struct stream *s)
{
	struct span data = s->recv.in_place;

	if (s->trunk->in_place == s)
		s->trunk->in_place = NULL;
	s->recv.in_place = (struct span){0};
	return bytes_append(&s->recv.bytes, s->trunk->config.chunks, data.data, data.size);
}

const uint8_t *
stream_recv_buf(struct stream *s, size_t *n)
{
	if (s->recv.in_place.size > 0) {
		*n = s->recv.in_place.size;
		return s->recv.in_place.data;
	}
	return bytes_front(&s->recv.bytes, n);
}

const uint8_t *
stream_recv_hold(struct stream *s, size_t *n)
{
	if (s->recv.in_place.size > 0 && stream_recv_keep(s) != 0) {
		*n = 0;
		return NULL;
	}
	return bytes_front(&s->recv.bytes, n);
}

void
stream_recv_ack(struct stream *s, size_t n)
{
	struct stream_recv *recv = &s->recv;

	assert(n <= recv->received - recv->consumed);
	if (recv->in_place.size > 0) {
		recv->in_place.data += n;
		recv->in_place.size -= n;
	} else {
		bytes_drop(&recv->bytes, s->trunk->config.chunks, n);
		bytes_settle(&recv->bytes, s->trunk->config.chunks);
	}
	recv->consumed += n;
	update_credit(s);
}

void
stream_recv_fin_ack(struct stream *s)
{
	assert(s->recv.fin && s->recv.consumed == s->recv.received);
	if (s->recv.fin_consumed)
		return;
	s->recv.fin_consumed = true;
	update_credit(s);
}
