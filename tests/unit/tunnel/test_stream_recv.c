/* Tests tunnel/stream_recv.c: bytes in place, kept and held; and when which WINDOW goes. */
#include "hand.h"

static void
assert_window(struct hand *h, uint32_t id, uint64_t consumed, uint32_t window)
{
	hand_seal(h);
	const struct hand_frame *f = hand_take(h, FRAME_WINDOW, id);
	assert_int_equal(get_u64(f->payload), consumed);
	assert_int_equal(get_u32(f->payload + 8), window);
	hand_no_frame(h);
}

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
test_bytes_in_place_cost_no_memory(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	assert_null(stream_recv_buf(s, &n));
	hand_data(&h, 1, 1000, 'x');
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), s);
	assert_int_equal(hand_read(s, 1000, 'x'), 1000);
	assert_null(stream_recv_buf(s, &n));
	hand_data(&h, 1, 500, 'y');
	hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(s, 500, 'y'), 500);
	assert_null(stream_recv_buf(s, &n));
	hand_quiet(&h);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_fini(&h);
}

static void
test_what_is_not_taken_is_kept(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 1000, 'x');
	hand_data(&h, 1, 500, 'y');
	hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(s, 400, 'x'), 400);
	hand_quiet(&h); /* there are bytes: no second TRUNK_DATA */
	assert_int_equal(hand_read(s, 600, 'x'), 600);
	assert_int_equal(hand_read(s, 1000, 'y'), 500);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_data(&h, 1, 1, 'z');
	hand_event(&h, TRUNK_DATA);
	hand_fini(&h);
}

static void
test_held_bytes_stay(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	assert_null(stream_recv_hold(s, &n));
	hand_data(&h, 1, 1000, 'x');
	hand_event(&h, TRUNK_DATA);
	stream_recv_ack(s, 100);
	const uint8_t *p = stream_recv_hold(s, &n);
	assert_int_equal(n, 900);
	hand_data(&h, 1, 5000, 'y');
	hand_quiet(&h);
	for (size_t i = 0; i < 900; i++)
		assert_int_equal(p[i], 'x');
	stream_recv_ack(s, 899);
	assert_int_equal(p[899], 'x');
	stream_recv_ack(s, 1);
	assert_int_equal(hand_read(s, 10000, 'y'), 5000);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_fini(&h);
}

static void
test_window_at_half(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 6000, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_read(s, HAND_WINDOW / 2 - 1, 'x');
	hand_no_frame(&h);
	hand_read(s, 1, 'x');
	assert_window(&h, 1, HAND_WINDOW / 2, HAND_WINDOW);
	assert_true(trunk_deadline(h.trunk) > h.now + 10 * NS_PER_S); /* none is due any more */
	hand_fini(&h);
}

static void
test_window_after_a_while(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_read(s, 1, 'x');
	hand_no_frame(&h);
	uint64_t due = trunk_deadline(h.trunk);
	assert_true(due > h.now && due < h.now + NS_PER_S);
	h.now = due - 1;
	hand_read(s, 50, 'x');
	trunk_tick(h.trunk, h.now);
	hand_no_frame(&h);
	assert_true(trunk_deadline(h.trunk) == due);
	h.now = due;
	trunk_tick(h.trunk, h.now);
	assert_window(&h, 1, 51, HAND_WINDOW);
	trunk_tick(h.trunk, h.now + NS_PER_S);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* The peer keeps what it has sent until a WINDOW counts it: with many streams few of them wait. */
static void
test_few_windows_wait(void **state)
{
	struct hand h;
	(void)state;
	setup(&h);
	h.trunk->config.max_streams = 3 * WINDOWS_LATE;
	for (uint32_t i = 0; i < 3 * WINDOWS_LATE; i++) {
		uint32_t id = 2 * i + 1;
		if (i > 0) {
			stream_accept(hand_peer_stream(&h, id));
			hand_seal(&h);
			hand_take(&h, FRAME_OPENED, id);
		}
		hand_data(&h, id, 1, 'x');
		assert_int_equal(hand_read(hand_event(&h, TRUNK_DATA), 1, 'x'), 1);
		if (i >= WINDOWS_LATE)
			assert_window(&h, id - 2 * WINDOWS_LATE, 1, HAND_WINDOW);
		else
			hand_no_frame(&h);
	}
	h.now = trunk_deadline(h.trunk);
	trunk_tick(h.trunk, h.now);
	hand_seal(&h);
	for (uint32_t i = 2 * WINDOWS_LATE; i < 3 * WINDOWS_LATE; i++)
		hand_take(&h, FRAME_WINDOW, 2 * i + 1);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
test_window_at_once_when_it_is_used_up(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, HAND_WINDOW - 1, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_read(s, 1, 'x');
	hand_no_frame(&h); /* one byte may still come */
	hand_data(&h, 1, 1, 'x');
	hand_quiet(&h);
	assert_window(&h, 1, 1, HAND_WINDOW);
	hand_data(&h, 1, 1, 'x');
	hand_quiet(&h);
	hand_read(s, 1, 'x');
	assert_window(&h, 1, 2, HAND_WINDOW);
	hand_fini(&h);
}

static void
test_the_announced_window_is_the_limit(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, HAND_WINDOW, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_read(s, 4096, 'x'); /* not announced yet */
	hand_data(&h, 1, 1, 'x');
	hand_expect_error(&h, SC_ERR_CREDIT);
	hand_fini(&h);
}

static void
test_fin_is_counted(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_fin(&h, 1, 100);
	assert_ptr_equal(hand_event(&h, TRUNK_FIN), s);
	stream_recv_buf(s, &n);
	assert_int_equal(n, 100);
	hand_read(s, 100, 'x');
	hand_no_frame(&h);
	stream_recv_fin_ack(s);
	stream_recv_fin_ack(s);
	assert_window(&h, 1, 101, 0);
	trunk_tick(h.trunk, h.now + 5 * NS_PER_S);
	hand_no_frame(&h);
	assert_int_equal(trunk_streams(h.trunk), 1);
	hand_fini(&h);
}

/* Half of the last window is what counts, whatever the next one will be. */
static void
test_half_of_a_window_that_shrinks(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	s->recv.window = HAND_WINDOW / 4;
	hand_data(&h, 1, HAND_WINDOW / 2, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_read(s, HAND_WINDOW / 2 - 1, 'x');
	hand_seal(&h);
	hand_no_frame(&h);
	hand_read(s, 1, 'x');
	assert_window(&h, 1, HAND_WINDOW / 2, HAND_WINDOW / 2); /* what was granted stays */
	hand_fini(&h);
}

/* Every byte of the window, from memory that is not much more. */
static void
test_memory_of_a_slow_reader(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 1, 'x');
	hand_event(&h, TRUNK_DATA);
	for (int i = 1; i < HAND_WINDOW; i++) {
		hand_data(&h, 1, 1, 'x');
		hand_quiet(&h);
	}
	assert_true(chunk_pool_used(h.pool) <= HAND_WINDOW + 65536);
	assert_int_equal(hand_read(s, 10000, 'x'), HAND_WINDOW);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_in_place_cost_no_memory),
		cmocka_unit_test(test_what_is_not_taken_is_kept),
		cmocka_unit_test(test_held_bytes_stay),
		cmocka_unit_test(test_window_at_half),
		cmocka_unit_test(test_window_after_a_while),
		cmocka_unit_test(test_few_windows_wait),
		cmocka_unit_test(test_window_at_once_when_it_is_used_up),
		cmocka_unit_test(test_the_announced_window_is_the_limit),
		cmocka_unit_test(test_fin_is_counted),
		cmocka_unit_test(test_memory_of_a_slow_reader),
		cmocka_unit_test(test_half_of_a_window_that_shrinks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
