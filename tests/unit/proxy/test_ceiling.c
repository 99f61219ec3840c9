/* Tests proxy/ceiling.c: the number. That it is kept: tests/e2e/test_limits.py. */
#include "unit.h"

#include "proxy/ceiling.h"

static void
test_number(void **state)
{
	struct config_limits l = {.unauthenticated = 256, .connections = 32768};
	(void)state;

	assert_int_equal(ceiling_of(UINT64_MAX, &l), 32768);
	assert_int_equal(ceiling_of(1 << 20, &l), 32768);
	assert_int_equal(ceiling_of(32768, &l), 32768 - 64 - 256);
	assert_int_equal(ceiling_of(1024, &l), 1024 - 64 - 256);
	assert_int_equal(ceiling_of(256, &l), 256 - 64 - 64);
	assert_int_equal(ceiling_of(10, &l), 1);
	assert_int_equal(ceiling_of(0, &l), 1);
	l.connections = 5;
	assert_int_equal(ceiling_of(1024, &l), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_number)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
