/* Tests config/endpoint.c. */
#include "unit.h"

#include "config/config.h"
#include "config/value.h"

static void
test_good(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool local;
	} good[] = {
		{"127.0.0.1:5432", "127.0.0.1", 5432, true},
		{"127.8.9.10:1", "127.8.9.10", 1, true},
		{"localhost:65535", "localhost", 65535, true},
		{"[::1]:7400", "::1", 7400, true},
		{"[::]:7400", "::", 7400, false},
		{"[2001:db8::5]:80", "2001:db8::5", 80, false},
		{"0.0.0.0:7400", "0.0.0.0", 7400, false},
		{"hq-2.example.com:7400", "hq-2.example.com", 7400, false},
		{"128.0.0.1:80", "128.0.0.1", 80, false},
	};
	struct endpoint e;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (endpoint_parse(&e, good[i].text, false, &err) != SC_OK)
			fail_msg("%s: %s", good[i].text, err.text);
		assert_false(e.is_unix);
		assert_string_equal(e.host, good[i].host);
		assert_int_equal(e.port, good[i].port);
		assert_string_equal(e.text, good[i].text);
		assert_int_equal(endpoint_is_local(&e), good[i].local);
	}
	assert_int_equal(endpoint_parse(&e, "/run/x.sock", true, &err), SC_OK);
	assert_true(e.is_unix && endpoint_is_local(&e));
	assert_string_equal(e.path, "/run/x.sock");
	assert_string_equal(e.text, "/run/x.sock");
}

static void
test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"", "\"\" has no port; write host:port or [IPv6]:port"},
		{"hq", "\"hq\" has no port; write host:port or [IPv6]:port"},
		{"hq:", "\"hq:\" has no port from 1 to 65535; write host:port or [IPv6]:port"},
		{"hq:0", "\"hq:0\" has no port from 1 to 65535; write host:port or [IPv6]:port"},
		{"hq:65536",
			"\"hq:65536\" has no port from 1 to 65535; write host:port or [IPv6]:port"},
		{"hq:+80",
			"\"hq:+80\" has no port from 1 to 65535; write host:port or [IPv6]:port"},
		{":80", "\":80\" has no valid host name or address; write host:port or "
			"[IPv6]:port"},
		{"a b:80", "\"a b:80\" has no valid host name or address; write host:port or "
			   "[IPv6]:port"},
		{"300.1.1.1:80", "\"300.1.1.1:80\" has no valid host name or address; write "
				 "host:port or [IPv6]:port"},
		{"::1:80", "\"::1:80\" is an IPv6 address without brackets; write host:port or "
			   "[IPv6]:port"},
		{"[::1]", "\"[::1]\" has no port; write host:port or [IPv6]:port"},
		{"[::1]x:80", "\"[::1]x:80\" has no port; write host:port or [IPv6]:port"},
		{"[hq]:80", "\"[hq]:80\" has no valid host name or address; write host:port or "
			    "[IPv6]:port"},
		{"/run/x.sock", "\"/run/x.sock\" has no port; write host:port or [IPv6]:port"},
		{"h\x80:1", "\"h\\x80:1\" has no valid host name or address; write host:port or "
			    "[IPv6]:port"},
	};
	struct endpoint e;
	struct errmsg err;
	char path[200] = "/";
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(endpoint_parse(&e, bad[i].text, false, &err), SC_ERR_INVALID);
		assert_string_equal(err.text, bad[i].message);
	}
	memset(path + 1, 'x', 107);
	assert_int_equal(endpoint_parse(&e, path, true, &err), SC_ERR_INVALID);
	assert_string_equal(
		err.text, "the path has 108 characters; a Unix socket's has at most 107");
	path[107] = '\0';
	assert_int_equal(endpoint_parse(&e, path, true, &err), SC_OK);
}

static void
test_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{"[::1]:80", "[0:0:0:0:0:0:0:1]:80", true},
		{"[2001:DB8::a]:80", "[2001:db8:0::000a]:80", true},
		{"[::1]:80", "[::1]:81", false},
		{"[::1]:80", "[::2]:80", false},
		{"[::]:80", "0.0.0.0:80", false},
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"Localhost:80", "localhost:80", true},
		{"localhost:80", "127.0.0.1:80", false},
		{"/run/a", "/run/a", true},
		{"/run/a", "/run/A", false},
		{"/run/a", "a:80", false},
	};
	struct endpoint a, b;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(endpoint_parse(&a, pairs[i].a, true, &err), SC_OK);
		assert_int_equal(endpoint_parse(&b, pairs[i].b, true, &err), SC_OK);
		assert_true(endpoint_same(&a, &b) == pairs[i].same);
		assert_true(endpoint_same(&b, &a) == pairs[i].same);
		assert_true((endpoint_order(&a, &b) < 0) == (endpoint_order(&b, &a) > 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
