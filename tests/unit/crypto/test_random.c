/* Tests crypto/random.c: every byte is written, and never twice the same. */
#include "unit.h"

static void
test_fills_all(void **state)
{
	(void)state;
	/* More than the kernel gives at once without looking at signals; the bytes before and after
	   stay. */
	size_t n = 100000;
	uint8_t *bytes = calloc(1, n + 2);
	assert_non_null(bytes);
	random_fill(&random_system, bytes + 1, n);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[n + 1], 0);
	for (size_t i = 1; i + 16 <= n; i += 16) {
		static const uint8_t zero[16];
		assert_memory_not_equal(bytes + i, zero, sizeof(zero));
	}
	free(bytes);
}

static void
test_differs(void **state)
{
	uint8_t a[32], b[32];
	(void)state;
	random_fill(&random_system, a, sizeof(a));
	random_fill(&random_system, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
test_nothing(void **state)
{
	uint8_t byte = 7;
	(void)state;
	random_fill(&random_system, &byte, 0);
	assert_int_equal(byte, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_all),
		cmocka_unit_test(test_differs),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
