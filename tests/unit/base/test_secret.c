/* Tests base/secret.c: locked memory. */
#include "base/secret.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void
test_slots(void **state)
{
	struct secret_pool pool;
	uint8_t *slots[300];
	char flags[512];
	(void)state;

	secret_pool_init(&pool, 1203);
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		slots[i] = secret_alloc(&pool);
		assert_non_null(slots[i]);
		assert_true(all_zero(slots[i], 1203));
		memset(slots[i], 0x5a, 1203);
	}
	mapping_flags(slots[299], flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd")); /* not in core dumps */
#ifndef WITHOUT_MLOCK
	assert_true(pool.refused || strstr(flags, " lo"));
#endif

	/* Given back is wiped, but for the pointer of the list; and given out again it is all
	   zeros. */
	secret_free(&pool, slots[7]);
	secret_free(&pool, slots[8]);
	secret_free(&pool, NULL);
	assert_true(all_zero(slots[8] + sizeof(void *), 1203 - sizeof(void *)));
	assert_ptr_equal(secret_alloc(&pool), slots[8]);
	assert_true(all_zero(slots[8], 1203));
	assert_int_equal(slots[6][0], 0x5a);
	assert_int_equal(slots[9][1202], 0x5a);
	secret_pool_fini(&pool);
}

static void
test_refused(void **state)
{
	const struct rlimit none = {0, 0};
	struct secret_pool pool;
	struct rlimit before;
	(void)state;

	/* Whoever may lock memory without a limit (root) is not refused. */
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	assert_int_equal(
		setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){none.rlim_cur, before.rlim_max}), 0);
	secret_pool_init(&pool, 64);
	assert_non_null(secret_alloc(&pool));
	secret_pool_fini(&pool);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
