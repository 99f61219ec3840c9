/* Knows how to play a peer frame by frame. */
#include "hand.h"

static enum trunk_found
find(void *arg, const uint8_t *id, struct trunk **session)
{
	struct hand *h = arg;

	if (h->no_more)
		return TRUNK_FOUND_NO_MORE;
	if (!h->session || memcmp(trunk_session_id(h->session), id, TRUNK_SESSION_SIZE) != 0)
		return TRUNK_FOUND_NOTHING;
	*session = h->session;
	return TRUNK_FOUND_SESSION;
}

static void
connect_pair(struct hand *h, bool initiator)
{
	pair_init(&h->pair, 7, LIST("X25519"), LIST("AES 128"));
	h->pair.now = h->now;
	for (int i = 0; i < 2; i++) {
		h->pair.ends[i].config.hello.window = HAND_WINDOW;
		h->pair.ends[i].config.hello.max_streams = HAND_STREAMS;
		h->pair.ends[i].config.hello.hold = h->hold;
	}
	pair_up(&h->pair);
	h->conn = h->pair.ends[initiator ? 0 : 1].conn;
	h->peer = h->pair.ends[initiator ? 1 : 0].conn;
}

static struct trunk_config
config_of(struct hand *h, bool initiator)
{
	return (struct trunk_config){.initiator = initiator, .window = HAND_WINDOW,
		.max_streams = HAND_STREAMS, .keepalive = 20 * NS_PER_S,
		.hold = h->hold * NS_PER_S, .random = h->pair.random.source, .chunks = h->pool,
		.find = find, .arg = h};
}

void
hand_start_holding(struct hand *h, bool initiator, uint16_t hold)
{
	memset(h, 0, sizeof(*h));
	h->hold = hold;
	connect_pair(h, initiator);
	h->pool = chunk_pool_new(1 << 20);
	h->now = NS_PER_S;
	struct trunk_config config = config_of(h, initiator);
	h->trunk = trunk_new(&config, h->conn, h->now);
	assert_non_null(h->trunk);
}

void
hand_start(struct hand *h, bool initiator)
{
	hand_start_holding(h, initiator, 0);
}

void
hand_up_holding(struct hand *h, bool initiator, uint16_t hold)
{
	hand_start_holding(h, initiator, hold);
	if (!initiator)
		hand_session(h, SESSION_BEGIN, (const uint8_t *)"a session's id..", 1, 0);
	hand_event(h, TRUNK_UP);
	hand_seal(h);
	hand_take(h, FRAME_SESSION, 0);
	if (initiator)
		hand_session(h, SESSION_DONE, trunk_session_id(h->trunk), 1, 0);
	hand_frame(h, FRAME_PONG, 0, hand_take(h, FRAME_PING, 0)->payload, 8);
	hand_quiet(h);
	hand_no_frame(h);
}

void
hand_up(struct hand *h, bool initiator)
{
	hand_up_holding(h, initiator, 0);
}

void
hand_lose(struct hand *h)
{
	trunk_lost(h->trunk);
	hand_event(h, TRUNK_SUSPENDED);
	assert_true(trunk_suspended(h->trunk));
	hand_quiet(h);
	h->first += h->count;
	h->count = 0;
}

void
hand_relink(struct hand *h)
{
	bool initiator = h->trunk->config.initiator;

	pair_fini(&h->pair);
	connect_pair(h, initiator);
	struct trunk_config config = config_of(h, initiator);
	if (initiator) {
		trunk_attach(h->trunk, &config, h->conn, h->now);
		return;
	}
	h->session = h->trunk;
	h->trunk = trunk_new(&config, h->conn, h->now);
	assert_non_null(h->trunk);
}

void
hand_moved(struct hand *h)
{
	hand_event(h, TRUNK_MOVED);
	assert_ptr_equal(h->event.session, h->session);
	trunk_free(h->trunk);
	h->trunk = h->session;
	h->session = NULL;
	hand_event(h, TRUNK_RESUMED);
}

void
hand_fini(struct hand *h)
{
	trunk_free(h->trunk);
	trunk_free(h->session);
	assert_int_equal(chunk_pool_used(h->pool), 0);
	chunk_pool_free(h->pool);
	for (size_t i = 0; i < h->first + h->count; i++)
		free(h->frames[i].payload);
	free(h->frames);
	pair_fini(&h->pair);
}

void
hand_put(struct hand *h, unsigned type, uint32_t stream, const void *payload, size_t n)
{
	assert_true(h->out_size + FRAME_HEAD_SIZE + n <= sizeof(h->out));
	frame_head_put(h->out + h->out_size, (enum frame_type)type, (uint16_t)n, stream);
	h->out_size += FRAME_HEAD_SIZE;
	if (n > 0)
		memcpy(h->out + h->out_size, payload, n);
	h->out_size += n;
}

/* Moves bytes from one connection to the other. False: nothing moved. */
static bool
move(struct hand *h, struct conn *from, struct conn *to)
{
	size_t n, room;
	const uint8_t *out = conn_out_buf(from, &n);
	uint8_t *in = conn_in_buf(to, &room);

	n = min_size(n, room);
	if (n == 0)
		return false;
	memcpy(in, out, n);
	conn_out_ack(from, n);
	conn_in_ack(to, n, h->now);
	return true;
}

void
hand_record(struct hand *h, uint8_t channel)
{
	struct span part = {h->out, h->out_size};

	assert_true(h->out_size <= conn_room(h->peer));
	assert_int_equal(conn_send(h->peer, channel, &part, 1, h->now), SC_OK);
	h->out_size = 0;
}

void
hand_frame(struct hand *h, unsigned type, uint32_t stream, const void *payload, size_t n)
{
	hand_put(h, type, stream, payload, n);
	hand_record(h, type == FRAME_DATA ? CHANNEL_DATA : CHANNEL_PROTOCOL);
}

void
hand_open(struct hand *h, uint32_t stream)
{
	hand_frame(h, FRAME_OPEN, stream, "\003web", 4);
}

void
hand_data(struct hand *h, uint32_t stream, size_t n, char c)
{
	static uint8_t data[FRAME_DATA_MAX];
	memset(data, c, n);
	hand_frame(h, FRAME_DATA, stream, data, n);
}

void
hand_fin(struct hand *h, uint32_t stream, uint64_t count)
{
	uint8_t payload[8];
	put_u64(payload, count);
	hand_frame(h, FRAME_FIN, stream, payload, 8);
}

void
hand_reset(struct hand *h, uint32_t stream, uint16_t code)
{
	uint8_t payload[6] = "  text";
	put_u16(payload, code);
	hand_frame(h, FRAME_RESET, stream, payload, 6);
}

void
hand_window(struct hand *h, uint32_t stream, uint64_t consumed, uint32_t window)
{
	uint8_t payload[12];
	put_u64(payload, consumed);
	put_u32(payload + 8, window);
	hand_frame(h, FRAME_WINDOW, stream, payload, 12);
}

void
hand_session(struct hand *h, uint8_t kind, const uint8_t *id, uint32_t generation, uint32_t count)
{
	uint8_t payload[SESSION_PAYLOAD] = {kind};
	memcpy(payload + 1, id, TRUNK_SESSION_SIZE);
	put_u32(payload + 17, generation);
	put_u32(payload + 25, count);
	hand_frame(h, FRAME_SESSION, 0, payload, sizeof(payload));
}

void
hand_go_on(struct hand *h, uint8_t kind, uint32_t generation, uint32_t highest, uint32_t count)
{
	const struct trunk *t = h->session ? h->session : h->trunk;
	struct session_frame s = {kind, {0}, generation, highest, count};
	uint8_t frame[FRAME_HEAD_SIZE + SESSION_PAYLOAD];

	memcpy(s.id, trunk_session_id(t), sizeof(s.id));
	session_encode(frame, &s);
	hand_frame(h, FRAME_SESSION, 0, frame + FRAME_HEAD_SIZE, SESSION_PAYLOAD);
}

void
hand_state(struct hand *h, uint32_t stream, uint8_t flags, uint64_t received, uint64_t limit)
{
	const struct state state = {stream, flags, received, limit};
	uint8_t frame[FRAME_HEAD_SIZE + STATE_PAYLOAD];

	state_encode(frame, &state);
	hand_frame(h, FRAME_STATE, stream, frame + FRAME_HEAD_SIZE, STATE_PAYLOAD);
}

void
hand_take_session(struct hand *h, uint8_t kind, uint32_t generation, uint32_t highest,
	uint32_t count)
{
	const struct hand_frame *f = hand_take(h, FRAME_SESSION, 0);

	assert_int_equal(f->payload[0], kind);
	assert_int_equal(get_u32(f->payload + 17), generation);
	assert_int_equal(get_u32(f->payload + 21), highest);
	assert_int_equal(get_u32(f->payload + 25), count);
}

void
hand_take_state(struct hand *h, uint32_t stream, uint8_t flags, uint64_t received, uint64_t limit)
{
	const struct hand_frame *f = hand_take(h, FRAME_STATE, stream);

	assert_int_equal(f->payload[0], flags);
	assert_int_equal(get_u64(f->payload + 1), received);
	assert_int_equal(get_u64(f->payload + 9), limit);
}

static bool
next_event(struct hand *h)
{
	while (!trunk_next_event(h->trunk, h->now, &h->event))
		if (!move(h, h->peer, h->conn))
			return false;
	return true;
}

struct stream *
hand_event(struct hand *h, enum trunk_event_type type)
{
	if (!next_event(h))
		fail_msg("no event, wanted %d", type);
	if (h->event.type != type)
		fail_msg("event %d (code %d, %s), wanted %d", h->event.type, h->event.code,
			sc_error_name(h->event.error), type);
	return h->event.stream;
}

void
hand_quiet(struct hand *h)
{
	if (next_event(h))
		fail_msg("event %d", h->event.type);
}

static void
keep_frame(struct hand *h, uint8_t channel, const struct frame *f)
{
	size_t n = h->first + h->count++;
	if (n == h->capacity) {
		h->capacity = n ? 2 * n : 16;
		h->frames = realloc(h->frames, h->capacity * sizeof(*h->frames));
		assert_non_null(h->frames);
	}
	h->frames[n] = (struct hand_frame){f->type, channel, h->records, f->stream,
		f->payload.size, malloc(f->payload.size + 1)};
	assert_non_null(h->frames[n].payload);
	memcpy(h->frames[n].payload, f->payload.data, f->payload.size);
}

void
hand_collect(struct hand *h)
{
	struct span plaintext;
	struct frame f;
	uint8_t channel;

	do {
		while (conn_receive(h->peer, &channel, &plaintext) > 0) {
			struct wire_reader r = wire_reader(plaintext.data, plaintext.size);
			h->records++;
			while (frame_next(&r, channel, &f) == SC_OK && f.type != 0) {
				if (f.type == FRAME_KEY_UPDATE)
					conn_control(h->peer, FRAME_KEY_UPDATE, f.payload, h->now);
				else
					keep_frame(h, channel, &f);
			}
			assert_int_equal(wire_left(&r), 0);
		}
	} while (move(h, h->conn, h->peer));
	assert_int_equal(conn_error(h->peer), SC_OK);
}

void
hand_seal(struct hand *h)
{
	do {
		trunk_seal(h->trunk, h->now);
		hand_collect(h);
	} while (trunk_wants_seal(h->trunk));
}

const struct hand_frame *
hand_take(struct hand *h, enum frame_type type, uint32_t stream)
{
	if (h->count == 0)
		fail_msg("no frame, wanted type %d", type);
	const struct hand_frame *f = &h->frames[h->first];
	h->first++;
	h->count--;
	if (f->type != type || f->stream != stream)
		fail_msg("frame %u of stream %u, wanted %d of %u", f->type, f->stream, type,
			stream);
	return f;
}

void
hand_no_frame(struct hand *h)
{
	hand_seal(h);
	if (h->count > 0)
		fail_msg("frame %u", h->frames[h->first].type);
}

void
hand_expect_error(struct hand *h, enum sc_error error)
{
	do
		assert_true(next_event(h));
	while (h->event.type == TRUNK_RESET && h->event.code == CODE_PROTOCOL_ERROR);
	assert_int_equal(h->event.type, TRUNK_CLOSED);
	assert_string_equal(sc_error_name(h->event.error), sc_error_name(error));
	assert_int_equal(h->event.code, CODE_PROTOCOL_ERROR);
	assert_int_equal(trunk_streams(h->trunk), 0);
	hand_quiet(h);
	hand_seal(h);
	assert_true(h->count > 0);
	const struct hand_frame *f = &h->frames[h->first + h->count - 1];
	assert_int_equal(f->type, FRAME_CLOSE);
	assert_int_equal(get_u16(f->payload), CODE_PROTOCOL_ERROR);
}

struct stream *
hand_own_stream(struct hand *h)
{
	struct stream_request request = {.service_size = 3, .service = "web"};
	struct stream *s = trunk_open(h->trunk, &request, NULL);
	assert_non_null(s);
	hand_seal(h);
	hand_take(h, FRAME_OPEN, stream_id(s));
	return s;
}

struct stream *
hand_peer_stream(struct hand *h, uint32_t id)
{
	hand_open(h, id);
	struct stream *s = hand_event(h, TRUNK_OPEN);
	assert_int_equal(stream_id(s), id);
	return s;
}

size_t
hand_write(struct stream *s, size_t n, char c)
{
	size_t done = 0;

	while (done < n) {
		size_t room;
		uint8_t *p = stream_send_buf(s, &room);
		if (!p)
			break;
		room = min_size(room, n - done);
		memset(p, c, room);
		stream_send_ack(s, room);
		done += room;
	}
	return done;
}

size_t
hand_read(struct stream *s, size_t n, char c)
{
	size_t done = 0;

	while (done < n) {
		size_t size;
		const uint8_t *p = stream_recv_buf(s, &size);
		if (!p)
			break;
		size = min_size(size, n - done);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], c);
		stream_recv_ack(s, size);
		done += size;
	}
	return done;
}
