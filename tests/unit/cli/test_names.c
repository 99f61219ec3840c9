/* Tests cli/names.c. */
#include "unit.h"

#include "cli/names.h"

static void
test_all(void **state)
{
	struct names n;
	(void)state;

	names_init(&n);
	assert_string_equal(names_text(&n), "");
	names_add(&n, "a");
	assert_string_equal(names_text(&n), "a");
	names_add(&n, "b c");
	names_add(&n, "d");
	assert_string_equal(names_text(&n), "a, b c, d");
}

/* Those that are shown are whole, and the others are counted. */
static void
test_too_many(void **state)
{
	struct names n;
	char name[16], last[32];
	size_t more;
	(void)state;

	for (unsigned total = 80; total < 2000; total++) {
		names_init(&n);
		for (unsigned i = 0; i < total; i++) {
			snprintf(name, sizeof(name), "store-%u", i);
			names_add(&n, name);
		}
		const char *text = names_text(&n), *and = strstr(text, " and ");
		if (!and) {
			snprintf(last, sizeof(last), ", store-%u", total - 1);
			assert_string_equal(text + strlen(text) - strlen(last), last);
			continue;
		}
		assert_int_equal(sscanf(and, " and %zu more", &more), 1);
		snprintf(last, sizeof(last), ", store-%zu and ", total - more - 1);
		assert_ptr_equal(strstr(text, last) + strlen(last), and + strlen(" and "));
	}
}

static void
test_one_that_is_too_long(void **state)
{
	struct names n;
	char name[NAMES_SIZE];
	(void)state;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	names_init(&n);
	names_add(&n, name);
	names_add(&n, "a");
	assert_string_equal(names_text(&n), "2 more");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_one_that_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
