/* Tests tunnel/stream.c: how a stream begins, and every way in which it ends. */
#include "hand.h"

/* Stream 1 of the peer, accepted. */
static struct stream *
setup(struct hand *h)
{
	hand_up(h, false);
	struct stream *s = hand_peer_stream(h, 1);
	stream_accept(s);
	hand_seal(h);
	hand_take(h, FRAME_OPENED, 1);
	return s;
}

static void
test_handle(void **state)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	int mine, other;
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *s = trunk_open(h.trunk, &request, &mine);
	assert_int_equal(stream_id(s), 1);
	assert_ptr_equal(stream_user(s), &mine);
	stream_set_user(s, &other);
	assert_ptr_equal(stream_user(s), &other);
	assert_ptr_equal(stream_trunk(s), h.trunk);
	assert_int_equal(trunk_streams(h.trunk), 1);
	hand_fini(&h);
}

/* The four things that must have happened, in each order that is possible. */
static void
test_end_needs_both_directions(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct hand h;
		struct stream *s = setup(&h);
		hand_fin(&h, 1, 0);
		hand_event(&h, TRUNK_FIN);
		stream_send_fin(s);
		if (first == 0) {
			hand_seal(&h);
			hand_take(&h, FRAME_FIN, 1);
			hand_window(&h, 1, 1, 0);
			hand_quiet(&h);
			stream_recv_fin_ack(s);
			hand_quiet(&h); /* the WINDOW is not sealed yet */
			assert_false(trunk_has_event(h.trunk));
			hand_seal(&h);
			hand_take(&h, FRAME_WINDOW, 1);
			assert_true(trunk_has_event(h.trunk));
			assert_true(trunk_deadline(h.trunk) == 0);
		} else {
			stream_recv_fin_ack(s);
			hand_seal(&h);
			hand_take(&h, FRAME_WINDOW, 1);
			hand_take(&h, FRAME_FIN, 1);
			hand_quiet(&h);
			hand_window(&h, 1, 1, 0);
		}
		assert_ptr_equal(hand_event(&h, TRUNK_END), s);
		assert_int_equal(trunk_streams(h.trunk), 0);
		hand_quiet(&h);
		hand_no_frame(&h);
		hand_fini(&h);
	}
}

static void
test_window_of_fin_before_fin_is_sealed(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	stream_send_fin(s);
	hand_window(&h, 1, 1, 0); /* the peer cannot have counted it */
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

static void
test_reset_by_the_owner(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_write(s, 100, 'x');
	stream_reset(s, CODE_REFUSED, "no way");
	assert_int_equal(trunk_streams(h.trunk), 0);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_seal(&h);
	const struct hand_frame *f = hand_take(&h, FRAME_RESET, 1);
	assert_int_equal(get_u16(f->payload), CODE_REFUSED);
	assert_int_equal(f->size, 8);
	assert_memory_equal(f->payload + 2, "no way", 6);
	hand_no_frame(&h);
	hand_data(&h, 1, 10, 'x');
	hand_quiet(&h);
	hand_fini(&h);
}

static void
test_reset_of_a_stream_that_the_peer_does_not_know(void **state)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	struct hand h;
	(void)state;
	hand_up(&h, true);
	struct stream *a = trunk_open(h.trunk, &request, NULL);
	struct stream *b = trunk_open(h.trunk, &request, NULL);
	hand_write(a, 10, 'x');
	stream_reset(a, CODE_RESET_BY_APPLICATION, NULL);
	hand_seal(&h);
	hand_take(&h, FRAME_OPEN, stream_id(b));
	hand_no_frame(&h);
	/* It goes without saying for the peer too: its id was left out. */
	hand_frame(&h, FRAME_OPENED, 1, NULL, 0);
	hand_quiet(&h);
	hand_fini(&h);
}

static void
test_reset_while_bytes_are_in_place(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_event(&h, TRUNK_DATA);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_quiet(&h);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_fini(&h);
}

static void
test_handle_lives_until_the_next_event(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_event(&h, TRUNK_DATA);
	const uint8_t *p = stream_recv_hold(s, &n);
	hand_reset(&h, 1, 9);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(stream_id(s), 1);
	assert_int_equal(p[99], 'x');
	/* What an owner may still do with it does nothing. */
	stream_recv_ack(s, n);
	assert_null(stream_send_buf(s, &n));
	stream_send_fin(s);
	stream_accept(s);
	hand_no_frame(&h);
	hand_quiet(&h);
	hand_fini(&h);
}

static void
test_reset_after_the_last_event(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_reset(&h, 1, 9);
	hand_event(&h, TRUNK_RESET);
	stream_reset(s, CODE_NONE, NULL);
	hand_quiet(&h);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* Ended at both sides, but the owner has not been told: no RESET, no event. */
static void
test_reset_before_the_last_event(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_fin(&h, 1, 0);
	hand_event(&h, TRUNK_FIN);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 1);
	hand_window(&h, 1, 1, 0);
	hand_quiet(&h);
	stream_recv_fin_ack(s);
	hand_seal(&h);
	hand_take(&h, FRAME_WINDOW, 1);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_quiet(&h);
	hand_no_frame(&h);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handle),
		cmocka_unit_test(test_end_needs_both_directions),
		cmocka_unit_test(test_window_of_fin_before_fin_is_sealed),
		cmocka_unit_test(test_reset_by_the_owner),
		cmocka_unit_test(test_reset_of_a_stream_that_the_peer_does_not_know),
		cmocka_unit_test(test_reset_while_bytes_are_in_place),
		cmocka_unit_test(test_handle_lives_until_the_next_event),
		cmocka_unit_test(test_reset_after_the_last_event),
		cmocka_unit_test(test_reset_before_the_last_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
