/* Tests tunnel/trunk_alive.c: what is a sign of life besides whole records. PING and the end of a
   silent link: test_trunk.c. */
#include "hand.h"

#define KEEPALIVE (20 * NS_PER_S) /* hand.c's */

static void
tick_at(struct hand *h, uint64_t start, unsigned seconds)
{
	h->now = start + seconds * NS_PER_S;
	trunk_tick(h->trunk, h->now);
	hand_seal(h);
}

static void
test_crumbs_are_life(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	uint64_t start = h.now;

	/* A record that takes minutes: no PING, and a sign of life for the peer now and then. */
	for (unsigned s = 1; s <= 200; s++) {
		trunk_heard(h.trunk, start + s * NS_PER_S);
		tick_at(&h, start, s);
		hand_quiet(&h);
		if (s % 10 == 0)
			assert_int_equal(hand_take(&h, FRAME_PAD, 0)->size, 0);
		hand_no_frame(&h);
	}
	/* Then nothing more: as after a whole record. */
	tick_at(&h, start, 219);
	hand_no_frame(&h);
	tick_at(&h, start, 220);
	hand_take(&h, FRAME_PING, 0);
	hand_no_frame(&h);
	tick_at(&h, start, 240);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_TIMEOUT);
	hand_fini(&h);
}

/* Whole records need no such answer: two idle ends do not wake each other. */
static void
test_no_answer_to_a_whole_record(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	uint64_t start = h.now;

	trunk_heard(h.trunk, h.now);
	hand_frame(&h, FRAME_PAD, 0, NULL, 0);
	hand_quiet(&h);
	tick_at(&h, start, 19);
	hand_no_frame(&h);
	assert_true(trunk_deadline(h.trunk) == start + KEEPALIVE);
	hand_fini(&h);
}

/* Whoever sends anyway need not say more. */
static void
test_no_answer_where_something_is_sent(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	uint64_t start = h.now;
	struct stream *s = hand_own_stream(&h);

	for (unsigned i = 1; i <= 30; i++) {
		trunk_heard(h.trunk, start + i * NS_PER_S);
		if (i % 9 == 0)
			hand_write(s, 1, 'x');
		tick_at(&h, start, i);
		hand_quiet(&h);
		if (i % 9 == 0)
			hand_take(&h, FRAME_DATA, 1);
		hand_no_frame(&h);
	}
	hand_fini(&h);
}

static void
test_delivery_is_life(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, true);
	uint64_t start = h.now;

	assert_false(trunk_silent(h.trunk, start + KEEPALIVE - 1));
	assert_true(trunk_silent(h.trunk, start + KEEPALIVE));
	trunk_delivered(h.trunk, start + 15 * NS_PER_S);
	tick_at(&h, start, 20);
	hand_no_frame(&h);
	assert_true(trunk_deadline(h.trunk) == start + 35 * NS_PER_S);
	tick_at(&h, start, 35);
	hand_take(&h, FRAME_PING, 0);
	/* The PING stands in a queue that moves. */
	trunk_delivered(h.trunk, start + 50 * NS_PER_S);
	trunk_delivered(h.trunk, start + 45 * NS_PER_S);
	tick_at(&h, start, 69);
	hand_quiet(&h);
	tick_at(&h, start, 70);
	hand_event(&h, TRUNK_CLOSED);
	assert_false(trunk_silent(h.trunk, start + 100 * NS_PER_S));
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crumbs_are_life),
		cmocka_unit_test(test_no_answer_to_a_whole_record),
		cmocka_unit_test(test_no_answer_where_something_is_sent),
		cmocka_unit_test(test_delivery_is_life),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
