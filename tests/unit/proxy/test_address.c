/* Tests proxy/address.c. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "proxy/address.h"

static struct sockaddr_storage
address_of(const char *host, uint16_t port)
{
	struct sockaddr_storage out = {0};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(&out, &in, sizeof(in));
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
		memcpy(&out, &in6, sizeof(in6));
	}
	return out;
}

static void
assert_text(const char *host, uint16_t port, const char *wanted)
{
	char text[ADDRESS_TEXT_SIZE];
	struct sockaddr_storage a = address_of(host, port);

	address_text(text, (struct sockaddr *)&a);
	assert_string_equal(text, wanted);
}

static void
test_text(void **state)
{
	char text[ADDRESS_TEXT_SIZE];
	struct sockaddr_storage nothing = {.ss_family = AF_UNIX};
	(void)state;
	assert_text("203.0.113.5", 7400, "203.0.113.5:7400");
	assert_text("2001:db8::1", 65535, "[2001:db8::1]:65535");
	assert_text("::ffff:192.0.2.1", 80, "192.0.2.1:80");
	assert_text("1111:2222:3333:4444:5555:6666:7777:8888", 65535,
		"[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
	address_text(text, (struct sockaddr *)&nothing);
	assert_string_equal(text, "unix");
}

static struct source
source_of(const char *host)
{
	struct sockaddr_storage a = address_of(host, 1);
	return address_source((struct sockaddr *)&a);
}

static void
test_source(void **state)
{
	struct source a = source_of("192.0.2.1"), b = source_of("::ffff:192.0.2.1");
	struct source c = source_of("2001:db8:1:2::1"), d = source_of("2001:db8:1:2:ffff::9");
	struct source e = source_of("2001:db8:1:3::1"), f = source_of("192.0.2.2");
	struct sockaddr_storage nothing = {.ss_family = AF_UNIX};
	struct source none = address_source((struct sockaddr *)&nothing);
	(void)state;
	assert_true(source_equal(&a, &b));  /* the same host, however it came */
	assert_true(source_equal(&c, &d));  /* one /64 */
	assert_false(source_equal(&d, &e)); /* the next /64 */
	assert_false(source_equal(&a, &f));
	assert_int_equal(none.size, 0);
	assert_false(source_equal(&none, &a));
}

static void
assert_parsed(const char *text, const char *host)
{
	struct source got = address_source_parse(text), wanted = source_of(host);
	assert_true(source_equal(&got, &wanted));
}

static void
test_source_of_text(void **state)
{
	static const char *const wrong[] = {"", ":", "[", "[]:1", "unix", "192.0.2.1", "1.2.3:4",
		"[192.0.2.1]:5", "2001:db8::1:5", "[2001:db8::1", "]:5[",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee]:1"};
	(void)state;
	assert_parsed("192.0.2.1:7400", "192.0.2.1");
	assert_parsed("[2001:db8:1:2::1]:7400", "2001:db8:1:2::77");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(address_source_parse(wrong[i]).size, 0);
}

static void
test_stream_address(void **state)
{
	char text[ADDRESS_TEXT_SIZE];
	struct sockaddr_storage a = address_of("2001:db8::2", 443);
	struct stream_address s = address_to_stream((struct sockaddr *)&a);
	struct stream_address none = {0};
	(void)state;
	assert_int_equal(s.size, 16);
	assert_int_equal(s.port, 443);
	stream_address_text(text, &s);
	assert_string_equal(text, "[2001:db8::2]:443");
	a = address_of("10.1.2.3", 5);
	s = address_to_stream((struct sockaddr *)&a);
	assert_int_equal(s.size, 4);
	assert_memory_equal(s.bytes, "\x0a\x01\x02\x03", 4);
	stream_address_text(text, &none);
	assert_string_equal(text, "");
}

static void
test_loopback(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = {{"127.0.0.1", true}, {"127.9.9.9", true}, {"128.0.0.1", false},
		{"0.0.0.0", false}, {"192.0.2.7", false}, {"::1", true}, {"::", false},
		{"::2", false}, {"::ffff:127.0.0.1", true}, {"2001:db8::1", false}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		bool is_v4 = inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1;
		assert_true(is_v4 || inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr) == 1);
		const void *address = is_v4 ? (const void *)&v4 : &v6;
		assert_int_equal(address_is_loopback(address), cases[i].is);
	}
	assert_false(address_is_loopback(&(struct sockaddr){.sa_family = AF_UNIX}));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_source_of_text),
		cmocka_unit_test(test_stream_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
