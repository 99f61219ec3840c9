/* Tests tunnel/trunk_in.c: what each frame of the peer does (test_rules.c: what it must not do). */
#include "hand.h"

/* The trunk is R's: stream 1 is the peer's, 2 this side's and accepted; the peer has heard of
   both. */
static void
setup_streams(struct hand *h)
{
	hand_up(h, false);
	stream_accept(hand_peer_stream(h, 1));
	hand_seal(h);
	hand_take(h, FRAME_OPENED, 1);
	hand_own_stream(h);
	hand_frame(h, FRAME_OPENED, 2, NULL, 0);
	hand_event(h, TRUNK_OPENED);
}

static void
test_open_tells_the_request(void **state)
{
	static const uint8_t payload[] = "\003web\001\006\177\0\0\1\0\120\177\001x\002\022"
					 "0123456789abcdef\001\273";
	struct hand h;
	(void)state;
	hand_up(&h, false);
	hand_frame(&h, FRAME_OPEN, 5, payload, sizeof(payload) - 1);
	struct stream *s = hand_event(&h, TRUNK_OPEN);
	const struct stream_request *r = h.event.request;
	assert_int_equal(stream_id(s), 5);
	assert_int_equal(r->service_size, 3);
	assert_memory_equal(r->service, "web", 3);
	assert_int_equal(r->source.size, 4);
	assert_int_equal(r->source.port, 80);
	assert_int_equal(r->destination.size, 16);
	assert_int_equal(r->destination.port, 443);
	hand_fini(&h);
}

static void
assert_refused(struct hand *h, uint32_t id, uint16_t code)
{
	hand_quiet(h);
	hand_seal(h);
	assert_int_equal(get_u16(hand_take(h, FRAME_RESET, id)->payload), code);
	hand_no_frame(h);
}

static void
test_open_is_refused(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, false);
	hand_frame(&h, FRAME_OPEN, 1, "\001a\200\000", 4);
	assert_refused(&h, 1, CODE_OPTION_NOT_SUPPORTED);
	/* The id counts as opened all the same: what was under way for it is ignored. */
	hand_data(&h, 1, 10, 'x');
	hand_fin(&h, 1, 10);
	hand_quiet(&h);
	for (uint32_t id = 3; id < 3 + 2 * HAND_STREAMS; id += 2)
		hand_peer_stream(&h, id);
	hand_open(&h, 99);
	assert_refused(&h, 99, CODE_TOO_MANY_STREAMS);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_take(&h, FRAME_PING, 0);
	hand_open(&h, 101);
	assert_refused(&h, 101, CODE_SHUTTING_DOWN);
	hand_fini(&h);
}

static void
test_attempts_count_as_streams(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, false);
	stream_accept(hand_peer_stream(&h, 1));
	hand_peer_stream(&h, 3);
	hand_peer_stream(&h, 5);
	hand_peer_stream(&h, 7);
	hand_seal(&h);
	hand_take(&h, FRAME_OPENED, 1);
	/* An accepted stream's attempt is over; that of one that was reset before is not. */
	hand_reset(&h, 1, 9);
	hand_reset(&h, 3, 9);
	hand_event(&h, TRUNK_RESET);
	hand_event(&h, TRUNK_RESET);
	hand_peer_stream(&h, 9);
	hand_open(&h, 11);
	assert_refused(&h, 11, CODE_TOO_MANY_STREAMS);
	trunk_attempt_ended(h.trunk);
	/* The owner of this one knows that its attempt is over. */
	stream_reset(hand_peer_stream(&h, 13), CODE_REFUSED, NULL);
	assert_refused(&h, 13, CODE_REFUSED);
	hand_peer_stream(&h, 15);
	hand_fini(&h);
}

static void
test_opened_with_an_option_that_must_be_known(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = hand_own_stream(&h);
	hand_frame(&h, FRAME_OPENED, 1, "\377\000", 2);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(h.event.code, CODE_OPTION_NOT_SUPPORTED);
	assert_refused(&h, 1, CODE_OPTION_NOT_SUPPORTED);
	hand_fini(&h);
}

static void
test_reset_tells_code_and_text(void **state)
{
	struct hand h;
	(void)state;
	setup_streams(&h);
	hand_reset(&h, 2, CODE_REFUSED);
	assert_int_equal(stream_id(hand_event(&h, TRUNK_RESET)), 2);
	assert_int_equal(h.event.code, CODE_REFUSED);
	assert_int_equal(h.event.text.size, 4);
	assert_memory_equal(h.event.text.data, "text", 4);
	assert_int_equal(trunk_streams(h.trunk), 1);
	hand_no_frame(&h);
	/* What was under way for it is ignored. */
	hand_frame(&h, FRAME_OPENED, 2, NULL, 0);
	hand_window(&h, 2, 1000000, 0);
	hand_data(&h, 2, 10, 'x');
	hand_reset(&h, 2, CODE_REFUSED);
	hand_quiet(&h);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_ping_is_answered_and_replaced(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	hand_frame(&h, FRAME_PING, 0, "12345678", 8);
	hand_quiet(&h);
	hand_frame(&h, FRAME_PING, 0, "abcdefgh", 8);
	hand_quiet(&h);
	hand_seal(&h);
	assert_memory_equal(hand_take(&h, FRAME_PONG, 0)->payload, "abcdefgh", 8);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_pong_with_other_bytes(void **state)
{
	struct hand h;
	(void)state;
	hand_start(&h, true);
	hand_event(&h, TRUNK_UP);
	hand_seal(&h);
	hand_frame(&h, FRAME_PONG, 0, "abcdefgh", 8);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
}

static void
test_pad_and_unknown_frames_do_nothing(void **state)
{
	uint8_t payload[1000] = {0};
	struct hand h;
	(void)state;
	setup_streams(&h);
	hand_frame(&h, FRAME_PAD, 0, payload, 1000);
	hand_put(&h, FRAME_PAD, 0, payload, 0);
	hand_put(&h, FRAME_PAD, 0, payload, 1);
	hand_record(&h, CHANNEL_DATA);
	hand_frame(&h, 200, 77, payload, 10);
	hand_quiet(&h);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_goaway(void **state)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	struct hand h;
	(void)state;
	setup_streams(&h);
	struct stream *unsealed = trunk_open(h.trunk, &request, NULL);
	hand_frame(&h, FRAME_GOAWAY, 0, "\0\012", 2);
	hand_event(&h, TRUNK_GOAWAY);
	assert_int_equal(h.event.code, CODE_SHUTTING_DOWN);
	assert_null(trunk_open(h.trunk, &request, NULL));
	/* The peer has never heard of it: it can go elsewhere. */
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), unsealed);
	assert_int_equal(h.event.code, CODE_SHUTTING_DOWN);
	hand_no_frame(&h);
	hand_open(&h, 3);
	assert_refused(&h, 3, CODE_SHUTTING_DOWN);
	assert_int_equal(trunk_streams(h.trunk), 2);
	hand_fini(&h);
}

static void
test_close_is_answered(void **state)
{
	struct hand h;
	(void)state;
	setup_streams(&h);
	hand_put(&h, FRAME_CLOSE, 0, "\0\3", 2);
	hand_put(&h, FRAME_OPEN, 3, "\001a", 2);
	hand_record(&h, CHANNEL_PROTOCOL);
	hand_event(&h, TRUNK_RESET);
	assert_int_equal(h.event.code, CODE_DENIED);
	hand_event(&h, TRUNK_RESET);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.code, CODE_DENIED);
	assert_int_equal(h.event.error, SC_ERR_CLOSED);
	hand_quiet(&h);
	assert_true(trunk_wants_seal(h.trunk));
	hand_seal(&h);
	assert_int_equal(get_u16(hand_take(&h, FRAME_CLOSE, 0)->payload), CODE_NONE);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_ratchets_of_the_peer(void **state)
{
	struct hand h;
	(void)state;
	setup_streams(&h);
	h.now += 16 * 60 * NS_PER_S; /* the peer's connection steps both channels */
	hand_data(&h, 1, 5, 'x');
	struct stream *s = hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(s, 5, 'x'), 5);
	assert_int_equal(conn_epoch(h.conn, false, CHANNEL_DATA), 2);
	hand_quiet(&h);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_tells_the_request),
		cmocka_unit_test(test_open_is_refused),
		cmocka_unit_test(test_attempts_count_as_streams),
		cmocka_unit_test(test_opened_with_an_option_that_must_be_known),
		cmocka_unit_test(test_reset_tells_code_and_text),
		cmocka_unit_test(test_ping_is_answered_and_replaced),
		cmocka_unit_test(test_pong_with_other_bytes),
		cmocka_unit_test(test_pad_and_unknown_frames_do_nothing),
		cmocka_unit_test(test_goaway),
		cmocka_unit_test(test_close_is_answered),
		cmocka_unit_test(test_ratchets_of_the_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
