/* Tests config/read.c. */
#include "unit.h"

#include "config/read.h"
#include "scratch.h"

struct trace {
	char text[4096];
	size_t used;
	unsigned stop_at; /* fails in this line */
};

static void
note(struct trace *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	t->used += (size_t)vsnprintf(t->text + t->used, sizeof(t->text) - t->used, format, args);
	va_end(args);
	assert_true(t->used < sizeof(t->text));
}

static enum sc_error
on_section(void *arg, struct place at, const char *name, struct errmsg *err)
{
	struct trace *t = arg;
	note(t, "%u[%s]", at.line, name);
	return at.line == t->stop_at ? place_error(err, SC_ERR_LIMIT, at, "stop") : SC_OK;
}

static enum sc_error
on_value(void *arg, struct place at, const char *key, const char *value, bool more,
	struct errmsg *err)
{
	struct trace *t = arg;
	note(t, "%u{%s}%s{%s}", at.line, key, more ? "+" : "", value);
	return at.line == t->stop_at ? place_error(err, SC_ERR_LIMIT, at, "stop") : SC_OK;
}

static enum sc_error
read_bytes(struct trace *t, const void *data, size_t n, struct errmsg *err)
{
	struct scratch s;
	const struct ini_events events = {on_section, on_value, t};
	char path[SCRATCH_PATH_SIZE];

	t->used = 0;
	t->text[0] = '\0';
	scratch_init(&s);
	scratch_write(&s, "x", data, n);
	snprintf(path, sizeof(path), "%s", scratch_path(&s, "x"));
	enum sc_error error = ini_read(path, &events, err);
	if (error != SC_OK) /* the folder has another name each time */
		memmove(err->text, err->text + strlen(s.folder) + 1,
			strlen(err->text + strlen(s.folder) + 1) + 1);
	scratch_fini(&s);
	return error;
}

static void
test_good(void **state)
{
	static const struct {
		const char *text, *trace;
	} good[] = {
		{"", ""}, {"; only\n# comments\n\n", ""}, {"\xef\xbb\xbf[a]\n", "1[a]"},
		{"[a]\r\nk = v\r\n", "1[a]2{k}{v}"}, {"[a]\nk=v", "1[a]2{k}{v}"},
		{"  [ a b ]  ; c\n\t k =  v w  ; c\n", "1[a b]2{k}{v w}"},
		{"[a]\nk = ;c\n", "1[a]2{k}{}"}, {"[a]\nk = a;b\n", "1[a]2{k}{a;b}"},
		{"[a]\n[b]\n[a]\n", "1[a]2[b]3[a]"},
		{"[a]\nk = 1, ; one\n\n\t2, ; k = 2\n  ; no\n 3\nl = 4\n",
			"1[a]2{k}{1,}4{k}+{2,}6{k}+{3}7{l}{4}"},
		{"[a]\nk = 1\n  l = 2\n",
			"1[a]2{k}{1}3{l}{2}"}, /* indented, but a key of its own */
	};
	struct trace t = {.stop_at = 0};
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (read_bytes(&t, good[i].text, strlen(good[i].text), &err) != SC_OK)
			fail_msg("%zu: %s", i, err.text);
		assert_string_equal(t.text, good[i].trace);
	}
}

static void
test_bad(void **state)
{
#define TEXT(s) s, sizeof(s) - 1
	static const struct {
		const char *text;
		size_t n;
		const char *message;
	} bad[] = {
		{TEXT("[a\n"), "x:1: a \"]\" is missing at the end of the section's name"},
		{TEXT("[a] b\n"), "x:1: there is something after the \"]\"; a section stands alone "
				  "on its line"},
		{TEXT("[a]\nk = v\0w\n"), "x:2: there is a byte 0x00, which is no text; remove it"},
		{TEXT("[a]\n\x1b[31m\n"), "x:2: there is a byte 0x1b, which is no text; remove it"},
		{TEXT("[a]\nword\nk = v\n[b\n"),
			"x:2: there is no \"=\" in this line; write it as key = value"},
		{TEXT("[a]\n  word\n"), "x:2: an indented line goes on with the line before, and "
					"there is no key there"},
		{TEXT("[a]\nk = v\n[b]\n  word\n"), "x:4: an indented line goes on with the line "
						    "before, and there is no key there"},
	};
	struct trace t = {.stop_at = 0};
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(read_bytes(&t, bad[i].text, bad[i].n, &err), SC_ERR_FORMAT);
		assert_string_equal(err.text, bad[i].message);
	}
}

/* Nothing is ever cut: whatever length a line has, it comes whole or is an error. */
static void
test_long_lines(void **state)
{
	struct trace t = {.stop_at = 0};
	struct errmsg err = {""};
	size_t longest = 0;
	(void)state;

	for (size_t n = 1; n < 400; n++) {
		char text[512] = "[a]\nk=", value[512] = "";
		memset(value, 'x', n);
		snprintf(text + 6, sizeof(text) - 6, "%s\nl=1\n", value);
		enum sc_error error = read_bytes(&t, text, strlen(text), &err);
		if (error == SC_OK) {
			char expected[600];
			snprintf(expected, sizeof(expected), "1[a]2{k}{%s}3{l}{1}", value);
			assert_string_equal(t.text, expected);
			assert_int_equal(longest, n - 1); /* no longer one after one that failed */
			longest = n;
		}
	}
	assert_true(longest > 150 && longest < 399);
	assert_memory_equal(err.text, "x:2: the line has 401 characters, and at most", 45);
}

static void
test_long_section(void **state)
{
	struct trace t = {.stop_at = 0};
	struct errmsg err;
	char name[160] = "", text[200], expected[200];
	(void)state;

	memset(name, 's', 127);
	snprintf(text, sizeof(text), "[%s]\n", name);
	assert_int_equal(read_bytes(&t, text, strlen(text), &err), SC_OK);
	snprintf(expected, sizeof(expected), "1[%s]", name);
	assert_string_equal(t.text, expected);
	name[127] = 's';
	snprintf(text, sizeof(text), "[%s]\n", name);
	assert_int_equal(read_bytes(&t, text, strlen(text), &err), SC_ERR_FORMAT);
	assert_string_equal(
		err.text, "x:1: the section's name is too long; at most 127 characters");
}

static void
test_stops_where_told(void **state)
{
	static const char text[] = "[a]\nk = 1\nl = 2\n[b]\nm = 3\n";
	struct trace t = {.stop_at = 2};
	struct errmsg err;
	(void)state;

	assert_int_equal(read_bytes(&t, text, strlen(text), &err), SC_ERR_LIMIT);
	assert_string_equal(t.text, "1[a]2{k}{1}");
	assert_string_equal(err.text, "x:2: stop");
	t.stop_at = 4;
	assert_int_equal(read_bytes(&t, text, strlen(text), &err), SC_ERR_LIMIT);
	assert_string_equal(t.text, "1[a]2{k}{1}3{l}{2}4[b]");
}

static void
test_no_file(void **state)
{
	struct trace t = {.stop_at = 0};
	const struct ini_events events = {on_section, on_value, &t};
	struct errmsg err;
	(void)state;
	assert_int_equal(ini_read("/nonexistent/x", &events, &err), SC_ERR_NOT_FOUND);
	assert_string_equal(
		err.text, "/nonexistent/x: cannot be opened: No such file or directory");
	assert_int_equal(ini_read("/", &events, &err), SC_ERR_FORMAT);
	assert_string_equal(err.text, "/: is not a file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_long_section),
		cmocka_unit_test(test_stops_where_told),
		cmocka_unit_test(test_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
