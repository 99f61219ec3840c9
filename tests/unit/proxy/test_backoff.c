/* Tests proxy/backoff.c. */
#include "unit.h"

#include "base/util.h"
#include "proxy/backoff.h"

static void
test_steps_double_up_to_the_cap(void **state)
{
	static const uint64_t steps[] = {
		100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
	struct seeded_random random;
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct backoff b = {0};
		seeded_random_init(&random, seed);
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
			assert_in_range(backoff_next(&b, BACKOFF_CAP_MS, &random.source),
				steps[i] / 2, steps[i]);
	}
}

static void
test_a_reset_begins_again(void **state)
{
	struct seeded_random random;
	struct backoff b = {0};
	(void)state;
	seeded_random_init(&random, 1);
	for (int i = 0; i < 5; i++)
		backoff_next(&b, BACKOFF_CAP_MS, &random.source);
	backoff_reset(&b);
	assert_in_range(backoff_next(&b, BACKOFF_CAP_MS, &random.source), 50, 100);
}

static void
test_a_lower_cap_holds_for_this_step_only(void **state)
{
	struct seeded_random random;
	struct backoff b = {.next_ms = 16000};
	(void)state;
	seeded_random_init(&random, 2);
	assert_in_range(backoff_next(&b, 1000, &random.source), 500, 1000);
	assert_in_range(backoff_next(&b, BACKOFF_CAP_MS, &random.source), 1000, 2000);
}

static void
test_waits_differ(void **state)
{
	struct seeded_random random;
	uint64_t least = UINT64_MAX, most = 0;
	(void)state;
	seeded_random_init(&random, 3);
	for (int i = 0; i < 1000; i++) {
		struct backoff b = {0};
		uint64_t ms = backoff_next(&b, BACKOFF_CAP_MS, &random.source);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, 50, 51);
	assert_in_range(most, 99, 100);
}

static void
test_eager_first_and_then_less(void **state)
{
	(void)state;
	assert_int_equal(backoff_eager_cap(0), 500);
	assert_int_equal(backoff_eager_cap(29 * NS_PER_S), 500);
	assert_int_equal(backoff_eager_cap(30 * NS_PER_S), 2000);
	assert_int_equal(backoff_eager_cap(299 * NS_PER_S), 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_double_up_to_the_cap),
		cmocka_unit_test(test_a_reset_begins_again),
		cmocka_unit_test(test_a_lower_cap_holds_for_this_step_only),
		cmocka_unit_test(test_waits_differ),
		cmocka_unit_test(test_eager_first_and_then_less),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
