/* Tests tunnel/stream_send.c: bytes kept until WINDOW counts them, room by credit, and the memory
   of it. */
#include "hand.h"

/* A stream of the trunk's that the peer has accepted. */
static struct stream *
setup(struct hand *h)
{
	hand_up(h, true);
	struct stream *s = hand_own_stream(h);
	hand_frame(h, FRAME_OPENED, 1, NULL, 0);
	hand_event(h, TRUNK_OPENED);
	return s;
}

static void
test_room_is_credit(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	assert_int_equal(hand_write(s, 100000, 'x'), HAND_WINDOW);
	assert_null(stream_send_buf(s, &n));
	assert_int_equal(n, 0);
	hand_seal(&h);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, HAND_WINDOW);
	hand_no_frame(&h);
	/* All is kept: nothing has been counted. */
	assert_true(chunk_pool_used(h.pool) >= HAND_WINDOW);
	hand_window(&h, 1, 100, HAND_WINDOW);
	assert_ptr_equal(hand_event(&h, TRUNK_WRITABLE), s);
	assert_int_equal(hand_write(s, 100000, 'y'), 100);
	hand_seal(&h);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, 100);
	hand_window(&h, 1, HAND_WINDOW + 100, HAND_WINDOW);
	hand_event(&h, TRUNK_WRITABLE);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_fini(&h);
}

static void
test_writable_comes_only_where_there_was_no_room(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	assert_int_equal(hand_write(s, HAND_WINDOW, 'x'), HAND_WINDOW);
	hand_seal(&h);
	hand_window(&h, 1, 10, HAND_WINDOW);
	hand_quiet(&h); /* nobody has asked */
	assert_int_equal(hand_write(s, 11, 'x'), 10);
	hand_window(&h, 1, 11, HAND_WINDOW - 1);
	hand_quiet(&h); /* no more room than before */
	hand_window(&h, 1, 11, HAND_WINDOW);
	hand_event(&h, TRUNK_WRITABLE);
	hand_fini(&h);
}

/* A refused stream: its owner takes all bytes back. */
static void
test_the_bytes_of_a_refused_stream(void **state)
{
	struct hand h;
	const uint8_t *part;
	uint8_t code[2] = {0, CODE_REFUSED};
	size_t n, all = 0;
	(void)state;

	hand_up(&h, true);
	struct stream *s = hand_own_stream(&h);
	assert_null(stream_send_kept(s, 0, &n));
	assert_int_equal(hand_write(s, HAND_WINDOW - 10, 'x'), HAND_WINDOW - 10);
	hand_seal(&h);
	assert_int_equal(hand_write(s, 100, 'y'), 10);
	hand_frame(&h, FRAME_RESET, 1, code, sizeof(code));
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_true(stream_send_whole(s));
	while ((part = stream_send_kept(s, all, &n))) {
		for (size_t i = 0; i < n; i++)
			assert_int_equal(part[i], all + i < HAND_WINDOW - 10 ? 'x' : 'y');
		all += n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(all, HAND_WINDOW);
	hand_fini(&h);

	/* Not so where some were counted. */
	s = setup(&h);
	assert_int_equal(hand_write(s, 10, 'x'), 10);
	hand_seal(&h);
	hand_window(&h, 1, 5, HAND_WINDOW);
	hand_quiet(&h);
	assert_false(stream_send_whole(s));
	hand_fini(&h);
}

static void
test_one_byte_needs_little_memory(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(hand_write(s, 1, 'x'), 1);
	assert_int_equal(chunk_pool_used(h.pool), 4096);
	hand_seal(&h);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, 100);
	hand_window(&h, 1, 100, HAND_WINDOW);
	hand_quiet(&h);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	/* A span that is given back leaves nothing behind. */
	stream_send_buf(s, &n);
	assert_int_equal(n, CHUNK_SMALL);
	stream_send_ack(s, 0);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_fini(&h);
}

static void
test_a_span_stays_while_it_is_lent(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	hand_write(s, 10, 'x');
	hand_seal(&h);
	uint8_t *p = stream_send_buf(s, &n);
	hand_window(&h, 1, 10, HAND_WINDOW);
	hand_quiet(&h);
	memset(p, 'y', n);
	stream_send_ack(s, 7);
	hand_seal(&h);
	hand_take(&h, FRAME_DATA, 1);
	assert_memory_equal(hand_take(&h, FRAME_DATA, 1)->payload, "yyyyyyy", 7);
	hand_fini(&h);
}

static void
test_bulk_gets_big_chunks(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	hand_window(&h, 1, 0, 1000000);
	hand_quiet(&h);
	stream_send_buf(s, &n);
	assert_int_equal(n, CHUNK_SMALL);
	stream_send_ack(s, n);
	stream_send_buf(s, &n);
	assert_int_equal(n, CHUNK_BIG);
	stream_send_ack(s, 100);
	/* Less than asked for: no bulk any more, but what there is of the chunk is used. */
	stream_send_buf(s, &n);
	assert_int_equal(n, CHUNK_BIG - 100);
	stream_send_ack(s, n);
	stream_send_buf(s, &n);
	assert_int_equal(n, CHUNK_BIG);
	stream_send_ack(s, n);
	stream_send_buf(s, &n);
	assert_int_equal(n, CHUNK_HUGE);
	stream_send_ack(s, 0);
	hand_fini(&h);
}

/* A stream holds its share of the budget and no more; when the peer has counted bytes it goes
   on. */
static void
test_budget(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h), *other = hand_own_stream(&h);
	chunk_pool_set_budget(h.pool, 1 << 19);
	hand_window(&h, 1, 0, 10000000);
	hand_quiet(&h);
	size_t wrote = hand_write(s, 10000000, 'x');
	assert_in_range(wrote, 90000, 1 << 17);
	assert_in_range(chunk_pool_used(h.pool), wrote, wrote + CHUNK_BIG);
	hand_seal(&h);
	hand_window(&h, 1, 1000, 10000000);
	hand_event(&h, TRUNK_WRITABLE);
	assert_null(stream_send_buf(s, &n)); /* nothing is free so far */
	hand_window(&h, 1, wrote, 10000000);
	hand_event(&h, TRUNK_WRITABLE);
	assert_non_null(stream_send_buf(s, &n));
	stream_send_ack(s, 0);
	/* With nothing left each may still have a little: none waits for another. */
	chunk_pool_set_budget(h.pool, 0);
	assert_int_equal(hand_write(other, 10000, 'x'), CHUNK_SMALL);
	assert_int_equal(hand_write(s, 10000, 'x'), CHUNK_SMALL);
	hand_fini(&h);
}

/* The last bytes of a large window wait for more of it; of a small one each is used. */
static void
test_slivers(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	hand_window(&h, 1, 0, 70000);
	hand_quiet(&h);
	assert_int_equal(hand_write(s, 69500, 'x'), 69500);
	assert_null(stream_send_buf(s, &n));
	hand_seal(&h);
	hand_window(&h, 1, 69500, 500);
	hand_event(&h, TRUNK_WRITABLE);
	assert_non_null(stream_send_buf(s, &n));
	assert_int_equal(n, 500);
	stream_send_ack(s, 0);
	hand_fini(&h);
}

static void
test_fin_follows_the_data(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	hand_write(s, 5000, 'x');
	stream_send_fin(s);
	stream_send_fin(s);
	assert_null(stream_send_buf(s, &n));
	hand_seal(&h);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, 5000);
	assert_int_equal(get_u64(hand_take(&h, FRAME_FIN, 1)->payload), 5000);
	hand_no_frame(&h);
	/* Counted in steps, FIN last; its window is not looked at. */
	hand_window(&h, 1, 5000, HAND_WINDOW);
	hand_quiet(&h);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_window(&h, 1, 5001, 0);
	hand_window(&h, 1, 5001, 0);
	hand_quiet(&h);
	assert_int_equal(trunk_streams(h.trunk), 1); /* the other direction goes on */
	hand_fini(&h);
}

static void
test_fin_without_data(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	struct stream *s = setup(&h);
	stream_send_buf(s, &n);
	stream_send_fin(s); /* a span that is still lent is given back by it */
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_seal(&h);
	assert_int_equal(get_u64(hand_take(&h, FRAME_FIN, 1)->payload), 0);
	hand_fini(&h);
}

static void
test_wrong_windows(void **state)
{
	static const struct {
		uint64_t consumed;
		uint32_t window;
	} cases[] = {
		{101, HAND_WINDOW},     /* beyond what was sent (FIN is not) */
		{102, 0},               /* the same with FIN */
		{49, HAND_WINDOW + 10}, /* less than before */
		{50, HAND_WINDOW - 1},  /* the limit goes down */
		{UINT64_MAX, 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		struct stream *s = setup(&h);
		hand_write(s, 100, 'x');
		if (cases[i].consumed == 102)
			stream_send_fin(s);
		hand_seal(&h);
		hand_window(&h, 1, 50, HAND_WINDOW);
		hand_quiet(&h);
		hand_window(&h, 1, cases[i].consumed, cases[i].window);
		hand_expect_error(&h, SC_ERR_FRAME);
		hand_fini(&h);
	}
}

static void
test_consumed_does_not_go_down_after_fin(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_write(s, 100, 'x');
	stream_send_fin(s);
	hand_seal(&h);
	hand_window(&h, 1, 101, 0);
	hand_quiet(&h);
	hand_window(&h, 1, 100, HAND_WINDOW);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

static void
test_acceptor_sends_after_opened(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, false);
	struct stream *s = hand_peer_stream(&h, 1);
	hand_write(s, 10, 'x');
	stream_send_fin(s);
	hand_no_frame(&h);
	stream_accept(s);
	stream_accept(s);
	hand_seal(&h);
	hand_take(&h, FRAME_OPENED, 1);
	hand_take(&h, FRAME_DATA, 1);
	hand_take(&h, FRAME_FIN, 1);
	hand_no_frame(&h);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_is_credit),
		cmocka_unit_test(test_writable_comes_only_where_there_was_no_room),
		cmocka_unit_test(test_the_bytes_of_a_refused_stream),
		cmocka_unit_test(test_one_byte_needs_little_memory),
		cmocka_unit_test(test_a_span_stays_while_it_is_lent),
		cmocka_unit_test(test_bulk_gets_big_chunks),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_slivers),
		cmocka_unit_test(test_fin_follows_the_data),
		cmocka_unit_test(test_fin_without_data),
		cmocka_unit_test(test_wrong_windows),
		cmocka_unit_test(test_consumed_does_not_go_down_after_fin),
		cmocka_unit_test(test_acceptor_sends_after_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
