/* Tests secureconn/line.c: what may stand in a line, and how lines come in pieces. */
#include "unit.h"

#include "secureconn/line.h"

static struct line_reader reader;
static struct span line;
static size_t used;

static enum sc_error
next(const char *data, size_t size)
{
	return line_next(&reader, (struct span){(const uint8_t *)data, size}, &line, &used);
}

static int
setup(void **state)
{
	(void)state;
	reader = (struct line_reader){.count = 0};
	return 0;
}

static void
test_whole_lines(void **state)
{
	(void)state;
	assert_int_equal(next("SecureConn 1.0\nrest", 19), SC_OK);
	assert_int_equal(used, 15);
	assert_int_equal(line.size, 14);
	assert_int_equal(next("NONE\r\n", 6), SC_OK);
	assert_int_equal(used, 6);
	assert_int_equal(line.size, 4);
	assert_int_equal(reader.count, 2);
}

static void
test_byte_by_byte(void **state)
{
	static const char text[] = "ASYM: X25519\r\n";
	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		assert_int_equal(next(text, n), SC_OK);
		assert_int_equal(used, 0);
	}
	assert_int_equal(next(text, sizeof(text) - 1), SC_OK);
	assert_int_equal(used, sizeof(text) - 1);
	assert_int_equal(line.size, 12);
}

static void
test_forbidden_bytes(void **state)
{
	static const char bad[][4] = {"a\x01", "a\x1f", "a\x7f", "a\x80", "a\t", "\xc3\xa9"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		setup(NULL);
		assert_int_equal(next(bad[i], 2), SC_ERR_LINE_BYTE);
	}
	setup(NULL);
	assert_int_equal(next("a\0b\n", 4), SC_ERR_LINE_BYTE);
	setup(NULL);
	assert_int_equal(next("a\rb\n", 4), SC_ERR_LINE_BYTE);
	setup(NULL);
	assert_int_equal(next("a\r\r\n", 4), SC_ERR_LINE_BYTE);
}

static void
test_empty_line(void **state)
{
	(void)state;
	assert_int_equal(next("\n", 1), SC_ERR_LINE_EMPTY);
	setup(NULL);
	assert_int_equal(next("\r\n", 2), SC_ERR_LINE_EMPTY);
}

static void
test_longest_line(void **state)
{
	static char data[LINE_SIZE_MAX + 2];
	(void)state;
	memset(data, 'a', sizeof(data));
	assert_int_equal(next(data, LINE_SIZE_MAX - 1), SC_OK);
	data[LINE_SIZE_MAX - 1] = '\n';
	assert_int_equal(next(data, LINE_SIZE_MAX), SC_OK);
	assert_int_equal(used, LINE_SIZE_MAX);
	data[LINE_SIZE_MAX - 1] = 'a';
	data[LINE_SIZE_MAX] = '\n';
	setup(NULL);
	assert_int_equal(next(data, LINE_SIZE_MAX + 1), SC_ERR_LINE_LONG);
	setup(NULL);
	assert_int_equal(next(data, LINE_SIZE_MAX), SC_ERR_LINE_LONG);
}

static void
test_at_most_64_lines(void **state)
{
	(void)state;
	for (int i = 0; i < LINES_MAX; i++)
		assert_int_equal(next("a\n", 2), SC_OK);
	assert_int_equal(next("a\n", 2), SC_ERR_LINE_COUNT);
}

/* A node may allow less; more than the protocol's is as much. */
static void
test_rules(void **state)
{
	(void)state;
	reader.rules = (struct line_rules){.size = 4, .count = 2};
	assert_int_equal(next("abc\n", 4), SC_OK);
	assert_int_equal(next("abcd\n", 5), SC_ERR_LINE_LONG);
	reader.scanned = 0;
	assert_int_equal(next("a\n", 2), SC_OK);
	assert_int_equal(next("a\n", 2), SC_ERR_LINE_COUNT);
	setup(NULL);
	reader.rules = (struct line_rules){.size = 100000, .count = 1000, .total = SIZE_MAX};
	test_at_most_64_lines(NULL);
}

static void
test_total(void **state)
{
	static char longest[LINE_SIZE_MAX];
	(void)state;

	reader.rules.total = 10;
	assert_int_equal(next("abc\r\n", 5), SC_OK);
	assert_int_equal(used, 5);
	assert_int_equal(next("abcd\n", 5), SC_OK);
	assert_int_equal(used, 5);
	assert_int_equal(next("", 0), SC_ERR_LINE_TOTAL);
	setup(NULL);
	reader.rules.total = 10;
	assert_int_equal(next("abc\n", 4), SC_OK);
	assert_int_equal(next("abcde", 5), SC_OK); /* its LF has room */
	assert_int_equal(next("abcdef", 6), SC_ERR_LINE_TOTAL);

	/* As many and as long ones as the protocol allows. */
	setup(NULL);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\n';
	for (int i = 0; i < LINES_MAX; i++)
		assert_int_equal(next(longest, sizeof(longest)), SC_OK);
	assert_int_equal(next("a", 1), SC_ERR_LINE_TOTAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_whole_lines, setup),
		cmocka_unit_test_setup(test_byte_by_byte, setup),
		cmocka_unit_test_setup(test_forbidden_bytes, setup),
		cmocka_unit_test_setup(test_empty_line, setup),
		cmocka_unit_test_setup(test_longest_line, setup),
		cmocka_unit_test_setup(test_at_most_64_lines, setup),
		cmocka_unit_test_setup(test_rules, setup),
		cmocka_unit_test_setup(test_total, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
