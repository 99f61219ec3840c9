/* Tests config/prefix.c. */
#include "unit.h"

#include <arpa/inet.h>

#include "config/prefix.h"

static bool
has(const char *prefix, const char *address)
{
	struct prefix p;
	struct errmsg err;
	uint8_t bytes[16];
	size_t size = strchr(address, ':') ? 16 : 4;

	if (prefix_parse(&p, prefix, &err) != SC_OK)
		fail_msg("%s: %s", prefix, err.text);
	assert_int_equal(inet_pton(size == 4 ? AF_INET : AF_INET6, address, bytes), 1);
	return prefix_has(&p, bytes, size);
}

static void
test_has(void **state)
{
	(void)state;
	assert_true(has("10.1.0.0/16", "10.1.0.0"));
	assert_true(has("10.1.0.0/16", "10.1.255.255"));
	assert_false(has("10.1.0.0/16", "10.2.0.0"));
	assert_false(has("10.1.0.0/16", "10.0.255.255"));
	assert_true(has("10.1.2.128/25", "10.1.2.128"));
	assert_false(has("10.1.2.128/25", "10.1.2.127"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.6"));
	assert_true(has("192.0.2.6/31", "192.0.2.7"));
	assert_true(has("0.0.0.0/0", "255.1.2.3"));
	assert_true(has("128.0.0.0/1", "128.0.0.1"));
	assert_false(has("128.0.0.0/1", "127.255.255.255"));
	assert_true(has("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(has("2001:db8::/32", "2001:db9::1"));
	assert_true(has("2001:db8::8/125", "2001:db8::f"));
	assert_false(has("2001:db8::8/125", "2001:db8::7"));
	assert_true(has("::/0", "2001:db8::1"));
	/* everything of one family is nothing of the other */
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_false(has("::/0", "192.0.2.1"));
}

static void
test_text(void **state)
{
	static const char *const texts[][2] = {
		{"10.1.0.0/16", "10.1.0.0/16"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"2001:DB8:0:0::/32", "2001:db8::/32"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"0.0.0.0/0", "0.0.0.0/0"},
	};
	struct prefix p, q;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(prefix_parse(&p, texts[i][0], &err), SC_OK);
		assert_string_equal(p.text, texts[i][1]);
		assert_int_equal(prefix_parse(&q, p.text, &err), SC_OK);
		assert_true(prefix_equal(&p, &q));
	}
	assert_int_equal(prefix_parse(&p, "10.0.0.0/8", &err), SC_OK);
	assert_int_equal(prefix_parse(&q, "10.0.0.0/9", &err), SC_OK);
	assert_false(prefix_equal(&p, &q));
}

static void
test_bad(void **state)
{
	static const char *const none[] = {"", "/", "/8", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/-1",
		"10.1.0.0/ 8", "10.1.0.0/8/8", "10.1.0.0/1e1", "10.1/16", "10.1.0.0.0/16", "hq",
		"010.1.0.0/16", "2001:db8::/129", "2001:db8::/0128", "[2001:db8::]/32",
		"fe80::1%eth0", "10.1.0.0/4294967304", "10.1.0.0-10.2.0.0",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const never[] = {"127.0.0.0/8", "127.0.0.1", "127.3.0.0/16", "0.0.0.0/8",
		"0.0.0.0", "169.254.0.0/16", "169.254.3.4", "224.0.0.0/4", "239.0.0.0/8",
		"255.255.255.255", "::1", "::", "fe80::/10", "fe80::/64", "ff02::/16",
		"::ffff:10.1.0.0/112", "::ffff:0:0/96"};
	struct prefix p;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_int_equal(prefix_parse(&p, none[i], &err), SC_ERR_INVALID);
		if (!strstr(err.text, "is no prefix of addresses"))
			fail_msg("%s: %s", none[i], err.text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		if (prefix_parse(&p, never[i], &err) == SC_OK)
			fail_msg("%s is taken", never[i]);
		assert_non_null(strstr(err.text, "no address in"));
	}
	assert_int_equal(prefix_parse(&p, "10.1.2.3/16", &err), SC_ERR_INVALID);
	assert_string_equal(err.text, "\"10.1.2.3/16\" says more than its first 16 bits; write "
				      "10.1.0.0/16, or a longer prefix");
	assert_int_equal(prefix_parse(&p, "2001:db8::1/33", &err), SC_ERR_INVALID);
	assert_non_null(strstr(err.text, "write 2001:db8::/33,"));
}

static void
test_never(void **state)
{
	static const struct {
		const char *text;
		bool never;
	} cases[] = {
		{"127.0.0.1", true},
		{"127.255.255.255", true},
		{"126.255.255.255", false},
		{"128.0.0.1", false},
		{"0.1.2.3", true},
		{"1.0.0.0", false},
		{"169.254.0.1", true},
		{"169.253.0.1", false},
		{"224.0.0.1", true},
		{"239.255.255.255", true},
		{"223.255.255.255", false},
		{"240.0.0.1", false},
		{"255.255.255.255", true},
		{"10.1.2.3", false},
		{"::1", true},
		{"::", true},
		{"::2", false},
		{"fe80::1", true},
		{"febf::1", true},
		{"fec0::1", false},
		{"ff02::1", true},
		{"fd00::1", false},
		{"::ffff:127.0.0.1", true},
		{"::ffff:10.1.2.3", true},
		{"2001:db8::1", false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t bytes[16];
		size_t size = strchr(cases[i].text, ':') ? 16 : 4;
		inet_pton(size == 4 ? AF_INET : AF_INET6, cases[i].text, bytes);
		if (address_never_claimed(bytes, size) != cases[i].never)
			fail_msg("%s", cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_never),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
