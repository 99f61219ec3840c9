/* Knows what a trunk may send, by the books of its peer; once the peer has been hostile they say
   nothing, and only the form counts. */
#include "frames_peer.h"

void
peer_stream_check_over(struct peer_stream *s)
{
	if (s->fin_sent && s->counted == s->sent + 1 && s->fin_received && s->fin_counted)
		s->over = true;
}

struct peer_stream *
peer_find(struct peer *p, uint32_t id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->streams[i].id == id)
			return &p->streams[i];
	return NULL;
}

bool
peer_has(struct peer *p, uint32_t stream)
{
	const struct peer_stream *s = peer_find(p, stream);

	return s && !s->over;
}

bool
peer_has_ended(struct peer *p, uint32_t stream, uint64_t sent, uint64_t received)
{
	const struct peer_stream *s = peer_find(p, stream);

	return s && s->fin_sent && s->fin_told && s->sent == sent && s->received == received;
}

static void
take_open(struct peer *p, uint32_t id, struct span payload)
{
	size_t open = 0;

	FUZZ_ASSERT((id & 1) == (p->initiator ? 0 : 1) && id > p->highest_of_trunk);
	FUZZ_ASSERT(payload.size >= 1 && payload.size >= 1u + payload.data[0]);
	p->highest_of_trunk = p->seen = id;
	peer_add_stream(p, id, false);
	for (size_t i = 0; i < p->n; i++)
		open += !p->streams[i].own && !p->streams[i].over;
	FUZZ_ASSERT(open <= p->own_max);
}

static void
take_data(struct peer_stream *s, struct span payload)
{
	FUZZ_ASSERT(!s->own || s->opened);
	FUZZ_ASSERT(payload.size > 0 && !s->fin_received);
	FUZZ_ASSERT(payload.size <= s->allowed - s->received);
	for (size_t i = 0; i < payload.size; i++)
		FUZZ_ASSERT(payload.data[i] == pattern(s->id, false, s->received + i));
	s->received += payload.size;
}

static void
take_window(struct peer_stream *s, uint64_t consumed, uint32_t window)
{
	bool fin = s->fin_sent && consumed == s->sent + 1;

	FUZZ_ASSERT(consumed >= s->counted && (consumed <= s->sent || fin));
	FUZZ_ASSERT(fin || consumed + window >= s->limit);
	s->counted = consumed;
	s->covered = max_u64(s->covered, consumed);
	if (!fin)
		s->limit = consumed + window;
	peer_stream_check_over(s);
}

static void
take_stream_frame(struct peer_stream *s, uint8_t type, struct span payload)
{
	if (s->over) /* it was under way when the peer reset the stream */
		return;
	switch (type) {
	case FRAME_OPENED:
		FUZZ_ASSERT(s->own && !s->opened);
		s->opened = true;
		break;
	case FRAME_DATA:
		take_data(s, payload);
		break;
	case FRAME_FIN:
		FUZZ_ASSERT(get_u64(payload.data) == s->received);
		FUZZ_ASSERT(!s->fin_received && (!s->own || s->opened));
		s->fin_received = true;
		break;
	case FRAME_RESET:
		s->over = true;
		break;
	default:
		take_window(s, get_u64(payload.data), get_u32(payload.data + 8));
	}
}

static void
take_link_frame(struct peer *p, uint8_t type, struct span payload)
{
	switch (type) {
	case FRAME_PING:
		FUZZ_ASSERT(!p->ping_waits);
		memcpy(p->ping, payload.data, 8);
		p->ping_waits = true;
		break;
	case FRAME_PONG:
		FUZZ_ASSERT(p->ping_out && memcmp(payload.data, PEER_PING, 8) == 0);
		p->ping_out = false;
		break;
	case FRAME_GOAWAY:
		FUZZ_ASSERT(!p->goaway_came);
		p->goaway_came = p->drained = true;
		break;
	case FRAME_CLOSE:
		FUZZ_ASSERT(get_u16(payload.data) != CODE_PROTOCOL_ERROR);
		break;
	case FRAME_SESSION:
		peer_take_session(p, payload);
		break;
	default:
		break;
	}
}

static bool
of_connection(uint8_t type)
{
	return type == FRAME_KEY_UPDATE || type == FRAME_RENEW || type == FRAME_LINE ||
	       type == FRAME_KEYROLL;
}

/* What holds of every frame, whatever the peer has done. */
static void
check_form(const struct peer *p, uint8_t channel, const uint8_t *frame, size_t n)
{
	static const struct {
		bool known, link;
		size_t least, most;
	} forms[] = {
		[FRAME_OPEN] = {true, false, 1, 296},
		[FRAME_OPENED] = {true, false, 0, 0},
		[FRAME_DATA] = {true, false, 1, FRAME_DATA_MAX},
		[FRAME_FIN] = {true, false, 8, 8},
		[FRAME_RESET] = {true, false, 2, 202},
		[FRAME_WINDOW] = {true, false, 12, 12},
		[FRAME_PING] = {true, true, 8, 8},
		[FRAME_PONG] = {true, true, 8, 8},
		[FRAME_RENEW] = {true, true, 32, 32},
		[FRAME_LINE] = {true, true, 1, 8191},
		[FRAME_KEY_UPDATE] = {true, true, 2, 2},
		[FRAME_GOAWAY] = {true, true, 2, 2},
		[FRAME_CLOSE] = {true, true, 2, 2},
		[FRAME_SESSION] = {true, true, 29, 29},
		[FRAME_STATE] = {true, false, 17, 17},
		[FRAME_KEYROLL] = {true, true, 2, 81},
	};
	uint8_t type = frame[0];

	FUZZ_ASSERT(type < ARRAY_SIZE(forms) && forms[type].known && frame[1] == 0);
	FUZZ_ASSERT((get_u32(frame + 4) == 0) == forms[type].link);
	FUZZ_ASSERT(n >= forms[type].least && n <= forms[type].most);
	FUZZ_ASSERT((channel == CHANNEL_DATA) == (type == FRAME_DATA));
	/* CLOSE is the last frame of a trunk. A renewal that is under way is the connection's: its
	   peer discards what comes. */
	FUZZ_ASSERT(!p->close_came || of_connection(type));
}

static void
take_frame(struct peer *p, uint8_t channel, const uint8_t *frame, struct span payload)
{
	uint8_t type = frame[0];
	uint32_t id = get_u32(frame + 4);

	check_form(p, channel, frame, payload.size);
	if (of_connection(type)) {
		enum sc_error error = conn_control(p->end->conn, type, payload, p->end->now);
		FUZZ_ASSERT(error == SC_OK || p->hostile);
		if (error)
			conn_fail(p->end->conn, error);
		return;
	}
	if (type == FRAME_CLOSE) {
		p->close_came = true;
		p->close_code = get_u16(payload.data);
	}
	if (p->hostile)
		return;
	/* R answers before it sends a frame of a stream; I waits for the answer, but for a new
	   session. */
	if (id != 0 && type != FRAME_STATE)
		FUZZ_ASSERT(p->initiator ? p->session_done && p->session_came
					 : p->generation == 1 || p->session_done || p->refusing);
	if (type == FRAME_STATE) {
		peer_take_state(p, id, payload);
	} else if (p->refusing && id != 0) {
		if (type == FRAME_OPEN) /* of the session that was refused; ids go on */
			p->highest_of_trunk = id;
	} else if (type == FRAME_OPEN) {
		take_open(p, id, payload);
	} else if (id == 0) {
		take_link_frame(p, type, payload);
	} else {
		struct peer_stream *s = peer_find(p, id);
		FUZZ_ASSERT(s);
		take_stream_frame(s, type, payload);
	}
}

void
peer_receive(struct peer *p)
{
	struct span plaintext;
	uint8_t channel;

	while (conn_receive(p->end->conn, &channel, &plaintext) == 1) {
		size_t at = 0;
		while (at < plaintext.size) {
			const uint8_t *frame = plaintext.data + at;
			FUZZ_ASSERT(plaintext.size - at >= FRAME_HEAD_SIZE);
			size_t n = get_u16(frame + 2);
			at += FRAME_HEAD_SIZE;
			FUZZ_ASSERT(plaintext.size - at >= n);
			take_frame(p, channel, frame, (struct span){plaintext.data + at, n});
			at += n;
		}
	}
}
