/* Tests tunnel/trunk_in.c: every way in which a peer can break the rules ends the link, and
   nothing after it acts. */
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
	hand_peer_stream(h, 3);
	hand_frame(h, FRAME_OPENED, 3, NULL, 0);
}

static void
opened_by_the_opener_too(struct hand *h)
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
	hand_frame(h, FRAME_KEYROLL, 0, "\4\0", 2); /* an answer to nothing */
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
		CASE(opened_by_the_opener_too, SC_ERR_FRAME_PLACE),
		CASE(opened_bad_option, SC_ERR_FRAME),
		CASE(data_before_opened, SC_ERR_FRAME_PLACE),
		CASE(fin_before_opened, SC_ERR_FRAME_PLACE),
		CASE(pong_without_ping, SC_ERR_FRAME_PLACE),
		CASE(key_update_not_last, SC_ERR_FRAME_PLACE),
		CASE(key_update_of_no_channel, SC_ERR_FRAME),
		CASE(line_out_of_place, SC_ERR_FRAME),
		CASE(keyroll, SC_ERR_FRAME),
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocol_errors),
		cmocka_unit_test(test_only_what_comes_before_the_bad_frame_acts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
