/* Knows the bytes that a stream sends, from the owner's hands until the peer has counted them;
   knows nothing of records. */
#include <assert.h>

#include "tunnel/trunk_internal.h"

#define SLIVER_WINDOW (64 * 1024) /* below it every byte of credit is used */
#define FEW           4096        /* bytes with which a stream goes first */

/* A stream that has little to say, and has not had its turn yet, goes before those that have much:
   it does not wait for them, and they hardly for it. */
static void
queue(struct stream *s, uint64_t unsent)
{
	struct trunk *t = s->trunk;

	if (s->send.round != t->round) {
		s->send.round = t->round;
		s->send.turn = trunk_turn(t);
	}
	s->send.few = unsent <= min_u64(FEW, s->send.turn);
	list_insert_tail(s->send.few ? &t->first : &t->ready, &s->ready);
}

void
stream_send_schedule(struct stream *s)
{
	if (s->over || !(s->own || s->opened) || !session_open(s->trunk))
		return;
	uint64_t unsent = stream_send_ready(s);
	if (unsent > 0) {
		if (s->send.few && unsent > FEW)
			list_remove(&s->ready);
		if (list_empty(&s->ready))
			queue(s, unsent);
	} else if (s->send.fin && !s->send.fin_sealed && s->send.sent == s->send.written) {
		stream_want_control(s, CONTROL_FIN);
	}
}

/* A stream with nothing to send, and nothing sent that may have to be sent again, owns no
   memory. */
static void
settle(struct stream *s)
{
	if (s->send.lent == 0)
		bytes_settle(&s->send.bytes, s->trunk->config.chunks);
}

/* Where much is under way, the last few bytes of the credit are not worth a read and a record:
   more credit is coming. */
static bool
is_sliver(const struct stream *s, uint64_t credit)
{
	const struct stream_send *send = &s->send;

	return credit < BYTES_ROOM_MIN && send->written > send->covered &&
		send->limit - send->covered >= SLIVER_WINDOW;
}

/* The node's budget allows a chunk of this class; one small one is always allowed, so that no
   stream stands still for others. */
static bool
affords(const struct stream *s, enum chunk_class class)
{
	static const size_t sizes[] = {CHUNK_SMALL, CHUNK_BIG, CHUNK_HUGE};
	const struct bytes *b = &s->send.bytes;

	return bytes_has_room(b) || (class == CHUNK_CLASS_SMALL && !b->first) ||
		b->held + sizes[class] <= chunk_pool_share(s->trunk->config.chunks);
}

static enum chunk_class
next_class(const struct stream *s, uint64_t credit)
{
	enum chunk_class class = s->send.class;

	if (class == CHUNK_CLASS_HUGE && (credit <= CHUNK_BIG || !affords(s, class)))
		class = CHUNK_CLASS_BIG;
	if (class == CHUNK_CLASS_BIG && (credit <= CHUNK_SMALL || !affords(s, class)))
		class = CHUNK_CLASS_SMALL;
	return class;
}

uint8_t *
stream_send_buf(struct stream *s, size_t *n)
{
	uint64_t credit = s->send.limit - min_u64(s->send.written, s->send.limit);

	*n = 0;
	if (s->over || s->trunk->end.ended || s->send.fin)
		return NULL;
	enum chunk_class class = next_class(s, credit);
	if (credit == 0 || is_sliver(s, credit) || !affords(s, class)) {
		s->send.starved = true;
		return NULL;
	}
	size_t room;
	uint8_t *p = bytes_room(&s->send.bytes, s->trunk->config.chunks, class, &room);
	if (!p) {
		stream_fail(s, CODE_INTERNAL_ERROR);
		return NULL;
	}
	*n = s->send.lent = (size_t)min_u64(room, credit);
	return p;
}

void
stream_send_ack(struct stream *s, size_t n)
{
	assert(n <= s->send.lent);
	if (n > 0) {
		if (n < s->send.lent)
			s->send.class = n > CHUNK_SMALL ? CHUNK_CLASS_BIG : CHUNK_CLASS_SMALL;
		else if (s->send.class < CHUNK_CLASS_HUGE)
			s->send.class++;
		bytes_added(&s->send.bytes, n);
		s->send.written += n;
		stream_send_schedule(s);
	}
	s->send.lent = 0;
	settle(s);
}

bool
stream_send_whole(const struct stream *s)
{
	return s->send.covered == 0;
}

const uint8_t *
stream_send_kept(const struct stream *s, size_t from, size_t *n)
{
	return bytes_at(&s->send.bytes, from, n);
}

void
stream_send_fin(struct stream *s)
{
	if (s->over || s->send.fin)
		return;
	s->send.fin = true;
	s->send.lent = 0;
	settle(s);
	stream_send_schedule(s);
}

/* The peer has more of it than before: these bytes need not be kept. */
static void
cover(struct stream *s, uint64_t count)
{
	struct stream_send *send = &s->send;

	if (count <= send->covered)
		return;
	bytes_drop(&send->bytes, s->trunk->config.chunks,
		(size_t)(min_u64(count, send->sent) - min_u64(send->covered, send->sent)));
	send->covered = count;
	settle(s);
}

/* To be told if there is room where the owner found none. */
static bool
has_room_again(struct stream_send *send)
{
	if (!send->starved || send->limit <= send->written)
		return false;
	send->starved = false;
	return !send->fin;
}

uint64_t
stream_send_again(struct stream *s, uint64_t received, uint64_t limit)
{
	struct stream_send *send = &s->send;
	bool all = send->fin_sealed && received == send->sent + 1;
	uint64_t again;

	cover(s, received);
	if (all)
		return 0;
	again = send->sent - received;
	send->sent = received;
	send->fin_sealed = false;
	send->limit = limit;
	bytes_rewind(&send->bytes);
	if (has_room_again(send))
		stream_tell(s, NEWS_WRITABLE);
	return again;
}

enum sc_error
stream_send_window(struct stream *s, uint64_t consumed, uint32_t window, bool *writable)
{
	struct stream_send *send = &s->send;
	bool counts_fin = send->fin_sealed && consumed == send->sent + 1;

	*writable = false;
	if (consumed < send->counted || (consumed > send->sent && !counts_fin))
		return SC_ERR_FRAME;
	if (!counts_fin && consumed + window < send->limit)
		return SC_ERR_FRAME;
	send->counted = consumed;
	cover(s, consumed);
	if (counts_fin) {
		send->fin_counted = true;
		stream_check_end(s);
		return SC_OK;
	}
	send->limit = consumed + window;
	*writable = has_room_again(send);
	if (stream_send_ready(s) > 0)
		stream_send_schedule(s);
	return SC_OK;
}
