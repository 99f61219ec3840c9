/* Tests tunnel/frames.c: the table of frame types, and payloads there and back. */
#include "unit.h"

#include "tunnel/frames.h"

/* One frame with a payload of zeros as a record. Returns what frame_next says; *frame is what it
   gave. */
static enum sc_error
one(uint8_t channel, unsigned type, uint32_t stream, size_t length, struct frame *frame)
{
	static uint8_t record[FRAME_HEAD_SIZE + FRAME_DATA_MAX];
	frame_head_put(record, (enum frame_type)type, (uint16_t)length, stream);
	struct wire_reader r = wire_reader(record, FRAME_HEAD_SIZE + length);
	return frame_next(&r, channel, frame);
}

static void
test_every_type(void **state)
{
	static const struct {
		unsigned type;
		bool stream, data, protocol;
		size_t min, max;
	} types[] = {
		{FRAME_OPEN, true, false, true, 1, 65527},
		{FRAME_OPENED, true, false, true, 0, 65527},
		{FRAME_DATA, true, true, false, 1, 65527},
		{FRAME_FIN, true, false, true, 8, 8},
		{FRAME_RESET, true, false, true, 2, 202},
		{FRAME_WINDOW, true, false, true, 12, 12},
		{FRAME_PING, false, false, true, 8, 8},
		{FRAME_PONG, false, false, true, 8, 8},
		{FRAME_RENEW, false, false, true, 32, 32},
		{FRAME_LINE, false, false, true, 1, 8191},
		{FRAME_KEY_UPDATE, false, false, true, 2, 2},
		{FRAME_GOAWAY, false, false, true, 2, 2},
		{FRAME_CLOSE, false, false, true, 2, 2},
		{FRAME_PAD, false, true, true, 0, 65527},
		{FRAME_SESSION, false, false, true, 29, 29},
		{FRAME_STATE, true, false, true, 17, 17},
		{FRAME_KEYROLL, false, false, true, 1, 65527},
	};
	struct frame f;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint32_t id = types[i].stream ? 5 : 0;
		unsigned type = types[i].type;
		size_t min = types[i].min, max = types[i].max;
		uint8_t channel = types[i].protocol ? 1 : 2;
		assert_int_equal(one(channel, type, id, min, &f), SC_OK);
		assert_int_equal(f.type, type);
		assert_int_equal(f.stream, id);
		assert_int_equal(f.payload.size, min);
		assert_int_equal(one(channel, type, id, max, &f), SC_OK);
		assert_int_equal(f.payload.size, max);
		assert_int_equal(one(channel, type, 5 - id, min, &f), SC_ERR_FRAME);
		if (min > 0)
			assert_int_equal(one(channel, type, id, min - 1, &f), SC_ERR_FRAME);
		if (max < 65527)
			assert_int_equal(one(channel, type, id, max + 1, &f), SC_ERR_FRAME);
		assert_int_equal(one(1, type, id, min, &f),
			types[i].protocol ? SC_OK : SC_ERR_FRAME_PLACE);
		assert_int_equal(one(2, type, id, min, &f),
			types[i].data ? SC_OK : SC_ERR_FRAME_PLACE);
	}
}

static void
test_unknown_types(void **state)
{
	struct frame f;
	(void)state;
	assert_int_equal(one(1, 0, 0, 0, &f), SC_ERR_FRAME);
	assert_int_equal(one(1, FRAME_HELLO, 0, 100, &f), SC_ERR_FRAME_PLACE);
	for (unsigned type = 19; type < 128; type++)
		assert_int_equal(one(1, type, 0, 0, &f), SC_ERR_FRAME);
	for (unsigned type = 128; type < 256; type++) {
		assert_int_equal(one(1, type, type & 1, type, &f), SC_OK);
		assert_int_equal(f.type, 0); /* skipped: the record's end */
		assert_int_equal(one(2, type, 0, 0, &f), SC_ERR_FRAME_PLACE);
	}
}

static void
test_several_in_a_record(void **state)
{
	uint8_t record[64];
	struct frame f;
	(void)state;
	size_t n = fin_encode(record, 1, 5);
	frame_head_put(record + n, (enum frame_type)200, 3, 9);
	memset(record + n + 8, 0xff, 3);
	n += 11;
	n += window_encode(record + n, 3, 6, 7);
	struct wire_reader r = wire_reader(record, n);
	assert_int_equal(frame_next(&r, 1, &f), SC_OK);
	assert_int_equal(f.type, FRAME_FIN);
	assert_int_equal(get_u64(f.payload.data), 5);
	assert_int_equal(frame_next(&r, 1, &f), SC_OK);
	assert_int_equal(f.type, FRAME_WINDOW);
	assert_int_equal(f.stream, 3);
	assert_int_equal(get_u64(f.payload.data), 6);
	assert_int_equal(get_u32(f.payload.data + 8), 7);
	assert_int_equal(frame_next(&r, 1, &f), SC_OK);
	assert_int_equal(f.type, 0);
	/* Cut anywhere, the last frame is not whole. */
	for (size_t cut = n - 19; cut < n; cut++) {
		r = wire_reader(record, cut);
		assert_int_equal(frame_next(&r, 1, &f), SC_OK);
		assert_int_equal(frame_next(&r, 1, &f), SC_ERR_FRAME);
	}
	record[1] = 1; /* the byte that is always 0 */
	r = wire_reader(record, n);
	assert_int_equal(frame_next(&r, 1, &f), SC_ERR_FRAME);
}

static void
test_open_round_trip(void **state)
{
	struct stream_request in = {.service_size = 3, .service = "web"}, out;
	uint8_t payload[OPEN_PAYLOAD_MAX];
	bool unsupported;
	(void)state;
	size_t n = open_encode(payload, &in);
	assert_int_equal(n, 4);
	in.source = (struct stream_address){4, {127, 0, 0, 1}, 40000};
	in.destination = (struct stream_address){16, {0x20, 1, 0xd, 0xb8}, 443};
	n = open_encode(payload, &in);
	assert_int_equal(n, 4 + 8 + 20);
	assert_memory_equal(payload, "\003web\001\006\177\000\000\001\234\100\002\022", 14);
	assert_int_equal(open_decode(&out, (struct span){payload, n}, &unsupported), SC_OK);
	assert_false(unsupported);
	assert_int_equal(out.source.port, 40000);
	assert_int_equal(out.destination.size, 16);
	uint8_t again[OPEN_PAYLOAD_MAX];
	assert_int_equal(open_encode(again, &out), n);
	assert_memory_equal(again, payload, n);
	in.service_size = 255;
	in.source = in.destination;
	assert_int_equal(open_encode(payload, &in), OPEN_PAYLOAD_MAX);
}

static void
test_open_options(void **state)
{
	/* After the service name "a". */
	static const struct {
		const char *bytes;
		size_t n;
		enum sc_error err;
		bool unsupported;
	} cases[] = {
		{"", 0, SC_OK, false},
		{"\003\000", 2, SC_OK, false},
		{"\177\002xx", 4, SC_OK, false},
		{"\200\000", 2, SC_OK, true},
		{"\377\001x\003\001y", 6, SC_OK, true},
		{"\001\006\1\2\3\4\0\120", 8, SC_OK, false},
		{"\000\000", 2, SC_ERR_FRAME, false},
		{"\003", 1, SC_ERR_FRAME, false},
		{"\003\002x", 3, SC_ERR_FRAME, false},
		{"\200\001", 2, SC_ERR_FRAME, false},
		{"\001\005\1\2\3\4\0", 7, SC_ERR_FRAME, false},
		{"\002\007\1\2\3\4\0\0\0", 9, SC_ERR_FRAME, false},
		{"\001\006\1\2\3\4\0\120\001\006\1\2\3\4\0\120", 16, SC_ERR_FRAME, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t payload[64] = {1, 'a'};
		struct stream_request request;
		bool unsupported = false;
		memcpy(payload + 2, cases[i].bytes, cases[i].n);
		struct span s = {payload, 2 + cases[i].n};
		assert_int_equal(open_decode(&request, s, &unsupported), cases[i].err);
		if (cases[i].err == SC_OK)
			assert_int_equal(unsupported, cases[i].unsupported);
		/* OPENED has the same form, but an address is nothing special there. */
		s = (struct span){payload + 2, cases[i].n};
		enum sc_error err = opened_decode(s, &unsupported);
		if (cases[i].n > 0 && (cases[i].bytes[0] == 1 || cases[i].bytes[0] == 2))
			assert_int_equal(err, SC_OK);
		else
			assert_int_equal(err, cases[i].err);
	}
	uint8_t cut[] = {3, 'a', 'b'};
	struct stream_request request;
	bool unsupported;
	assert_int_equal(open_decode(&request, (struct span){cut, 3}, &unsupported), SC_ERR_FRAME);
}

static void
test_session_round_trip(void **state)
{
	struct session_frame in = {SESSION_UNKNOWN, "0123456789abcde", 7, 8, 9}, out;
	uint8_t frame[FRAME_HEAD_SIZE + SESSION_PAYLOAD];
	struct span payload = {frame + FRAME_HEAD_SIZE, SESSION_PAYLOAD};
	(void)state;
	session_encode(frame, &in);
	assert_memory_equal(frame, "\020\000\000\035\000\000\000\000\003" "0123", 13);
	assert_int_equal(session_decode(&out, payload), SC_OK);
	assert_memory_equal(out.id, in.id, sizeof(in.id));
	assert_int_equal(out.kind, SESSION_UNKNOWN);
	assert_int_equal(out.generation, 7);
	assert_int_equal(out.highest, 8);
	assert_int_equal(out.count, 9);
	in.generation = 0;
	session_encode(frame, &in);
	assert_int_equal(session_decode(&out, payload), SC_ERR_FRAME);
	in.generation = 1;
	in.kind = 4;
	session_encode(frame, &in);
	assert_int_equal(session_decode(&out, payload), SC_ERR_FRAME);
}

static void
test_small_frames(void **state)
{
	uint8_t out[RESET_FRAME_MAX];
	char text[300];
	(void)state;
	assert_int_equal(reset_encode(out, 3, CODE_DENIED, NULL), 10);
	assert_memory_equal(out, "\006\000\000\002\000\000\000\003\000\003", 10);
	memset(text, 'x', sizeof(text));
	text[299] = '\0';
	assert_int_equal(reset_encode(out, 3, CODE_DENIED, text), 210);
	assert_int_equal(get_u16(out + 2), 202);
	assert_int_equal(code_encode(out, FRAME_GOAWAY, CODE_SHUTTING_DOWN), 10);
	assert_memory_equal(out, "\015\000\000\002\000\000\000\000\000\012", 10);
	assert_int_equal(ping_encode(out, FRAME_PONG, (const uint8_t *)"12345678"), 16);
	assert_memory_equal(out, "\011\000\000\010\000\000\000\00012345678", 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_several_in_a_record),
		cmocka_unit_test(test_open_round_trip),
		cmocka_unit_test(test_open_options),
		cmocka_unit_test(test_session_round_trip),
		cmocka_unit_test(test_small_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
