/* Tests tunnel/trunk_read.c: DATA of one stream from several records come to the owner together. */
#include "hand.h"

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

/* Brings frames that were sent to the connection, all at once. */
static void
arrive(struct hand *h)
{
	size_t n, room;
	const uint8_t *out = conn_out_buf(h->peer, &n);
	uint8_t *in = conn_in_buf(h->conn, &room);

	assert_true(n <= room);
	memcpy(in, out, n);
	conn_out_ack(h->peer, n);
	conn_in_ack(h->conn, n, h->now);
}

static void
test_frames_of_a_stream_come_together(void **state)
{
	struct span spans[PLACES + 1];
	struct hand h;
	(void)state;
	struct stream *s = setup(&h), *other = hand_peer_stream(&h, 3);
	for (int i = 0; i < 3; i++)
		hand_data(&h, 1, 100, 'x');
	hand_data(&h, 3, 100, 'z');
	for (int i = 0; i < PLACES + 1; i++)
		hand_data(&h, 1, 10, 'y');
	arrive(&h);
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), s);
	assert_int_equal(stream_recv_spans(s, spans, PLACES + 1), 3);
	assert_int_equal(stream_recv_spans(s, spans, 2), 2);
	assert_int_equal(hand_read(s, 150, 'x'), 150);
	assert_int_equal(stream_recv_spans(s, spans, PLACES + 1), 2);
	assert_int_equal(spans[0].size, 50);
	assert_int_equal(hand_read(s, 150, 'x'), 150);
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), other);
	assert_int_equal(hand_read(other, 100, 'z'), 100);
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), s);
	assert_int_equal(stream_recv_spans(s, spans, PLACES + 1), PLACES);
	assert_int_equal(hand_read(s, 10 * PLACES, 'y'), 10 * PLACES);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(s, 20, 'y'), 10);
	hand_quiet(&h);
	hand_fini(&h);
}

/* What was read ahead and belongs to another is not lost when the record does not stay. */
static void
test_what_comes_together_is_kept_together(void **state)
{
	struct span spans[4];
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_data(&h, 1, 100, 'x');
	hand_reset(&h, 1, 9);
	arrive(&h);
	hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(s, 50, 'x'), 50);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(stream_recv_spans(s, spans, 4), 1);
	assert_int_equal(spans[0].size, 150);
	hand_quiet(&h);
	hand_fini(&h);
}

/* A rule broken behind DATA that came together: they are given out first. */
static void
test_a_wrong_frame_behind(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_data(&h, 1, HAND_WINDOW, 'x'); /* too much */
	arrive(&h);
	hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(s, 1000, 'x'), 100);
	hand_expect_error(&h, SC_ERR_CREDIT);
	hand_fini(&h);
}

/* A step of the peer's key in between is taken in passing. */
static void
test_over_a_ratchet(void **state)
{
	struct span spans[4];
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	h.now += 16 * 60 * NS_PER_S; /* the peer's connection steps both channels */
	hand_data(&h, 1, 50, 'x');
	hand_data(&h, 1, 25, 'x');
	arrive(&h);
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), s);
	assert_int_equal(stream_recv_spans(s, spans, 4), 3);
	assert_int_equal(conn_epoch(h.conn, false, CHANNEL_DATA), 2);
	assert_int_equal(hand_read(s, 175, 'x'), 175);
	assert_int_equal(chunk_pool_used(h.pool), 0);
	hand_quiet(&h);
	hand_fini(&h);
}

/* A KEY_UPDATE that breaks a rule, behind DATA: they are given out first. */
static void
test_a_wrong_step_behind(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	hand_data(&h, 1, 100, 'x');
	hand_frame(&h, FRAME_KEY_UPDATE, 0, "\2\1", 2); /* no renewal is under way */
	arrive(&h);
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), s);
	assert_int_equal(hand_read(s, 1000, 'x'), 100);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_of_a_stream_come_together),
		cmocka_unit_test(test_what_comes_together_is_kept_together),
		cmocka_unit_test(test_a_wrong_frame_behind),
		cmocka_unit_test(test_over_a_ratchet),
		cmocka_unit_test(test_a_wrong_step_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
