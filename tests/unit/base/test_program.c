/* What people are told to type. */
#include "unit.h"

#include "base/program.h"

static void
test_name(void **state)
{
	char longer[5000];

	(void)state;
	assert_string_equal(program_name(), "secureconn");
	program_set_name("secureconn -c /srv/a.ini");
	assert_string_equal(program_name(), "secureconn -c /srv/a.ini");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	program_set_name(longer);
	assert_string_equal(program_name(), "secureconn -c /srv/a.ini");
	program_set_name("secureconn");
	assert_string_equal(program_name(), "secureconn");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
