/* Tests proxy/flood.c. */
#include "unit.h"

#include "proxy/flood.h"

#define START (1000 * NS_PER_S)

static void
test_the_first_ones_pass(void **state)
{
	struct flood f = {.event = "x", .lines = 3};
	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(flood_pass(&f, START + i), i < 3);
	assert_int_equal(f.total, 10);
}

static void
test_the_rest_is_summed_up_when_the_window_is_over(void **state)
{
	struct flood f = {.event = "x", .lines = 1};
	(void)state;
	for (uint64_t i = 0; i < 8; i++)
		flood_pass(&f, START + i);
	assert_int_equal(flood_summary(&f, START + FLOOD_WINDOW - 1), 0);
	assert_int_equal(flood_summary(&f, START + FLOOD_WINDOW), 7);
	assert_int_equal(flood_summary(&f, START + FLOOD_WINDOW), 0);
	assert_true(flood_pass(&f, START + FLOOD_WINDOW + 1));
	assert_int_equal(f.total, 9);
}

static void
test_few_events_are_all_logged(void **state)
{
	struct flood f = {.event = "x", .lines = 2};
	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		assert_true(flood_pass(&f, START + i * FLOOD_WINDOW / 2));
	assert_int_equal(flood_summary(&f, START + 100 * FLOOD_WINDOW), 0);
}

static void
test_nothing_is_lost_before_the_summary(void **state)
{
	struct flood f = {.event = "x", .lines = 1};
	(void)state;
	assert_true(flood_pass(&f, START));
	assert_false(flood_pass(&f, START + 1));
	/* The window is over, but its sum not told yet. */
	assert_false(flood_pass(&f, START + 2 * FLOOD_WINDOW));
	assert_int_equal(flood_summary(&f, START + 2 * FLOOD_WINDOW), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_ones_pass),
		cmocka_unit_test(test_the_rest_is_summed_up_when_the_window_is_over),
		cmocka_unit_test(test_few_events_are_all_logged),
		cmocka_unit_test(test_nothing_is_lost_before_the_summary),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
