/* Tests config/options.c: that the table is sound. */
#include "unit.h"

#include "config/config.h"
#include "config/options.h"
#include "config/value.h"

static void
test_find(void **state)
{
	(void)state;
	assert_ptr_equal(option_find(SECTION_NODE, "name"), &config_options[0]);
	assert_null(option_find(SECTION_PEER, "name"));
	assert_null(option_find(SECTION_NODE, ""));
	assert_int_equal(option_find(SECTION_ROUTE, "connect_timeout")->section, SECTION_ROUTE);
}

static void
test_words(void **state)
{
	(void)state;
	assert_int_equal(words_find("no|yes", "no"), 0);
	assert_int_equal(words_find("no|yes", "yes"), 1);
	assert_int_equal(words_find("no|yes", "ye"), -1);
	assert_int_equal(words_find("no|yes", "no|yes"), -1);
	assert_int_equal(words_find("no|yes", ""), -1);
}

/* Every default and every example must itself be a value that is accepted. */
static void
test_defaults_and_examples_are_valid(void **state)
{
	union {
		struct config_node node;
		struct config_peer peer;
		struct config_route route;
		struct config_service service;
		struct config_limits limits;
	} section;
	struct errmsg err;
	size_t n = 0;
	(void)state;

	for (const struct option *o = config_options; o->key; o++, n++) {
		memset(&section, 0, sizeof(section));
		assert_true(o->help && o->help[0]);
		assert_in_range(o->apply, APPLY_NOW, APPLY_RESTART);
		assert_ptr_equal(option_find(o->section, o->key), o); /* no key twice */
		if (o->fallback && o->fallback[0])
			assert_int_equal(
				value_set(&section, o, o->fallback, (struct place){NULL, 0}, &err),
				SC_OK);
		value_clear(&section, o);
		memset(&section, 0, sizeof(section));
		if (o->example)
			assert_int_equal(
				value_set(&section, o, o->example, (struct place){"f", 1}, &err),
				SC_OK);
		else
			assert_non_null(o->fallback);
		value_clear(&section, o);
	}
	assert_true(n > 20 && n < OPTIONS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_defaults_and_examples_are_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
