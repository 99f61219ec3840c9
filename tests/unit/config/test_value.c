/* Tests config/value.c. */
#include "unit.h"

#include "config/value.h"

static const struct place here = {"dir/x.ini", 7};

static void
expect_bad(void *base, const struct option *o, const char *text, const char *message)
{
	struct errmsg err;
	assert_int_equal(value_set(base, o, text, here, &err), SC_ERR_INVALID);
	assert_string_equal(err.text, message);
}

static void
test_times(void **state)
{
	const struct option *o = option_find(SECTION_NODE, "drain");
	const struct option *after = option_find(SECTION_NODE, "rekey_after");
	struct config_node node = {.drain = 5};
	struct errmsg err;
	char text[32];
	(void)state;

	assert_int_equal(value_set(&node, o, "250ms", here, &err), SC_OK);
	assert_int_equal(node.drain, 250 * NS_PER_MS);
	assert_int_equal(value_set(&node, o, "2m", here, &err), SC_OK);
	assert_int_equal(node.drain, 120 * NS_PER_S);
	assert_int_equal(value_set(&node, o, "1h", here, &err), SC_OK);
	assert_int_equal(value_set(&node, o, "0", here, &err), SC_OK);
	assert_int_equal(node.drain, 0);
	node.drain = 5;
	assert_int_equal(value_set(&node, o, "0m", here, &err), SC_OK);
	assert_int_equal(value_set(&node, o, "0h", here, &err), SC_OK);
	assert_int_equal(node.drain, 0);
	expect_bad(&node, o, "0d",
		"\"0d\" is no time; write a whole number and ms, s, m or h, like 10s");
	expect_bad(&node, o, "10", "\"10\" has no unit; write 10s for seconds, or ms, m, h");
	expect_bad(&node, o, "61m", "61m is out of range; write 0 to 1h");
	/* As nanoseconds, more than 64 bits: 25 minutes, if what is beyond were dropped. */
	expect_bad(&node, o, "5124096h", "5124096h is out of range; write 0 to 1h");
	expect_bad(&node, after, "0", "0 is out of range; write 1s to 48h");
	expect_bad(&node, o, "1.5s",
		"\"1.5s\" is no time; write a whole number and ms, s, m or h, like 10s");
	expect_bad(&node, o, "-1s",
		"\"-1s\" is no time; write a whole number and ms, s, m or h, like 10s");
	expect_bad(&node, o, "99999999999h",
		"\"99999999999h\" is no time; write a whole number and ms, s, m or h, like 10s");
	expect_bad(
		&node, o, "", "\"\" is no time; write a whole number and ms, s, m or h, like 10s");
	assert_int_equal(node.drain, 0);
	time_format(text, 90 * NS_PER_S);
	assert_string_equal(text, "90s");
	time_format(text, 7200 * NS_PER_S);
	assert_string_equal(text, "2h");
	time_format(text, 0);
	assert_string_equal(text, "0");
}

static void
test_numbers_and_words(void **state)
{
	struct config_route route = {.plaintext = false};
	struct config_node node = {.workers = 7};
	const struct option *workers = option_find(SECTION_NODE, "workers");
	const struct option *max = option_find(SECTION_ROUTE, "max_connections");
	const struct option *plain = option_find(SECTION_ROUTE, "plaintext");
	struct errmsg err;
	(void)state;

	assert_int_equal(value_set(&route, max, "1000000", here, &err), SC_OK);
	assert_int_equal(route.max_connections, 1000000);
	expect_bad(&route, max, "0", "\"0\" is no number from 1 to 1000000");
	expect_bad(&route, max, "1000001", "\"1000001\" is no number from 1 to 1000000");
	expect_bad(&route, max, "4k", "\"4k\" is no number from 1 to 1000000");
	expect_bad(&route, max, "auto", "\"auto\" is no number from 1 to 1000000");
	assert_int_equal(value_set(&node, workers, "64", here, &err), SC_OK);
	assert_int_equal(node.workers, 64);
	assert_int_equal(value_set(&node, workers, "auto", here, &err), SC_OK);
	assert_int_equal(node.workers, 0);
	expect_bad(&node, workers, "0",
		"\"0\" is no number from 1 to 64, and not auto");
	assert_int_equal(value_set(&route, plain, "allow", here, &err), SC_OK);
	assert_true(route.plaintext);
	expect_bad(&route, plain, "yes", "\"yes\" is not known here; write one of refuse/allow");
	assert_int_equal(value_set(&route, plain, "refuse", here, &err), SC_OK);
	assert_false(route.plaintext);
}

static void
test_sizes(void **state)
{
	const struct option *bytes = option_find(SECTION_NODE, "rekey_bytes");
	struct config_node node = {.rekey_bytes = 1};
	struct errmsg err;
	(void)state;

	assert_int_equal(value_set(&node, bytes, "0", here, &err), SC_OK);
	assert_true(node.rekey_bytes == 0);
	assert_int_equal(value_set(&node, bytes, "1000", here, &err), SC_OK);
	assert_true(node.rekey_bytes == 1000);
	assert_int_equal(value_set(&node, bytes, "64G", here, &err), SC_OK);
	assert_true(node.rekey_bytes == 64ull << 30);
	assert_int_equal(value_set(&node, bytes, "1024T", here, &err), SC_OK);
	assert_true(node.rekey_bytes == 1ull << 50);
	expect_bad(&node, bytes, "1025T", "1025T is out of range; write 0 to 1024T");
	expect_bad(&node, bytes, "99999T",
		"99999T is out of range; write 0 to 1024T");
	expect_bad(&node, bytes, "64g", "\"64g\" is no size; write a whole number of bytes, or "
					"with K, M, G or T, like 64G");
	expect_bad(&node, bytes, "1KB", "\"1KB\" is no size; write a whole number of bytes, or "
					"with K, M, G or T, like 64G");
	assert_true(node.rekey_bytes == 1ull << 50);
}

static void
test_paths(void **state)
{
	struct config_node node = {.state = NULL};
	const struct option *o = option_find(SECTION_NODE, "state");
	struct errmsg err;
	char *path;
	(void)state;

	assert_int_equal(value_set(&node, o, "./state-a", here, &err), SC_OK);
	assert_string_equal(node.state, "dir/state-a");
	value_clear(&node, o);
	assert_int_equal(value_set(&node, o, "/abs", here, &err), SC_OK);
	assert_string_equal(node.state, "/abs");
	value_clear(&node, o);
	expect_bad(&node, o, "", "there is nothing after the \"=\"; write a path");
	path = path_beside("x.ini", "./s");
	assert_string_equal(path, "s");
	free(path);
	path = path_beside("/x.ini", "s");
	assert_string_equal(path, "/s");
	free(path);
}

static void
test_names(void **state)
{
	char longest[66];
	(void)state;
	memset(longest, 'n', 65);
	longest[65] = '\0';
	assert_false(config_name_valid(longest));
	longest[64] = '\0';
	assert_true(config_name_valid(longest));
	assert_true(config_name_valid("Store_7.a-b"));
	assert_false(config_name_valid(""));
	assert_false(config_name_valid(".hidden"));
	assert_false(config_name_valid("a/b"));
	assert_false(config_name_valid("a b"));
	assert_false(config_name_valid("caf\xc3\xa9"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_numbers_and_words),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
