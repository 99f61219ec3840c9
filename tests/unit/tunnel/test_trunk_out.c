/* Tests tunnel/trunk_out.c: what shares a record, what goes before what, and turns. */
#include "hand.h"

static const struct stream_request web = {.service_size = 3, .service = "web"};

static void
test_small_frames_share_records(void **state)
{
	struct stream *s[HAND_STREAMS];
	struct hand h;
	(void)state;
	hand_up(&h, true);
	unsigned before = h.records;
	for (int i = 0; i < HAND_STREAMS; i++) {
		s[i] = trunk_open(h.trunk, &web, NULL);
		hand_write(s[i], 10, 'x');
		stream_send_fin(s[i]);
	}
	hand_seal(&h);
	assert_int_equal(h.records - before, 3);
	/* All OPENs, then all DATA, then all FINs. */
	for (uint32_t i = 0; i < 3 * HAND_STREAMS; i++) {
		static const enum frame_type types[] = {FRAME_OPEN, FRAME_DATA, FRAME_FIN};
		uint32_t step = i / HAND_STREAMS;
		const struct hand_frame *f =
			hand_take(&h, types[step], i % HAND_STREAMS * 2 + 1);
		assert_int_equal(f->record - before, step + 1);
		assert_int_equal(f->channel, step == 1 ? CHANNEL_DATA : CHANNEL_PROTOCOL);
	}
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_open_carries_its_payload(void **state)
{
	struct stream_request request = web;
	struct hand h;
	(void)state;
	hand_up(&h, true);
	request.source = (struct stream_address){4, {10, 0, 0, 1}, 1234};
	trunk_open(h.trunk, &request, NULL);
	hand_seal(&h);
	const struct hand_frame *f = hand_take(&h, FRAME_OPEN, 1);
	assert_int_equal(f->size, 12);
	assert_memory_equal(f->payload, "\003web\001\006\012\0\0\001\004\322", 12);
	hand_fini(&h);
}

/* A stream with that window of the peer's. */
static struct stream *
wide_stream(struct hand *h, uint32_t window)
{
	struct stream *s = hand_own_stream(h);
	hand_window(h, stream_id(s), 0, window);
	hand_quiet(h);
	return s;
}

static void
test_alone_a_stream_fills_records(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = wide_stream(&h, 1 << 20);
	assert_int_equal(hand_write(s, 2 * CHUNK_BIG, 'x'), 2 * CHUNK_BIG);
	hand_seal(&h);
	for (int i = 0; i < 2; i++)
		assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, CHUNK_BIG);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* While all have bytes, none is ahead of another by more than a turn. */
static void
check_turns(bool brisk, size_t turn)
{
	struct stream *s[3];
	size_t sent[3] = {0}, total = 0, most = 0;
	struct hand h;
	hand_up(&h, true);
	trunk_brisk(h.trunk, brisk);
	for (int i = 0; i < 3; i++)
		s[i] = wide_stream(&h, 1 << 20);
	for (int i = 0; i < 3; i++)
		hand_write(s[i], 500000, 'x');
	hand_seal(&h);
	while (total < 3 * 500000) {
		const struct hand_frame *f = &h.frames[h.first];
		hand_take(&h, FRAME_DATA, f->stream);
		sent[f->stream / 2] += f->size;
		total += f->size;
		for (int i = 0; i < 3; i++)
			for (int k = 0; k < 3; k++)
				most = sent[i] > sent[k] + most ? sent[i] - sent[k] : most;
		assert_true(f->size <= CHUNK_BIG);
	}
	assert_int_equal(most, turn);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* Turns of few are several records long, as long as nobody is in conversation. */
static void
test_streams_take_turns(void **state)
{
	(void)state;
	check_turns(false, 4 * CHUNK_BIG);
	check_turns(true, CHUNK_BIG);
}

/* Where many wait, each waits for little. */
static void
test_turns_of_many_are_short(void **state)
{
	struct stream *s[40];
	size_t sent[40] = {0}, total = 0;
	struct hand h;
	(void)state;
	hand_up(&h, true);
	h.trunk->peer_max_streams = 40;
	for (int i = 0; i < 40; i++)
		s[i] = wide_stream(&h, 1 << 20);
	for (int i = 0; i < 40; i++)
		assert_int_equal(hand_write(s[i], 40000, 'x'), 40000);
	hand_seal(&h);
	while (total < 16 * 40000) { /* then fewer are left */
		const struct hand_frame *f = &h.frames[h.first];
		hand_take(&h, FRAME_DATA, f->stream);
		sent[f->stream / 2] += f->size;
		total += f->size;
		assert_true(f->size <= 16384 || sent[0] == 40000);
		if (sent[0] < 40000)
			for (int i = 0; i < 40; i++)
				assert_true(sent[i] <= sent[39] + CHUNK_BIG);
	}
	hand_fini(&h);
}

/* Few bytes go before many that are not sealed yet. */
static void
test_a_small_stream_goes_first(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *big[2] = {wide_stream(&h, 1 << 20), wide_stream(&h, 1 << 20)};
	struct stream *small = hand_own_stream(&h);
	for (int i = 0; i < 2; i++)
		hand_write(big[i], 500000, 'x');
	hand_write(small, 5, 'y');
	trunk_seal(h.trunk, h.now);
	hand_collect(&h);
	assert_int_equal(hand_take(&h, FRAME_DATA, 5)->size, 5);
	hand_fini(&h);
}

/* While somebody is in conversation, also in a record of their own: the peer opens one when all of
   it is there. */
static void
test_few_bytes_have_a_record_of_their_own(void **state)
{
	(void)state;
	for (int brisk = 0; brisk < 2; brisk++) {
		struct hand h;
		hand_up(&h, true);
		struct stream *big = wide_stream(&h, 1 << 20);
		struct stream *small[2] = {hand_own_stream(&h), hand_own_stream(&h)};
		trunk_brisk(h.trunk, brisk);
		hand_write(big, 2 * CHUNK_BIG, 'x');
		for (int i = 0; i < 2; i++)
			hand_write(small[i], 5, 'y');
		hand_seal(&h);
		unsigned first = hand_take(&h, FRAME_DATA, 3)->record;
		assert_int_equal(hand_take(&h, FRAME_DATA, 5)->record, first);
		const struct hand_frame *f = hand_take(&h, FRAME_DATA, 1);
		assert_int_equal(f->record, brisk ? first + 1 : first);
		if (brisk)
			assert_int_equal(f->size, CHUNK_BIG);
		hand_fini(&h);
	}
}

/* But one that says a little again and again has no more than its turns. */
static void
test_going_first_is_no_privilege(void **state)
{
	size_t sent[2] = {0};
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s[2] = {wide_stream(&h, 4 << 20), wide_stream(&h, 4 << 20)};
	hand_write(s[0], 2 << 20, 'x');
	for (int i = 0; i < 800; i++) {
		hand_write(s[1], 4000, 'y');
		trunk_seal(h.trunk, h.now);
		hand_collect(&h);
		while (h.count > 0) {
			const struct hand_frame *f = &h.frames[h.first];
			hand_take(&h, FRAME_DATA, f->stream);
			sent[f->stream / 2] += f->size;
		}
		hand_quiet(&h);
		if (sent[0] < 2 << 20)
			assert_true(sent[1] <= sent[0] + 2 * CHUNK_BIG);
	}
	assert_int_equal(sent[0], 2 << 20);
	hand_fini(&h);
}

/* So that what comes later has little sealed before it; frames that steer do not wait for that. */
static void
test_little_is_sealed_ahead(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *big = wide_stream(&h, 1 << 20);
	hand_write(big, 1 << 20, 'x');
	trunk_set_ahead(h.trunk, 100 * 1024);
	trunk_seal(h.trunk, h.now);
	size_t pending = conn_pending(h.conn);
	assert_in_range(pending, 64 * 1024, 200 * 1024);
	trunk_seal(h.trunk, h.now);
	assert_int_equal(conn_pending(h.conn), pending);
	trunk_open(h.trunk, &web, NULL);
	trunk_seal(h.trunk, h.now);
	assert_true(conn_pending(h.conn) > pending);
	pending = conn_pending(h.conn);
	trunk_set_ahead(h.trunk, SIZE_MAX);
	trunk_seal(h.trunk, h.now);
	assert_true(conn_pending(h.conn) > pending);
	hand_fini(&h);
}

/* A small stream waits for one turn of the big one at most, however much that has. */
static void
test_a_small_stream_does_not_wait(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *big = wide_stream(&h, 1 << 20), *small = hand_own_stream(&h);
	hand_write(big, 1 << 20, 'x');
	trunk_seal(h.trunk, h.now); /* until the output is full */
	size_t room = conn_room(h.conn);
	hand_write(small, 5, 'y');
	trunk_seal(h.trunk, h.now);
	assert_int_equal(conn_room(h.conn), room);
	hand_collect(&h);
	while (h.count > 0)
		hand_take(&h, FRAME_DATA, 1);
	trunk_seal(h.trunk, h.now);
	hand_collect(&h);
	while (h.frames[h.first].stream == 1)
		assert_true(hand_take(&h, FRAME_DATA, 1)->size <= CHUNK_BIG);
	assert_true(h.first < h.count + h.first);
	assert_int_equal(hand_take(&h, FRAME_DATA, 3)->size, 5);
	hand_fini(&h);
}

static void
test_control_goes_ahead_of_data(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *big = wide_stream(&h, 1 << 20);
	hand_write(big, 1 << 20, 'x');
	trunk_seal(h.trunk, h.now);
	trunk_open(h.trunk, &web, NULL);
	hand_frame(&h, FRAME_PING, 0, "12345678", 8);
	hand_collect(&h);
	while (h.count > 0)
		hand_take(&h, FRAME_DATA, 1);
	hand_quiet(&h);
	trunk_seal(h.trunk, h.now);
	hand_collect(&h);
	hand_take(&h, FRAME_PONG, 0);
	hand_take(&h, FRAME_OPEN, 3);
	hand_take(&h, FRAME_DATA, 1);
	hand_fini(&h);
}

static void
test_reset_drops_what_is_unsent(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = wide_stream(&h, 1 << 20);
	hand_write(s, 1 << 20, 'x');
	trunk_seal(h.trunk, h.now);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_seal(&h);
	size_t before = 0;
	while (h.frames[h.first].type == FRAME_DATA)
		before += hand_take(&h, FRAME_DATA, 1)->size;
	assert_true(before > 0 && before < 1 << 20);
	hand_take(&h, FRAME_RESET, 1);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_goaway_follows_the_opens_before_it(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	trunk_open(h.trunk, &web, NULL);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	assert_null(trunk_open(h.trunk, &web, NULL));
	hand_seal(&h);
	hand_take(&h, FRAME_OPEN, 1);
	assert_int_equal(get_u16(hand_take(&h, FRAME_GOAWAY, 0)->payload), CODE_SHUTTING_DOWN);
	hand_take(&h, FRAME_PING, 0);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* Also where they take more than a record. */
static void
test_goaway_follows_many_opens(void **state)
{
	struct stream_request request = {
		.service_size = 250}; /* a rest of a record that GOAWAY fits into */
	struct hand h;
	(void)state;
	hand_up(&h, true);
	h.trunk->peer_max_streams = 100;
	memset(request.service, 's', 250);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(trunk_open(h.trunk, &request, NULL));
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_seal(&h);
	for (uint32_t i = 0; i < 100; i++)
		hand_take(&h, FRAME_OPEN, 2 * i + 1);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_take(&h, FRAME_PING, 0);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_many_control_frames_take_several_records(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, false);
	unsigned before = h.records;
	for (uint32_t i = 0; i < 10000; i++) {
		hand_put(&h, FRAME_OPEN, 2 * i + 1, "\001a\200\000", 4);
		if (i % 1000 == 999) {
			hand_record(&h, CHANNEL_PROTOCOL);
			hand_quiet(&h);
		}
	}
	hand_seal(&h);
	assert_true(h.records - before <= 3);
	for (uint32_t i = 0; i < 10000; i++)
		hand_take(&h, FRAME_RESET, 2 * i + 1);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_wants_seal(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	assert_false(trunk_wants_seal(h.trunk));
	struct stream *s = hand_own_stream(&h);
	assert_false(trunk_wants_seal(h.trunk));
	hand_write(s, 1, 'x');
	assert_true(trunk_wants_seal(h.trunk));
	trunk_seal(h.trunk, h.now);
	assert_false(trunk_wants_seal(h.trunk));
	stream_send_fin(s);
	assert_true(trunk_wants_seal(h.trunk));
	hand_seal(&h);
	hand_frame(&h, FRAME_PING, 0, "12345678", 8);
	hand_quiet(&h);
	assert_true(trunk_wants_seal(h.trunk));
	hand_fini(&h);
}

static void
test_a_failed_connection_ends_the_trunk(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = hand_own_stream(&h);
	hand_write(s, 1, 'x');
	conn_fail(h.conn, SC_ERR_IO);
	trunk_seal(h.trunk, h.now);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_IO);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_frames_share_records),
		cmocka_unit_test(test_open_carries_its_payload),
		cmocka_unit_test(test_alone_a_stream_fills_records),
		cmocka_unit_test(test_streams_take_turns),
		cmocka_unit_test(test_turns_of_many_are_short),
		cmocka_unit_test(test_a_small_stream_goes_first),
		cmocka_unit_test(test_few_bytes_have_a_record_of_their_own),
		cmocka_unit_test(test_going_first_is_no_privilege),
		cmocka_unit_test(test_little_is_sealed_ahead),
		cmocka_unit_test(test_a_small_stream_does_not_wait),
		cmocka_unit_test(test_control_goes_ahead_of_data),
		cmocka_unit_test(test_reset_drops_what_is_unsent),
		cmocka_unit_test(test_goaway_follows_the_opens_before_it),
		cmocka_unit_test(test_goaway_follows_many_opens),
		cmocka_unit_test(test_many_control_frames_take_several_records),
		cmocka_unit_test(test_wants_seal),
		cmocka_unit_test(test_a_failed_connection_ends_the_trunk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
