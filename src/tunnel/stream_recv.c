/* Knows the bytes that a stream receives and the credit for them; knows nothing of records. */
#include <assert.h>

#include "tunnel/trunk_internal.h"

/* Enough of the last window is used, or it has become too small. */
static bool
window_is_due(const struct stream *s, uint64_t news)
{
	const struct stream_recv *recv = &s->recv;
	uint64_t window = stream_window(s);

	return recv->received == recv->limit || news >= stream_window_step(s) ||
		recv->consumed + window >= recv->limit + window / 2;
}

/* The WINDOW that is due next goes now. */
static void
announce_first(struct trunk *t)
{
	struct stream *s = container_of(list_first(&t->due), struct stream, due);

	stream_not_due(s);
	stream_want_control(s, CONTROL_WINDOW);
}

/* Decides when the next WINDOW goes: now, in a while, or not at all (protocol.md 8, "Order and
   credit"). */
static void
update_credit(struct stream *s)
{
	struct stream_recv *recv = &s->recv;
	uint64_t news = recv->consumed - recv->announced;

	if (s->over || (news == 0 && !recv->fin_consumed) || !session_open(s->trunk))
		return;
	if (recv->fin_consumed || window_is_due(s, news)) {
		stream_not_due(s);
		stream_want_control(s, CONTROL_WINDOW);
	} else if (list_empty(&s->due) && !(s->control_flags & CONTROL_WINDOW)) {
		recv->due = s->trunk->now + WINDOW_DELAY;
		list_insert_tail(&s->trunk->due, &s->due);
		if (++s->trunk->n_due > WINDOWS_LATE)
			announce_first(s->trunk);
	}
}

void
stream_recv_announce(struct stream *s, uint64_t *consumed, uint32_t *window)
{
	struct stream_recv *recv = &s->recv;

	stream_not_due(s);
	recv->announced = recv->consumed;
	*consumed = recv->consumed;
	if (recv->fin_consumed) {
		recv->fin_announced = recv->fin_was_announced = true;
		*consumed += 1;
		*window = 0;
		return;
	}
	/* What was granted stays so. */
	recv->limit = max_u64(recv->limit, recv->consumed + stream_window(s));
	*window = (uint32_t)(recv->limit - recv->consumed);
	stream_window_promise(s);
}

/* The bytes wait in their record for the owner, behind those that wait there already. True: there
   were none. */
static bool
put_in_place(struct stream *s, struct span data)
{
	struct trunk *t = s->trunk;
	bool first = t->in_place != s;

	if (first)
		t->place = t->n_places = 0;
	t->in_place = s;
	t->places[t->n_places++] = data;
	return first;
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
	stream_window_promise(s);
	update_credit(s);
	if (!recv->bytes.first)
		*news = put_in_place(s, data);
	else if (bytes_append(&recv->bytes, s->trunk->config.chunks, data.data, data.size) != 0)
		stream_fail(s, CODE_INTERNAL_ERROR);
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
	stream_window_promise(s);
	return SC_OK;
}

struct stream *
stream_recv_keep(struct trunk *t)
{
	struct stream *s = t->in_place;

	t->in_place = NULL;
	for (; s && t->place < t->n_places; t->place++) {
		struct span data = t->places[t->place];
		if (bytes_append(&s->recv.bytes, t->config.chunks, data.data, data.size) != 0)
			return s;
	}
	return NULL;
}

size_t
stream_recv_spans(struct stream *s, struct span *spans, size_t max)
{
	struct trunk *t = s->trunk;

	if (t->in_place != s)
		return bytes_spans(&s->recv.bytes, spans, max);
	size_t n = min_size(t->n_places - t->place, max);
	memcpy(spans, t->places + t->place, n * sizeof(*spans));
	return n;
}

const uint8_t *
stream_recv_buf(struct stream *s, size_t *n)
{
	struct span span = {NULL, 0};

	stream_recv_spans(s, &span, 1);
	*n = span.size;
	return span.data;
}

const uint8_t *
stream_recv_hold(struct stream *s, size_t *n)
{
	if (s->trunk->in_place == s && stream_recv_keep(s->trunk)) {
		*n = 0;
		return NULL;
	}
	return bytes_front(&s->recv.bytes, n);
}

/* The owner has taken n bytes of those in place. */
static void
drop_places(struct trunk *t, size_t n)
{
	while (n > 0) {
		struct span *at = &t->places[t->place];
		size_t part = min_size(n, at->size);
		at->data += part;
		at->size -= part;
		n -= part;
		t->place += at->size == 0;
	}
	if (t->place == t->n_places)
		t->in_place = NULL;
}

void
stream_recv_ack(struct stream *s, size_t n)
{
	struct stream_recv *recv = &s->recv;

	assert(n <= recv->received - recv->consumed);
	if (s->trunk->in_place == s) {
		drop_places(s->trunk, n);
	} else {
		bytes_drop(&recv->bytes, s->trunk->config.chunks, n);
		bytes_settle(&recv->bytes, s->trunk->config.chunks);
	}
	recv->consumed += n;
	stream_window_measure(s);
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
