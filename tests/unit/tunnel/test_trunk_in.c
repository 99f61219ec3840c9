/* Tests tunnel/trunk_in.c: what each frame of the peer does, and every way to break the rules. */
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
data_past_window(struct hand *h)
{
	hand_data(h, 1, HAND_WINDOW, 'x');
	hand_event(h, TRUNK_DATA);
	hand_data(h, 1, 1, 'x');
}

static void
data_after_fin(struct hand *h)
{
	hand_fin(h, 1, 0);
	hand_event(h, TRUNK_FIN);
	hand_data(h, 1, 1, 'x');
}

static void
fin_with_wrong_count(struct hand *h)
{
	hand_data(h, 1, 5, 'x');
	hand_event(h, TRUNK_DATA);
	hand_fin(h, 1, 6);
}

static void
fin_twice(struct hand *h)
{
	hand_fin(h, 1, 0);
	hand_event(h, TRUNK_FIN);
	hand_fin(h, 1, 0);
}

static void
consumed_beyond_sent(struct hand *h)
{
	hand_window(h, 2, 1, HAND_WINDOW);
}

static void
window_goes_down(struct hand *h)
{
	hand_window(h, 2, 0, HAND_WINDOW - 1);
}

static void
wrong_parity(struct hand *h)
{
	hand_open(h, 4);
}

static void
open_not_above(struct hand *h)
{
	hand_open(h, 1);
}

static void
open_id_too_high(struct hand *h)
{
	hand_open(h, 0xffffffff);
}

static void
open_cut(struct hand *h)
{
	hand_frame(h, FRAME_OPEN, 3, "\004web", 4);
}

static void
open_bad_option(struct hand *h)
{
	hand_frame(h, FRAME_OPEN, 3, "\003web\001\001x", 7);
}

static void
unknown_type(struct hand *h)
{
	hand_frame(h, 127, 0, NULL, 0);
}

static void
hello(struct hand *h)
{
	hand_frame(h, FRAME_HELLO, 0, "0123456789012345678901234567890123456789012345678", 49);
}

static void
second_byte(struct hand *h)
{
	hand_put(h, FRAME_PAD, 0, NULL, 0);
	h->out[1] = 1;
	hand_record(h, CHANNEL_PROTOCOL);
}

static void
wrong_channel(struct hand *h)
{
	hand_put(h, FRAME_DATA, 1, "x", 1);
	hand_record(h, CHANNEL_PROTOCOL);
}

static void
control_on_data_channel(struct hand *h)
{
	hand_put(h, FRAME_PING, 0, "12345678", 8);
	hand_record(h, CHANNEL_DATA);
}

static void
cut_frame(struct hand *h)
{
	hand_put(h, FRAME_PING, 0, "12345678", 8);
	h->out_size--;
	hand_record(h, CHANNEL_PROTOCOL);
}

static void
data_for_unopened_peer_stream(struct hand *h)
{
	hand_data(h, 3, 1, 'x');
}

static void
reset_for_unopened_own_stream(struct hand *h)
{
	hand_reset(h, 4, 0);
}

/* The stream exists here, but its OPEN has not been sealed: the peer cannot know it. */
static void
opened_for_unsealed_stream(struct hand *h)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	assert_int_equal(stream_id(trunk_open(h->trunk, &request, NULL)), 4);
	hand_frame(h, FRAME_OPENED, 4, NULL, 0);
}

static void
opened_twice(struct hand *h)
{
	hand_frame(h, FRAME_OPENED, 2, NULL, 0);
}

static void
opened_by_the_opener(struct hand *h)
{
	hand_frame(h, FRAME_OPENED, 1, NULL, 0);
}

static void
opened_bad_option(struct hand *h)
{
	hand_own_stream(h);
	hand_frame(h, FRAME_OPENED, 4, "\001", 1);
}

static void
data_before_opened(struct hand *h)
{
	hand_own_stream(h);
	hand_data(h, 4, 1, 'x');
}

static void
fin_before_opened(struct hand *h)
{
	hand_own_stream(h);
	hand_fin(h, 4, 0);
}

static void
pong_without_ping(struct hand *h)
{
	hand_frame(h, FRAME_PONG, 0, "12345678", 8);
}

static void
key_update_not_last(struct hand *h)
{
	hand_put(h, FRAME_KEY_UPDATE, 0, "\1\0", 2);
	hand_put(h, FRAME_PAD, 0, NULL, 0);
	hand_record(h, CHANNEL_PROTOCOL);
}

static void
key_update_of_no_channel(struct hand *h)
{
	hand_frame(h, FRAME_KEY_UPDATE, 0, "\3\0", 2);
}

static void
line_out_of_place(struct hand *h)
{
	hand_frame(h, FRAME_LINE, 0, "SYM-KEY-1: 00", 13);
}

static void
keyroll(struct hand *h)
{
	hand_frame(h, FRAME_KEYROLL, 0, "\1", 1);
}

static void
test_protocol_errors(void **state)
{
	static const struct {
		const char *name;
		void (*run)(struct hand *h);
		enum sc_error error;
	} cases[] = {
#define CASE(name, error) {#name, name, error}
		CASE(data_past_window, SC_ERR_CREDIT),
		CASE(data_after_fin, SC_ERR_FRAME_PLACE),
		CASE(fin_with_wrong_count, SC_ERR_FRAME),
		CASE(fin_twice, SC_ERR_FRAME_PLACE),
		CASE(consumed_beyond_sent, SC_ERR_FRAME),
		CASE(window_goes_down, SC_ERR_FRAME),
		CASE(wrong_parity, SC_ERR_FRAME_PLACE),
		CASE(open_not_above, SC_ERR_FRAME_PLACE),
		CASE(open_id_too_high, SC_ERR_FRAME_PLACE),
		CASE(open_cut, SC_ERR_FRAME),
		CASE(open_bad_option, SC_ERR_FRAME),
		CASE(unknown_type, SC_ERR_FRAME),
		CASE(hello, SC_ERR_FRAME_PLACE),
		CASE(second_byte, SC_ERR_FRAME),
		CASE(wrong_channel, SC_ERR_FRAME_PLACE),
		CASE(control_on_data_channel, SC_ERR_FRAME_PLACE),
		CASE(cut_frame, SC_ERR_FRAME),
		CASE(data_for_unopened_peer_stream, SC_ERR_FRAME_PLACE),
		CASE(reset_for_unopened_own_stream, SC_ERR_FRAME_PLACE),
		CASE(opened_for_unsealed_stream, SC_ERR_FRAME_PLACE),
		CASE(opened_twice, SC_ERR_FRAME_PLACE),
		CASE(opened_by_the_opener, SC_ERR_FRAME_PLACE),
		CASE(opened_bad_option, SC_ERR_FRAME),
		CASE(data_before_opened, SC_ERR_FRAME_PLACE),
		CASE(fin_before_opened, SC_ERR_FRAME_PLACE),
		CASE(pong_without_ping, SC_ERR_FRAME_PLACE),
		CASE(key_update_not_last, SC_ERR_FRAME_PLACE),
		CASE(key_update_of_no_channel, SC_ERR_FRAME),
		CASE(line_out_of_place, SC_ERR_FRAME),
		CASE(keyroll, SC_ERR_FRAME_PLACE),
#undef CASE
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		print_message("         %s\n", cases[i].name);
		setup_streams(&h);
		cases[i].run(&h);
		hand_expect_error(&h, cases[i].error);
		hand_fini(&h);
	}
}

static void
test_only_what_comes_before_the_bad_frame_acts(void **state)
{
	struct hand h;
	(void)state;
	setup_streams(&h);
	hand_put(&h, FRAME_OPEN, 3, "\001a", 2);
	hand_put(&h, 100, 0, NULL, 0);
	hand_put(&h, FRAME_OPEN, 5, "\001b", 2);
	hand_record(&h, CHANNEL_PROTOCOL);
	hand_open(&h, 7);
	assert_int_equal(stream_id(hand_event(&h, TRUNK_OPEN)), 3);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
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
	stream_reset(hand_peer_stream(&h, 13), CODE_REFUSED, NULL); /* its owner knows that it is over */
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
		cmocka_unit_test(test_protocol_errors),
		cmocka_unit_test(test_only_what_comes_before_the_bad_frame_acts),
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
