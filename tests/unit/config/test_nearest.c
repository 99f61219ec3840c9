/* Tests config/nearest.c. */
#include "unit.h"

#include "config/nearest.h"

static void
test_distance(void **state)
{
	(void)state;
	assert_int_equal(edit_distance("", ""), 0);
	assert_int_equal(edit_distance("", "abc"), 3);
	assert_int_equal(edit_distance("adress", "address"), 1);
	assert_int_equal(edit_distance("lisetn", "listen"), 1); /* neighbours swapped */
	assert_int_equal(edit_distance("LISTEN", "listen"), 0);
	assert_int_equal(edit_distance("kitten", "sitting"), 3);
	assert_int_equal(edit_distance("abc", "ca"), 3);
}

static void
test_long_words(void **state)
{
	char word[200];
	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_true(edit_distance(word, word) >= 80);
	word[80] = '\0';
	assert_int_equal(edit_distance(word, word), 0);
}

static void
test_consider(void **state)
{
	const char *best = NULL;
	(void)state;
	nearest_consider(&best, "conect", "listen");
	assert_null(best);
	nearest_consider(&best, "conect", "connects");
	assert_string_equal(best, "connects");
	nearest_consider(&best, "conect", "connect");
	assert_string_equal(best, "connect");
	nearest_consider(&best, "conect", "correct");
	assert_string_equal(best, "connect");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_consider),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
