/* Knows what is sealed next: control frames first, then the streams' bytes in turns; knows
   nothing of what the frames do at the peer. */
#include "tunnel/trunk_internal.h"

#define CONTROL_RECORD 8192  /* bytes of control frames made from state for one record */
/* Bytes that a stream may send while others wait: a record, or several, which its owner at the peer
   then writes at once, */
#define TURN           CHUNK_BIG
#define TURN_OF_FEW    (4 * CHUNK_BIG)
#define FEW            4
#define TURN_OF_MANY   16384 /* and while many do */
#define MANY           16
#define DATA_FRAMES    128   /* in one record */
#define DATA_PARTS     256
#define SLIVER         512   /* room at the end of a record that is not worth a frame */

/* The most that one stream's control frames can take. */
#define STREAM_CONTROL_MAX (4 * FRAME_HEAD_SIZE + OPEN_PAYLOAD_MAX + 12 + 8)

_Static_assert(STREAM_CONTROL_MAX <= CONTROL_RECORD, "every stream's control frames fit");

static bool
goaway_due(const struct trunk *t)
{
	/* OPENs that arose before it go before it. */
	return t->goaway.wanted && !t->goaway.sealed && t->unsealed_opens == 0 &&
	       !session_pending(t);
}

static bool
control_waits(const struct trunk *t)
{
	return !control_queue_empty(&t->exchange) || !control_queue_empty(&t->queue) ||
	       t->pong.wanted || (t->ping.wanted && !t->ping.out) || !list_empty(&t->control) ||
	       goaway_due(t);
}

/* The stream whose bytes are sealed next. */
static struct stream *
next_ready(const struct trunk *t)
{
	struct list *at = list_first(&t->first);

	if (!at)
		at = list_first(&t->ready);
	return at ? container_of(at, struct stream, ready) : NULL;
}

size_t
trunk_turn(const struct trunk *t)
{
	size_t n = 0;

	list_for_each (it, &t->ready)
		if (++n > MANY)
			return TURN_OF_MANY;
	return n > FEW || t->brisk ? TURN : TURN_OF_FEW;
}

bool
trunk_wants_seal(const struct trunk *t)
{
	if (!t->conn)
		return false;
	if (t->end.ended)
		return t->end.close_wanted;
	return control_waits(t) || next_ready(t);
}

static size_t
left(const struct wire_writer *w)
{
	return (size_t)(w->end - w->at);
}

static void
put_ping(struct trunk *t, struct wire_writer *w)
{
	if (t->pong.wanted && left(w) >= FRAME_HEAD_SIZE + 8) {
		w->at += ping_encode(w->at, FRAME_PONG, t->pong.value);
		t->pong.wanted = false;
	}
	if (t->ping.wanted && !t->ping.out && left(w) >= FRAME_HEAD_SIZE + 8) {
		put_u64(t->ping.value, ++t->ping.count);
		w->at += ping_encode(w->at, FRAME_PING, t->ping.value);
		t->ping.wanted = false;
		t->ping.out = true;
		t->ping.after_goaway = t->goaway.sealed;
		t->ping.moved_in = false;
		t->ping.sealed_at = t->now;
	}
}

static size_t
stream_control_size(const struct stream *s)
{
	size_t n = 0;
	if (s->control_flags & CONTROL_OPEN)
		n += FRAME_HEAD_SIZE + s->open_size;
	if (s->control_flags & CONTROL_OPENED)
		n += FRAME_HEAD_SIZE;
	if (s->control_flags & CONTROL_WINDOW)
		n += FRAME_HEAD_SIZE + 12;
	if (s->control_flags & CONTROL_FIN)
		n += FRAME_HEAD_SIZE + 8;
	return n;
}

static void
put_window(struct stream *s, struct wire_writer *w)
{
	uint64_t consumed;
	uint32_t window;

	stream_recv_announce(s, &consumed, &window);
	w->at += window_encode(w->at, s->node.id, consumed, window);
}

/* All that waits of one stream, in the order that the protocol wants. */
static void
put_stream_control(struct stream *s, struct wire_writer *w)
{
	struct trunk *t = s->trunk;
	uint8_t head[FRAME_HEAD_SIZE], flags = s->control_flags;

	s->control_flags = 0;
	list_remove(&s->control);
	if (flags & CONTROL_OPEN) {
		frame_head_put(head, FRAME_OPEN, (uint16_t)s->open_size, s->node.id);
		wire_put(w, head, sizeof(head));
		wire_put(w, s->open, s->open_size);
		if (s->node.id > t->own_sealed)
			t->own_sealed = s->node.id;
		t->unsealed_opens--;
	}
	if (flags & CONTROL_OPENED) {
		s->opened_sealed = true;
		frame_head_put(head, FRAME_OPENED, 0, s->node.id);
		wire_put(w, head, sizeof(head));
	}
	if (flags & CONTROL_WINDOW)
		put_window(s, w);
	if (flags & CONTROL_FIN) {
		w->at += fin_encode(w->at, s->node.id, s->send.sent);
		s->send.fin_sealed = true;
	}
	stream_check_end(s);
}

/* Streams' control frames, first come first served, as many as fit. */
static void
put_streams(struct trunk *t, struct wire_writer *w)
{
	struct list *first;

	while ((first = list_first(&t->control))) {
		struct stream *s = container_of(first, struct stream, control);
		if (left(w) < stream_control_size(s))
			return;
		put_stream_control(s, w);
	}
}

/* A PING goes behind it: with its answer all OPENs that were under way have come, and had their
   RESET(10). */
static void
put_goaway(struct trunk *t, struct wire_writer *w)
{
	if (goaway_due(t) && left(w) >= FRAME_HEAD_SIZE + 2) {
		w->at += code_encode(w->at, FRAME_GOAWAY, t->goaway.code);
		t->goaway.sealed = true;
		t->goaway.sealed_at = t->now;
		t->ping.wanted = true;
	}
}

static void
put_close(struct trunk *t, struct wire_writer *w)
{
	if (t->end.close_wanted && left(w) >= FRAME_HEAD_SIZE + 2) {
		w->at += code_encode(w->at, FRAME_CLOSE, t->end.close_code);
		t->end.close_wanted = false;
	}
}

static bool
send_record(struct trunk *t, uint8_t channel, const struct span *parts, size_t n)
{
	enum sc_error err = conn_send(t->conn, channel, parts, n, t->now);
	t->last_sent = t->now;
	if (err == SC_OK)
		return true;
	t->end.close_wanted = false;
	trunk_conn_lost(t, err);
	return false;
}

static size_t
waiting(const struct control_queue *q)
{
	return q->end - q->start;
}

/* One record of control frames: what is in the queue, then what the state of the trunk and the
   streams says. False: none was sealed. */
static bool
seal_control(struct trunk *t, size_t room)
{
	uint8_t made[CONTROL_RECORD];
	struct span parts[3], first = control_queue_front(&t->exchange, room), queued = {0};
	size_t n = 0;

	/* What the queues still have goes before everything else. */
	if (first.size == waiting(&t->exchange))
		queued = control_queue_front(&t->queue, room - first.size);
	struct wire_writer w =
		wire_writer(made, min_size(sizeof(made), room - first.size - queued.size));
	if (first.size > 0)
		parts[n++] = first;
	if (queued.size > 0)
		parts[n++] = queued;
	if (first.size == waiting(&t->exchange) && queued.size == waiting(&t->queue)) {
		if (t->end.ended) {
			put_goaway(t, &w);
			put_close(t, &w);
		} else {
			put_ping(t, &w);
			put_streams(t, &w);
			put_goaway(t, &w);
		}
	}
	if (wire_written(&w) > 0)
		parts[n++] = (struct span){made, wire_written(&w)};
	if (n == 0 || !send_record(t, CHANNEL_PROTOCOL, parts, n))
		return false;
	control_queue_drop(&t->exchange, first.size);
	control_queue_drop(&t->queue, queued.size);
	return true;
}

/* A record of DATA frames under construction. */
struct data_record {
	uint8_t heads[DATA_FRAMES][FRAME_HEAD_SIZE];
	struct span parts[DATA_PARTS];
	size_t n_frames, n_parts, room;
};

/* The next bytes of a stream as one frame. */
static void
put_data(struct stream *s, struct data_record *r, size_t n)
{
	uint8_t *head = r->heads[r->n_frames++];

	r->parts[r->n_parts++] = (struct span){head, FRAME_HEAD_SIZE};
	r->n_parts += bytes_send(&s->send.bytes, n, r->parts + r->n_parts, DATA_PARTS - r->n_parts,
		&n);
	frame_head_put(head, FRAME_DATA, (uint16_t)n, s->node.id);
	r->room -= FRAME_HEAD_SIZE + n;
	s->send.sent += n;
	s->send.turn -= n;
}

/* A stream begins its next turn; if it has had one in this round, all have. */
static void
begin_turn(struct trunk *t, struct stream *s)
{
	if (s->send.round == t->round)
		t->round++;
	s->send.round = t->round;
	s->send.turn = trunk_turn(t);
}

/* A stream goes on with its turn. A turn that the record cuts short goes on in the next one, so
   that no pattern of records favours a stream. False: the record is full. */
static bool
take_turn(struct trunk *t, struct stream *s, struct data_record *r)
{
	uint64_t unsent = stream_send_ready(s);

	if (s->send.turn == 0)
		begin_turn(t, s);
	/* A frame is a chunk at most, where it can be: as they lie. */
	size_t n = min_size((size_t)min_u64(unsent, s->send.turn), CHUNK_BIG);
	if (r->n_frames > 0 && r->room < FRAME_HEAD_SIZE + min_size(n, SLIVER))
		return false;
	put_data(s, r, min_size(n, r->room - FRAME_HEAD_SIZE));
	if (s->send.turn > 0 && stream_send_ready(s) > 0)
		return false;
	list_remove(&s->ready);
	stream_send_schedule(s);
	return true;
}

/* One record of DATA frames. False: none was sealed. While somebody is in conversation a few bytes
   are not in one record with many, all of which the peer would have to wait for. */
static bool
seal_data(struct trunk *t, size_t room)
{
	struct data_record r;
	struct stream *s;

	if (room <= FRAME_HEAD_SIZE || !next_ready(t))
		return false;
	bool apart = t->brisk && !list_empty(&t->first);
	r.n_frames = r.n_parts = 0;
	r.room = room;
	while (r.n_frames < DATA_FRAMES && r.n_parts + 2 <= DATA_PARTS &&
		r.room > FRAME_HEAD_SIZE && (s = next_ready(t)))
		if ((apart && !s->send.few) || !take_turn(t, s, &r))
			break;
	return send_record(t, CHANNEL_DATA, r.parts, r.n_parts);
}

void
trunk_brisk(struct trunk *t, bool brisk)
{
	t->brisk = brisk;
}

void
trunk_set_ahead(struct trunk *t, size_t bytes)
{
	t->ahead_most = bytes;
}

void
trunk_seal(struct trunk *t, uint64_t now)
{
	bool more = true;

	t->now = now;
	while (more && trunk_wants_seal(t)) {
		size_t room = conn_room(t->conn);
		if (room < FRAME_HEAD_SIZE)
			return;
		if (t->end.ended || control_waits(t))
			more = seal_control(t, room);
		else if (conn_pending(t->conn) >= t->ahead_most)
			return;
		else
			more = seal_data(t, room);
	}
}
