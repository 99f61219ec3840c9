/* Tests admin/request.c: requests read and written, and what is said about wrong ones. */
#include "unit.h"

#include "admin/request.h"

static void
test_right(void **state)
{
	static const struct {
		const char *line;
		enum request_kind kind;
	} good[] = {
		{"{\"request\":\"status\"}", REQUEST_STATUS},
		{"{ \"request\" : \"version\" }", REQUEST_VERSION},
		{"{\"request\":\"reload\"}\r", REQUEST_RELOAD},
		{"{\"request\":\"drain\"}  ", REQUEST_DRAIN},
		{"  {\"request\":\"stop\"}", REQUEST_STOP},
		{"{\"request\":\"keys\"}", REQUEST_KEYS},
		{"{\"peer\":\"hq\",\"request\":\"renew\"}", REQUEST_RENEW},
		{"{\"request\":\"log\",\"level\":\"debug\"}", REQUEST_LOG},
	};
	struct request r;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (request_parse(&r, good[i].line, strlen(good[i].line), &err) != SC_OK)
			fail_msg("%s: %s", good[i].line, err.text);
		assert_int_equal(r.kind, good[i].kind);
		assert_string_equal(r.peer, r.kind == REQUEST_RENEW ? "hq" : "");
		if (r.kind == REQUEST_LOG)
			assert_int_equal(r.level, LOG_LEVEL_DEBUG);
	}
}

static void
test_wrong(void **state)
{
	static const struct {
		const char *line, *part;
		size_t size; /* 0: of the text */
	} bad[] = {
		{"", "one JSON object", 0},
		{"status", "one JSON object", 0},
		{"[]", "one JSON object", 0},
		{"\"status\"", "one JSON object", 0},
		{"{", "one JSON object", 0},
		{"{\"request\":\"status\"}{}", "one JSON object", 0},
		{"{\"request\":\"status\",}", "one JSON object", 0},
		{"{'request':'status'}", "one JSON object", 0},
		{"{\"request\":\"\xff\"}", "one JSON object", 0},
		{"{\"request\":{\"a\":{\"b\":{\"c\":1}}}}", "one JSON object", 0},
		{"{\"request\":\"status\"}\0x", "not text", 22},
		{"{\"request\":\"sta\ntus\"}", "not text", 0},
		{"{}", "\"request\" must be one of status, version", 0},
		{"{\"request\":1}", "\"request\" must be one of", 0},
		{"{\"request\":\"Status\"}", "\"request\" must be one of", 0},
		{"{\"request\":\"status\\u0000\"}", "\"request\" must be one of", 0},
		{"{\"request\":\"status\",\"peer\":\"hq\"}", "does not take", 0},
		{"{\"request\":\"renew\"}", "\"peer\" must be", 0},
		{"{\"request\":\"renew\",\"peer\":\"\"}", "\"peer\" must be", 0},
		{"{\"request\":\"renew\",\"peer\":\"../x\"}", "\"peer\" must be", 0},
		{"{\"request\":\"renew\",\"peer\":\"hq\\u0000x\"}", "\"peer\" must be", 0},
		{"{\"request\":\"renew\",\"peer\":[\"hq\"]}", "\"peer\" must be", 0},
		{"{\"request\":\"log\",\"level\":\"loud\"}", "\"level\" must be", 0},
		{"{\"request\":\"log\",\"level\":\"info\",\"x\":null}", "does not take", 0},
	};
	char deep[REQUEST_LINE_MAX];
	struct request r;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t n = bad[i].size ? bad[i].size : strlen(bad[i].line);
		assert_int_equal(request_parse(&r, bad[i].line, n, &err), SC_ERR_INVALID);
		if (!strstr(err.text, bad[i].part))
			fail_msg("%s: %s", bad[i].line, err.text);
	}
	memset(deep, '[', sizeof(deep));
	assert_int_equal(request_parse(&r, deep, sizeof(deep) - 1, &err), SC_ERR_INVALID);
	assert_int_equal(request_parse(&r, deep, sizeof(deep), &err), SC_ERR_INVALID);
}

static void
test_format(void **state)
{
	struct request r = {.peer = "hq", .level = LOG_LEVEL_WARNING}, again;
	char line[REQUEST_LINE_MAX];
	struct errmsg err;
	(void)state;

	memset(r.peer, 'p', PEER_NAME_MAX);
	for (unsigned kind = 0; kind < REQUEST_KINDS; kind++) {
		r.kind = kind;
		size_t n = request_format(line, &r);
		assert_true(n == strlen(line) && line[n - 1] == '\n');
		assert_int_equal(request_parse(&again, line, n - 1, &err), SC_OK);
		assert_int_equal(again.kind, kind);
		if (kind == REQUEST_RENEW)
			assert_string_equal(again.peer, r.peer);
		if (kind == REQUEST_LOG)
			assert_int_equal(again.level, r.level);
	}
}

static void
test_lines(void **state)
{
	struct request_reader r = {.used = 0};
	const char *data = "ab\n\ncd";
	size_t n = 6, size = 9;
	char much[REQUEST_LINE_MAX];
	(void)state;

	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_LINE);
	assert_true(size == 2 && memcmp(r.line, "ab", 2) == 0 && n == 3);
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_LINE);
	assert_true(size == 0 && n == 2);
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_NONE);
	assert_int_equal(n, 0);
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_NONE);
	data = "e\n";
	n = 2;
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_LINE);
	assert_true(size == 3 && memcmp(r.line, "cde", 3) == 0 && n == 0);

	memset(much, 'x', sizeof(much));
	data = much;
	n = sizeof(much) - 1;
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_NONE);
	data = "\n";
	n = 1;
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_LINE);
	assert_int_equal(size, REQUEST_LINE_MAX - 1);
	data = much;
	n = sizeof(much);
	assert_int_equal(request_read(&r, &data, &n, &size), REQUEST_LONG);
}

static void
test_answers(void **state)
{
	struct json_object *o = answer_new();
	(void)state;
	assert_string_equal(
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), "{\"ok\":true}");
	json_object_put(o);
	o = answer_error("no \"x\"");
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
		"{\"ok\":false,\"error\":\"no \\\"x\\\"\"}");
	json_object_put(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
