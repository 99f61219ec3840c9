/* Tests cli/amounts.c. */
#include "unit.h"

#include "cli/amounts.h"

static void
test_numbers(void **state)
{
	static const struct {
		uint64_t n;
		const char *age, *size;
	} cases[] = {
		{0, "0 s", "0 B"},
		{59, "59 s", "59 B"},
		{61, "1 min 1 s", "61 B"},
		{3600, "1 h 0 min", "3.5 KiB"},
		{86400, "1 d 0 h", "84.4 KiB"},
		{1023, "17 min 3 s", "1023 B"},
		{1024, "17 min 4 s", "1.0 KiB"},
		{1048575, "12 d 3 h", "1.0 MiB"},
		{UINT64_MAX, NULL, "16.0 EiB"},
	};
	char text[32];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].age)
			assert_string_equal(age_text(text, cases[i].n), cases[i].age);
		assert_string_equal(size_text(text, cases[i].n), cases[i].size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
