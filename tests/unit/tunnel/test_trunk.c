/* Tests tunnel/trunk.c: keepalive, round trips, deadlines, drains and ends. */
#include "hand.h"

static const struct stream_request web = {.service_size = 3, .service = "web"};

static void
test_round_trip_time(void **state)
{
	struct hand h;
	(void)state;
	hand_start(&h, true);
	hand_event(&h, TRUNK_UP);
	assert_true(trunk_rtt(h.trunk) == 0);
	h.now += NS_PER_S; /* not sealed yet: does not count */
	hand_seal(&h);
	hand_take(&h, FRAME_SESSION, 0);
	hand_session(&h, SESSION_DONE, trunk_session_id(h.trunk), 1, 0);
	h.now += 30 * NS_PER_MS;
	hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
	hand_quiet(&h);
	assert_true(trunk_rtt(h.trunk) == 30 * NS_PER_MS);
	hand_fini(&h);
}

static void
test_keepalive(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	h.now += 15 * NS_PER_S;
	hand_frame(&h, FRAME_PAD, 0, NULL, 0);
	hand_quiet(&h);
	assert_true(trunk_deadline(h.trunk) == h.now + 20 * NS_PER_S);
	h.now += 20 * NS_PER_S;
	trunk_tick(h.trunk, h.now);
	hand_seal(&h);
	const uint8_t *ping = hand_take(&h, FRAME_PING, 0)->payload;
	assert_true(trunk_deadline(h.trunk) == h.now + 20 * NS_PER_S);
	h.now += 20 * NS_PER_S - 1;
	trunk_tick(h.trunk, h.now);
	hand_no_frame(&h);
	hand_frame(&h, FRAME_PONG, 0, ping, 8);
	hand_quiet(&h);
	assert_true(trunk_deadline(h.trunk) == h.now + 20 * NS_PER_S);
	h.now += 20 * NS_PER_S;
	trunk_tick(h.trunk, h.now);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	h.now += 20 * NS_PER_S;
	trunk_tick(h.trunk, h.now);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_TIMEOUT);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* After a long sleep of the host the peer gets its chance all the same. */
static void
test_keepalive_after_a_long_time(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	h.now += 500 * NS_PER_S;
	trunk_tick(h.trunk, h.now);
	hand_quiet(&h);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	hand_fini(&h);
}

static void
test_limit_of_the_peer(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	for (int i = 0; i < HAND_STREAMS; i++)
		assert_non_null(trunk_open(h.trunk, &web, NULL));
	assert_null(trunk_open(h.trunk, &web, NULL));
	hand_seal(&h);
	hand_reset(&h, 1, CODE_DENIED);
	hand_event(&h, TRUNK_RESET);
	struct stream *s = trunk_open(h.trunk, &web, NULL);
	assert_int_equal(stream_id(s), 2 * HAND_STREAMS + 1);
	stream_reset(s, CODE_NONE, NULL);
	assert_non_null(trunk_open(h.trunk, &web, NULL));
	hand_fini(&h);
}

static void
test_close(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *a = hand_own_stream(&h), *b = hand_own_stream(&h);
	hand_write(a, 10, 'x');
	stream_reset(b, CODE_DENIED, NULL);
	trunk_close(h.trunk, CODE_SHUTTING_DOWN);
	trunk_close(h.trunk, CODE_INTERNAL_ERROR); /* the first counts */
	assert_true(trunk_has_event(h.trunk));
	assert_null(trunk_open(h.trunk, &web, NULL));
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), a);
	assert_int_equal(h.event.code, CODE_SHUTTING_DOWN);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.code, CODE_SHUTTING_DOWN);
	assert_int_equal(h.event.error, SC_OK);
	assert_false(trunk_has_event(h.trunk));
	assert_true(trunk_deadline(h.trunk) == UINT64_MAX);
	hand_seal(&h);
	hand_take(&h, FRAME_RESET, 3);
	assert_int_equal(get_u16(hand_take(&h, FRAME_CLOSE, 0)->payload), CODE_SHUTTING_DOWN);
	hand_open(&h, 2); /* nothing acts any more */
	trunk_tick(h.trunk, h.now + 1000 * NS_PER_S);
	hand_quiet(&h);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_lost(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = hand_own_stream(&h);
	hand_write(s, 10, 'x');
	trunk_lost(h.trunk);
	hand_event(&h, TRUNK_RESET);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	assert_int_equal(h.event.error, SC_ERR_TRUNCATED);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_lost_after_close_is_no_news(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	trunk_close(h.trunk, CODE_NONE);
	trunk_lost(h.trunk);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_OK);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_forged_record(void **state)
{
	struct hand h;
	size_t n, room;
	(void)state;
	hand_up(&h, true);
	hand_frame(&h, FRAME_PAD, 0, NULL, 0);
	const uint8_t *out = conn_out_buf(h.peer, &n);
	uint8_t *in = conn_in_buf(h.conn, &room);
	memcpy(in, out, n);
	in[n - 1] ^= 1;
	conn_out_ack(h.peer, n);
	conn_in_ack(h.conn, n, h.now);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_RECORD_TAG);
	hand_fini(&h);
}

static void
test_goaway_drains(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = hand_own_stream(&h);
	hand_own_stream(&h);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	trunk_goaway(h.trunk, CODE_NONE);
	hand_seal(&h);
	assert_int_equal(get_u16(hand_take(&h, FRAME_GOAWAY, 0)->payload), CODE_SHUTTING_DOWN);
	hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
	stream_reset(s, CODE_NONE, NULL);
	hand_quiet(&h);
	hand_reset(&h, 3, CODE_NONE);
	hand_event(&h, TRUNK_RESET);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.code, CODE_NONE);
	assert_int_equal(h.event.error, SC_OK);
	hand_seal(&h);
	hand_take(&h, FRAME_RESET, 1);
	assert_int_equal(get_u16(hand_take(&h, FRAME_CLOSE, 0)->payload), CODE_NONE);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* A stream that the peer was just opening is refused, so that it can be opened elsewhere. */
static void
test_goaway_while_an_open_is_under_way(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_quiet(&h);
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0);
	const uint8_t *ping = hand_take(&h, FRAME_PING, 0)->payload;
	hand_open(&h, 2);
	hand_quiet(&h);
	hand_seal(&h);
	assert_int_equal(get_u16(hand_take(&h, FRAME_RESET, 2)->payload), CODE_SHUTTING_DOWN);
	hand_frame(&h, FRAME_PONG, 0, ping, 8);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_OK);
	hand_seal(&h);
	hand_take(&h, FRAME_CLOSE, 0);
	hand_fini(&h);
}

/* An older PING's answer says nothing of what was sent since. */
static void
test_goaway_while_a_ping_is_out(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	h.now += 20 * NS_PER_S;
	trunk_tick(h.trunk, h.now);
	hand_seal(&h);
	const uint8_t *ping = hand_take(&h, FRAME_PING, 0)->payload;
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_frame(&h, FRAME_PONG, 0, ping, 8);
	hand_quiet(&h);
	hand_seal(&h);
	hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
	hand_event(&h, TRUNK_CLOSED);
	hand_fini(&h);
}

static void
test_goaway_to_a_peer_that_does_not_answer(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_seal(&h);
	assert_true(trunk_deadline(h.trunk) == h.now + 2 * NS_PER_S);
	h.now += 2 * NS_PER_S;
	trunk_tick(h.trunk, h.now);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_OK);
	hand_fini(&h);
}

/* The peer that has said GOAWAY too opens nothing any more. */
static void
test_goaway_of_both(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	hand_frame(&h, FRAME_GOAWAY, 0, "\0\0", 2);
	hand_event(&h, TRUNK_GOAWAY);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_event(&h, TRUNK_CLOSED);
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0); /* its code tells the peer when to dial again */
	hand_take(&h, FRAME_CLOSE, 0);
	hand_fini(&h);
}

static void
test_last_stream_id(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	h.trunk->next_id = 0xfffffffb;
	assert_int_equal(stream_id(hand_own_stream(&h)), 0xfffffffb);
	assert_int_equal(stream_id(hand_own_stream(&h)), 0xfffffffd);
	assert_int_equal(get_u16(hand_take(&h, FRAME_GOAWAY, 0)->payload), CODE_NONE);
	assert_null(trunk_open(h.trunk, &web, NULL));
	hand_fini(&h);
}

/* A peer that asks and never reads. */
static void
test_control_frames_have_a_bound(void **state)
{
	struct hand h;
	bool more = true;
	uint32_t id = 1;
	(void)state;
	hand_up(&h, false);
	struct stream *s = hand_peer_stream(&h, id);
	while (more && id < 1000000) {
		for (int i = 0; i < 1000; i++)
			hand_put(&h, FRAME_OPEN, id += 2, "\001a\200\000", 4);
		hand_record(&h, CHANNEL_PROTOCOL);
		size_t n, room;
		const uint8_t *out = conn_out_buf(h.peer, &n);
		uint8_t *in = conn_in_buf(h.conn, &room);
		assert_true(n <= room);
		memcpy(in, out, n);
		conn_out_ack(h.peer, n);
		conn_in_ack(h.conn, n, h.now);
		more = !trunk_next_event(h.trunk, h.now, &h.event);
		trunk_seal(h.trunk, h.now); /* the output is soon full */
		assert_true(h.trunk->queue.capacity <= 2 * CONTROL_QUEUE_MAX);
	}
	assert_int_equal(h.event.type, TRUNK_RESET);
	assert_ptr_equal(h.event.stream, s);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_CONTROL_FULL);
	hand_fini(&h);
}

static void
test_free_with_everything_left(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	hand_write(hand_own_stream(&h), 100, 'x');
	hand_peer_stream(&h, 2);
	hand_data(&h, 2, 100, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_reset(&h, 1, 0);
	hand_event(&h, TRUNK_RESET);
	hand_fini(&h);
	trunk_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip_time),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_keepalive_after_a_long_time),
		cmocka_unit_test(test_limit_of_the_peer),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_after_close_is_no_news),
		cmocka_unit_test(test_forged_record),
		cmocka_unit_test(test_goaway_drains),
		cmocka_unit_test(test_goaway_while_an_open_is_under_way),
		cmocka_unit_test(test_goaway_while_a_ping_is_out),
		cmocka_unit_test(test_goaway_to_a_peer_that_does_not_answer),
		cmocka_unit_test(test_goaway_of_both),
		cmocka_unit_test(test_last_stream_id),
		cmocka_unit_test(test_control_frames_have_a_bound),
		cmocka_unit_test(test_free_with_everything_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
