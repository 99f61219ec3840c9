/* Tests base/log.c: both formats, escaping, cutting, levels. */
#include "unit.h"

#include <unistd.h>

#include "base/log.h"

static char text[8192];

/* What one line of the log looks like, with the time cut off in front. */
static const char *
logged(enum log_format format, const void *value, size_t n)
{
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	log_setup(LOG_LEVEL_INFO, format, fds[1]);
	struct log_line l = log_begin(LOG_LEVEL_WARNING, "some_event");
	log_bytes(&l, "value", value, n);
	log_u64(&l, "n", 42);
	log_end(&l);
	close(fds[1]);
	ssize_t got = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(got > 0);
	text[got] = '\0';
	char *rest = strstr(text, format == LOG_FORMAT_JSON ? "\"level\"" : "warning");
	assert_non_null(rest);
	return rest;
}

static void
test_text_escapes(void **state)
{
	(void)state;
	assert_string_equal(
		logged(LOG_FORMAT_TEXT, "plain", 5), "warning some_event value=plain n=42\n");
	assert_string_equal(logged(LOG_FORMAT_TEXT, "", 0), "warning some_event value=\"\" n=42\n");
	assert_string_equal(logged(LOG_FORMAT_TEXT, "a b\"\\\n\x80", 7),
		"warning some_event value=\"a b\\\"\\\\\\x0a\\x80\" n=42\n");
}

static void
test_json_escapes(void **state)
{
	(void)state;
	assert_string_equal(logged(LOG_FORMAT_JSON, "a\"\n\x80", 4),
		"\"level\":\"warning\",\"event\":\"some_event\",\"value\":\"a\\\"\\u000a\\u0080\","
		"\"n\":42}\n");
	assert_int_equal(text[0], '{');
}

static void
test_long_line_is_cut_well_formed(void **state)
{
	static char big[5000];
	(void)state;
	memset(big, 0x01, sizeof(big));
	const char *line = logged(LOG_FORMAT_JSON, big, sizeof(big));
	assert_true(strlen(text) <= sizeof(((struct log_line *)0)->text));
	assert_string_equal(line + strlen(line) - 3, "\"}\n");
	line = logged(LOG_FORMAT_TEXT, big, sizeof(big));
	assert_string_equal(line + strlen(line) - 2, "\"\n");
}

/* A number that has no room goes with its key, wherever the line is full. */
static void
test_a_number_is_there_or_not(void **state)
{
	static char big[sizeof(((struct log_line *)0)->text)];
	(void)state;
	memset(big, 'x', sizeof(big));
	for (size_t n = sizeof(big) - 200; n < sizeof(big); n++)
		for (int json = 0; json < 2; json++) {
			log_setup(LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, -1);
			struct log_line l = log_begin(LOG_LEVEL_WARNING, "some_event");
			log_bytes(&l, "value", big, n);
			log_u64(&l, "number", UINT64_MAX);
			log_close(&l);
			assert_true(l.used <= sizeof(l.text));
			memcpy(text, l.text, l.used);
			text[l.used] = '\0';
			const char *number = strstr(text, "number");
			if (number)
				assert_non_null(strstr(number, "18446744073709551615"));
		}
}

static void
test_levels(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT, -1);
	assert_true(log_enabled(LOG_LEVEL_ERROR));
	assert_false(log_enabled(LOG_LEVEL_INFO));
	struct log_line l = log_begin(LOG_LEVEL_INFO, "quiet");
	log_str(&l, "key", "value");
	assert_int_equal(l.used, 0);
	log_end(&l);
}

static void
test_level_names(void **state)
{
	enum log_level level;
	(void)state;

	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_true(log_level_find(&level, log_level_name((enum log_level)i)));
		assert_int_equal(level, i);
	}
	assert_false(log_level_find(&level, "Error"));
	assert_false(log_level_find(&level, ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_escapes),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_long_line_is_cut_well_formed),
		cmocka_unit_test(test_a_number_is_there_or_not),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_level_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
