/* Tests proxy/proxy_header.c: the bytes, from proxy-protocol.txt 2.1 and 2.2. */
#include "unit.h"

#include "proxy/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static const struct stream_address v4 = {4, {192, 0, 2, 33}, 56324};
static const struct stream_address v4_target = {4, {10, 1, 0, 7}, 443};
static const struct stream_address v6 = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x21}, 65535};
static const struct stream_address v6_target = {16, {0x20, 0x01, 0x0d, 0xb8, [14] = 0xab, 0xcd}, 1};
static const struct stream_address none = {0};

static void
expect(enum proxy_header version, const struct stream_address *from,
	const struct stream_address *to, const void *bytes, size_t n)
{
	uint8_t out[PROXY_HEADER_MAX];

	memset(out, 0xee, sizeof(out));
	assert_int_equal(proxy_header_write(out, version, from, to), n);
	assert_memory_equal(out, bytes, n);
	for (size_t i = n; i < sizeof(out); i++)
		assert_int_equal(out[i], 0xee);
}

#define EXPECT_V1(from, to, text) expect(PROXY_V1, from, to, text, sizeof(text) - 1)
#define EXPECT_V2(from, to, tail)                                                                  \
	expect(PROXY_V2, from, to, SIGNATURE tail, sizeof(SIGNATURE tail) - 1)

static void
test_v1(void **state)
{
	(void)state;
	EXPECT_V1(&v4, &v4_target, "PROXY TCP4 192.0.2.33 10.1.0.7 56324 443\r\n");
	EXPECT_V1(&v6, &v6_target, "PROXY TCP6 2001:db8::21 2001:db8::abcd 65535 1\r\n");
	EXPECT_V1(NULL, &v4_target, "PROXY UNKNOWN\r\n");
	EXPECT_V1(NULL, &none, "PROXY UNKNOWN\r\n");
	EXPECT_V1(&v4, &none, "PROXY TCP4 192.0.2.33 0.0.0.0 56324 0\r\n");
	EXPECT_V1(&v6, &none, "PROXY TCP6 2001:db8::21 :: 65535 0\r\n");
	EXPECT_V1(&v4, &v6_target, "PROXY TCP6 ::ffff:192.0.2.33 2001:db8::abcd 56324 1\r\n");
	EXPECT_V1(&v6, &v4_target, "PROXY TCP6 2001:db8::21 ::ffff:10.1.0.7 65535 443\r\n");
}

/* The longest there is has room. */
static void
test_v1_longest(void **state)
{
	struct stream_address a = {.size = 16, .port = 65535};
	(void)state;

	memset(a.bytes, 0xff, sizeof(a.bytes));
	EXPECT_V1(&a, &a,
		"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
}

static void
test_v2(void **state)
{
	(void)state;
	/* version 2 and PROXY (or LOCAL), family and protocol, length, addresses, ports */
	EXPECT_V2(&v4, &v4_target,
		"\x21\x11\x00\x0c\xc0\x00\x02\x21\x0a\x01\x00\x07\xdc\x04\x01\xbb");
	EXPECT_V2(&v6, &v6_target,
		"\x21\x21\x00\x24"
		"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x21"
		"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\xab\xcd\xff\xff\x00\x01");
	EXPECT_V2(NULL, &v4_target, "\x20\x00\x00\x00");
	EXPECT_V2(&v4, &none, "\x21\x11\x00\x0c\xc0\x00\x02\x21\0\0\0\0\xdc\x04\0\0");
	EXPECT_V2(&v4, &v6_target,
		"\x21\x21\x00\x24"
		"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x21"
		"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\xab\xcd\xdc\x04\x00\x01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v1_longest),
		cmocka_unit_test(test_v2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
