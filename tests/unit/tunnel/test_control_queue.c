/* Tests tunnel/control_queue.c: whole frames out, a bound, and memory that does not stay. */
#include "unit.h"

#include "secureconn/frame.h"
#include "tunnel/control_queue.h"

/* A frame of n bytes in all, whose head has a number. */
static enum sc_error
add(struct control_queue *q, uint32_t number, size_t n)
{
	uint8_t frame[512] = {0};
	frame_head_put(frame, FRAME_RESET, (uint16_t)(n - FRAME_HEAD_SIZE), number);
	return control_queue_add(q, frame, n);
}

static void
test_whole_frames(void **state)
{
	struct control_queue q = {0};
	(void)state;
	assert_true(control_queue_empty(&q));
	assert_int_equal(control_queue_front(&q, 100).size, 0);
	assert_int_equal(add(&q, 1, 10), SC_OK);
	assert_int_equal(add(&q, 2, 20), SC_OK);
	assert_int_equal(add(&q, 3, 30), SC_OK);
	assert_int_equal(control_queue_front(&q, 9).size, 0);
	assert_int_equal(control_queue_front(&q, 10).size, 10);
	assert_int_equal(control_queue_front(&q, 29).size, 10);
	assert_int_equal(control_queue_front(&q, 59).size, 30);
	assert_int_equal(control_queue_front(&q, 60).size, 60);
	control_queue_drop(&q, 10);
	assert_int_equal(get_u32(control_queue_front(&q, 20).data + 4), 2);
	assert_int_equal(add(&q, 4, 40), SC_OK);
	assert_int_equal(control_queue_front(&q, 1000).size, 90);
	control_queue_drop(&q, 90);
	assert_true(control_queue_empty(&q));
	control_queue_fini(&q);
}

static void
test_order_while_it_moves(void **state)
{
	struct control_queue q = {0};
	uint32_t in = 0, out = 0;
	struct seeded_random r;
	(void)state;
	seeded_random_init(&r, 5);
	for (int i = 0; i < 20000; i++) {
		if (seeded_random_below(&r, 1000) < 520) {
			assert_int_equal(add(&q, in++, 8 + seeded_random_below(&r, 300)), SC_OK);
			continue;
		}
		struct span s = control_queue_front(&q, seeded_random_below(&r, 700));
		for (size_t at = 0; at < s.size; at += 8u + get_u16(s.data + at + 2))
			assert_int_equal(get_u32(s.data + at + 4), out++);
		control_queue_drop(&q, s.size);
	}
	assert_true(in > 10000 && out > 5000);
	control_queue_fini(&q);
}

static void
test_bound(void **state)
{
	struct control_queue q = {0};
	(void)state;
	for (int i = 0; i < 2048; i++)
		assert_int_equal(add(&q, 1, 512), SC_OK);
	assert_int_equal(add(&q, 1, 8), SC_ERR_CONTROL_FULL);
	control_queue_drop(&q, 512);
	assert_int_equal(add(&q, 1, 512), SC_OK);
	assert_int_equal(add(&q, 1, 8), SC_ERR_CONTROL_FULL);
	control_queue_drop(&q, CONTROL_QUEUE_MAX);
	assert_null(q.data); /* an empty queue does not keep a big one's memory */
	assert_int_equal(add(&q, 1, 8), SC_OK);
	control_queue_fini(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_frames),
		cmocka_unit_test(test_order_while_it_moves),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
