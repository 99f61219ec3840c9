/* Tests config/value_list.c. */
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
test_lists(void **state)
{
	struct config_service service = {.plaintext = false};
	const struct option *allow = option_find(SECTION_SERVICE, "allow");
	const struct option *to = option_find(SECTION_SERVICE, "connect");
	struct errmsg err;
	(void)state;

	assert_int_equal(value_set(&service, allow, " store-1 ,store-2,", here, &err), SC_OK);
	assert_int_equal(
		value_set(&service, allow, "store-3", (struct place){"f", 9}, &err), SC_OK);
	assert_int_equal(service.allow.n, 3);
	assert_int_equal(service.allow.line, 7); /* where the list begins */
	assert_string_equal(service.allow.at[1], "store-2");
	assert_string_equal(service.allow.at[2], "store-3");
	expect_bad(&service, allow, "store-1", "\"store-1\" is there twice; remove one");
	expect_bad(&service, allow, "a,,b", "there is nothing between two commas; remove one");
	expect_bad(&service, allow, "", "there is nothing after the \"=\"; write store-7, store-8");
	expect_bad(&service, allow, "bad name",
		"\"bad name\" is no name; use 1 to 64 letters, digits, \".\", \"_\" and \"-\", no "
		"\".\" first");
	assert_int_equal(value_set(&service, to, "/a.sock, [::1]:1", here, &err), SC_OK);
	expect_bad(&service, to, "[::1]:1", "\"[::1]:1\" is there twice; remove one");
	assert_int_equal(service.connect.n, 2);
	value_clear(&service, allow);
	value_clear(&service, to);
	assert_null(service.allow.at);
}

static void
test_prefixes(void **state)
{
	struct config_peer peer = {.name = "hq"};
	const struct option *o = option_find(SECTION_PEER, "sources");
	struct errmsg err;
	(void)state;

	assert_int_equal(value_set(&peer, o, "10.1.0.0/16, 2001:db8::/32,", here, &err), SC_OK);
	assert_int_equal(value_set(&peer, o, "192.0.2.7", (struct place){"f", 9}, &err), SC_OK);
	assert_int_equal(peer.sources.n, 3);
	assert_int_equal(peer.sources.line, 7);
	assert_string_equal(peer.sources.file, "dir/x.ini");
	assert_string_equal(peer.sources.at[2].text, "192.0.2.7/32");
	expect_bad(&peer, o, "192.0.2.7/32", "\"192.0.2.7/32\" is there twice; remove one");
	expect_bad(&peer, o, "hq",
		"\"hq\" is no prefix of addresses; write one like 10.1.0.0/16 or "
		"2001:db8::/32");
	value_clear(&peer, o);
	assert_null(peer.sources.at);
	assert_int_equal(peer.sources.line, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
