/* Knows what a peer may send on a link; what a trunk may is known to frames_judge.c, how the two go
   on over another link to frames_exchange.c. */
#include "frames_peer.h"

void
peer_init(struct peer *p, struct end *end, const struct hello *trunk)
{
	memset(p, 0, sizeof(*p));
	p->end = end;
	p->initiator = end->config.initiator;
	p->own_window = end->config.hello.window;
	p->own_max = end->config.hello.max_streams;
	p->trunk_window = trunk->window;
	p->trunk_max = trunk->max_streams;
	p->next_id = p->initiator ? 1 : 2;
}

/* ---- sending ---- */

static bool
silent(const struct peer *p)
{
	return p->close_sent || conn_phase(p->end->conn) != CONN_UP;
}

bool
peer_can_flush(const struct peer *p)
{
	return p->size > 0 && conn_room(p->end->conn) >= p->size;
}

void
peer_flush(struct peer *p)
{
	struct span part = {p->record, p->size};

	if (conn_phase(p->end->conn) != CONN_UP)
		p->size = 0;
	if (!peer_can_flush(p))
		return;
	if (p->size >= RECORD_PLAINTEXT_MIN)
		FUZZ_ASSERT(conn_send(p->end->conn, p->channel, &part, 1, p->end->now) == SC_OK);
	p->size = 0;
}

/* Room for a frame in the record under construction, or in the next one. NULL: the link is over, or
   takes nothing. */
static uint8_t *
frame_room(struct peer *p, uint8_t channel, size_t n)
{
	if (silent(p))
		return NULL;
	if (p->channel != channel || p->size + n > sizeof(p->record))
		peer_flush(p);
	if (p->size > 0 && (p->channel != channel || p->size + n > sizeof(p->record)))
		return NULL;
	p->channel = channel;
	p->size += n;
	return p->record + p->size - n;
}

uint8_t *
peer_put(struct peer *p, enum frame_type type, uint32_t stream, size_t n)
{
	uint8_t channel = type == FRAME_DATA ? CHANNEL_DATA : CHANNEL_PROTOCOL;
	uint8_t *frame = frame_room(p, channel, FRAME_HEAD_SIZE + n);

	if (!frame)
		return NULL;
	frame_head_put(frame, type, (uint16_t)n, stream);
	return frame + FRAME_HEAD_SIZE;
}

struct peer_stream *
peer_add_stream(struct peer *p, uint32_t id, bool own)
{
	FUZZ_ASSERT(p->n < PEER_STREAMS);
	struct peer_stream *s = &p->streams[p->n++];
	*s = (struct peer_stream){
		.id = id, .own = own, .limit = p->trunk_window, .allowed = p->own_window};
	return s;
}

static bool
may_send(const struct peer *p, const struct peer_stream *s)
{
	return p->session_done && !s->over && !s->fin_sent && (s->own || s->opened);
}

void
peer_open(struct peer *p, uint32_t gap, struct span service)
{
	size_t n = min_size(service.size, 255);
	uint32_t id = p->next_id + 2 * gap;

	if (!p->session_done || p->draining || p->drained || p->n >= PEER_STREAMS)
		return;
	uint8_t *payload = peer_put(p, FRAME_OPEN, id, 1 + n);
	if (!payload)
		return;
	payload[0] = (uint8_t)n;
	if (n > 0)
		memcpy(payload + 1, service.data, n);
	p->next_id = id + 2;
	struct peer_stream *s = peer_add_stream(p, id, true);
	s->open_size = 1 + n;
	memcpy(s->open, payload, s->open_size);
}

void
peer_opened(struct peer *p, struct peer_stream *s)
{
	if (!p->session_done || s->own || s->opened || s->over ||
		!peer_put(p, FRAME_OPENED, s->id, 0))
		return;
	s->opened = true;
}

void
peer_data(struct peer *p, struct peer_stream *s, size_t n)
{
	if (!may_send(p, s))
		return;
	n = (size_t)min_u64(min_size(n, FRAME_DATA_MAX), s->limit - s->sent);
	uint8_t *payload = n > 0 ? peer_put(p, FRAME_DATA, s->id, n) : NULL;
	for (size_t i = 0; payload && i < n; i++)
		payload[i] = pattern(s->id, true, s->sent + i);
	if (payload)
		s->sent += n;
}

static bool
put_fin(struct peer *p, const struct peer_stream *s, uint64_t count)
{
	uint8_t *payload = peer_put(p, FRAME_FIN, s->id, 8);

	if (payload)
		put_u64(payload, count);
	return payload != NULL;
}

void
peer_fin(struct peer *p, struct peer_stream *s)
{
	if (may_send(p, s))
		s->fin_sent = put_fin(p, s, s->sent);
}

void
peer_reset(struct peer *p, struct peer_stream *s, uint16_t code, struct span text)
{
	size_t n = min_size(text.size, 200);

	if (!p->session_done || s->over)
		return;
	uint8_t *payload = peer_put(p, FRAME_RESET, s->id, 2 + n);
	if (!payload)
		return;
	put_u16(payload, code);
	if (n > 0)
		memcpy(payload + 2, text.data, n);
	s->over = true;
	s->reset = s->fin_sent;
}

static bool
put_window(struct peer *p, const struct peer_stream *s, uint64_t consumed, uint32_t window)
{
	uint8_t *payload = peer_put(p, FRAME_WINDOW, s->id, 12);

	if (!payload)
		return false;
	put_u64(payload, consumed);
	put_u32(payload + 8, window);
	return true;
}

void
peer_window(struct peer *p, struct peer_stream *s, uint64_t more, uint32_t window)
{
	if (!p->session_done || s->over || s->fin_counted)
		return;
	uint64_t consumed = min_u64(s->consumed + more, s->received);
	uint64_t least = s->allowed - consumed;
	bool fin = s->fin_received && consumed == s->received;
	window = fin ? 0 : window < least ? (uint32_t)least : window;
	if (!put_window(p, s, consumed + (fin ? 1 : 0), window))
		return;
	s->consumed = consumed;
	s->fin_counted = fin;
	s->fin_told |= fin;
	if (!fin)
		s->allowed = consumed + window;
	peer_stream_check_over(s);
}

void
peer_ping(struct peer *p)
{
	uint8_t *payload = p->session_done && !p->ping_out ? peer_put(p, FRAME_PING, 0, 8) : NULL;

	if (!payload)
		return;
	memcpy(payload, PEER_PING, 8);
	p->ping_out = true;
}

void
peer_pong(struct peer *p)
{
	uint8_t *payload = p->ping_waits && p->session_done ? peer_put(p, FRAME_PONG, 0, 8) : NULL;

	if (!payload)
		return;
	memcpy(payload, p->ping, 8);
	p->ping_waits = false;
}

void
peer_goaway(struct peer *p, uint16_t code)
{
	uint8_t *payload =
		p->session_done && !p->goaway_sent ? peer_put(p, FRAME_GOAWAY, 0, 2) : NULL;

	if (!payload)
		return;
	put_u16(payload, code);
	p->goaway_sent = p->draining = true;
	p->goaway_code = code;
}

void
peer_close(struct peer *p, uint16_t code)
{
	uint8_t *payload = peer_put(p, FRAME_CLOSE, 0, 2);

	if (!payload)
		return;
	put_u16(payload, code);
	peer_flush(p);
	p->close_sent = true;
}

void
peer_pad(struct peer *p, uint8_t type, uint8_t channel, size_t n)
{
	uint8_t *frame = p->session_done ? frame_room(p, channel, FRAME_HEAD_SIZE + n) : NULL;

	if (!frame)
		return;
	frame_head_put(frame, type, (uint16_t)n, type == FRAME_PAD ? 0 : 77);
	memset(frame + FRAME_HEAD_SIZE, type, n);
}

static void
put_empty_open(struct peer *p, const struct peer_stream *s)
{
	uint8_t *payload = peer_put(p, FRAME_OPEN, s->id, 1);

	if (payload)
		*payload = 0;
}

bool
peer_breach(struct peer *p, struct peer_stream *s, enum peer_breach breach)
{
	bool sends = may_send(p, s), window = !s->fin_counted;

	if (!p->session_done || s->over || silent(p))
		return false;
	if (breach == BREACH_PAST_WINDOW && sends && s->limit - s->sent < FRAME_DATA_MAX)
		peer_put(p, FRAME_DATA, s->id, (size_t)(s->limit - s->sent) + 1);
	else if (breach == BREACH_FIN_COUNT && sends)
		put_fin(p, s, s->sent + 1);
	else if (breach == BREACH_CONSUMED_TOO_MUCH && window)
		put_window(p, s, s->received + 2, UINT32_MAX);
	else if (breach == BREACH_CREDIT_TAKEN_BACK && window && s->allowed > s->consumed)
		put_window(p, s, s->consumed, 0);
	else if (breach == BREACH_AFTER_FIN && s->fin_sent)
		peer_put(p, FRAME_DATA, s->id, 1);
	else if (breach == BREACH_OPENED_TWICE && (s->own || s->opened))
		peer_put(p, FRAME_OPENED, s->id, 0);
	else if (breach == BREACH_OPEN_AGAIN && s->own)
		put_empty_open(p, s);
	else
		return false;
	p->hostile = true;
	return true;
}

void
peer_any_frame(struct peer *p, uint8_t channel, uint8_t type, uint32_t stream, struct span payload)
{
	uint8_t *frame = frame_room(p, channel, FRAME_HEAD_SIZE + payload.size);

	if (!frame)
		return;
	p->hostile = true;
	frame_head_put(frame, type, (uint16_t)payload.size, stream);
	if (payload.size > 0)
		memcpy(frame + FRAME_HEAD_SIZE, payload.data, payload.size);
}

void
peer_any_bytes(struct peer *p, uint8_t channel, struct span bytes)
{
	uint8_t *at = bytes.size > 0 ? frame_room(p, channel, bytes.size) : NULL;

	if (!at)
		return;
	p->hostile = true;
	memcpy(at, bytes.data, bytes.size);
}
