/* Tests proxy/reached.c: each limit has a key of its own, which [limits] has. */
#include "unit.h"

#include "config/options.h"
#include "proxy/reached.h"

static void
test_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REACHED_COUNT; i++) {
		assert_non_null(option_find(SECTION_LIMITS, reached_key(i)));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(reached_key(i), reached_key(k));
	}
}

static void
test_errors(void **state)
{
	(void)state;
	assert_int_equal(reached_of(SC_ERR_TIMEOUT), REACHED_HANDSHAKE);
	assert_int_equal(reached_of(SC_ERR_LINE_LONG), REACHED_HANDSHAKE_LINE);
	assert_int_equal(reached_of(SC_ERR_LINE_COUNT), REACHED_HANDSHAKE_LINES);
	assert_int_equal(reached_of(SC_ERR_LINE_TOTAL), REACHED_HANDSHAKE_BYTES);
	assert_int_equal(reached_of(SC_ERR_RENEWAL), REACHED_REKEY_DEADLINE);
	assert_int_equal(reached_of(SC_ERR_RENEWAL_COUNT), REACHED_REKEY_PER_HOUR);
	for (unsigned e = 0; e < SC_ERROR_COUNT; e++)
		assert_in_range(reached_of(e), 0, REACHED_COUNT);
	assert_int_equal(reached_of(SC_OK), REACHED_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
