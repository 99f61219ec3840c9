/* Tests base/processors.c. */
#include "unit.h"

#include <sched.h>

#include "base/processors.h"

static void
test_quotas(void **state)
{
	(void)state;
	assert_int_equal(processors_of_quota("max 100000"), 0);
	assert_int_equal(processors_of_quota("100000 100000"), 1);
	assert_int_equal(processors_of_quota("50000 100000"), 1);
	assert_int_equal(processors_of_quota("150000 100000"), 2);
	assert_int_equal(processors_of_quota("800000 100000"), 8);
	assert_int_equal(processors_of_quota("18446744073709551615 1"), 0);
	assert_int_equal(processors_of_quota("18446744073709551615 18446744073709551615"), 1);
}

static void
test_what_is_no_quota(void **state)
{
	static const char *const texts[] = {"", " ", "100000", "100000 ", "0 100000", "100000 0",
		"-1 100000", "100000 -1", "x 100000", "100000 x", "max", "100000\t100000"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(processors_of_quota(texts[i]), 0);
}

static void
test_affinity_counts(void **state)
{
	cpu_set_t all, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_in_range(processors_available(), 1, CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(processors_available(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quotas),
		cmocka_unit_test(test_what_is_no_quota),
		cmocka_unit_test(test_affinity_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
