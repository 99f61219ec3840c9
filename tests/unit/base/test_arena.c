/* Tests base/arena.c. */
#include "unit.h"

#include <stdalign.h>

#include "base/arena.h"

static void
test_pieces(void **state)
{
	struct arena a;
	uint8_t *pieces[400];
	(void)state;

	arena_init(&a);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i] = arena_take(&a, i);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 1; i < ARRAY_SIZE(pieces); i++)
		assert_int_equal(pieces[i][i - 1], (uint8_t)i);
	arena_fini(&a);
	arena_fini(&a);
}

static void
test_large(void **state)
{
	struct arena a;
	(void)state;

	arena_init(&a);
	char *large = arena_take(&a, 1000000);
	assert_non_null(large);
	memset(large, 1, 1000000);
	assert_string_equal(arena_text(&a, "after it"), "after it");
	assert_null(arena_take(&a, SIZE_MAX));
	arena_fini(&a);
}

/* The sanitizer says if something is lost, or was given back. */
static void
test_join(void **state)
{
	struct arena a, b, none;
	(void)state;

	arena_init(&a);
	arena_init(&b);
	arena_init(&none);
	char *one = arena_text(&a, "one"), *two = arena_text(&b, "two");
	for (int i = 0; i < 3000; i++)
		assert_non_null(arena_take(&b, 20));
	arena_join(&a, &none);
	arena_join(&a, &b);
	arena_fini(&b);
	arena_fini(&none);
	assert_string_equal(arena_text(&a, "three"), "three");
	assert_string_equal(one, "one");
	assert_string_equal(two, "two");
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_join),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
