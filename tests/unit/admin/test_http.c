/* Tests admin/http.c. */
#include "unit.h"

#include "admin/http.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		enum http_request request;
	} cases[] = {
		{"", HTTP_MORE},
		{"G", HTTP_MORE},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n", HTTP_MORE},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_GET},
		{"GET /metrics HTTP/1.0\n\n", HTTP_GET},
		{"GET /metrics?x=1 HTTP/1.1\r\n\r\nrest", HTTP_GET},
		{"HEAD /metrics HTTP/1.1\r\n\r\n", HTTP_HEAD},
		{"GET / HTTP/1.1\r\n\r\n", HTTP_OTHER_PAGE},
		{"GET /metricsx HTTP/1.1\r\n\r\n", HTTP_OTHER_PAGE},
		{"GET  HTTP/1.1\r\n\r\n", HTTP_OTHER_PAGE},
		{"POST /metrics HTTP/1.1\r\n\r\n", HTTP_OTHER_METHOD},
		{"GET /metrics HTTP/2\r\n\r\n", HTTP_WRONG},
		{"GET /metrics\r\n\r\n", HTTP_WRONG},
		{"GET /metrics HTTP/1.1 x\r\n\r\n", HTTP_WRONG},
		{"GET\n\n", HTTP_WRONG},
		{"\r\n\r\n", HTTP_WRONG},
		{"\x16\x03\x01", HTTP_WRONG},
		{"get /metrics HTTP/1.1\r\n\r\n", HTTP_WRONG},
		{"G\x80", HTTP_WRONG},
	};
	char much[HTTP_REQUEST_MAX];
	bool chunks;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = strlen(cases[i].text);
		if (http_parse(cases[i].text, n, "/metrics", &chunks) != cases[i].request)
			fail_msg("%s", cases[i].text);
	}
	memset(much, 'G', sizeof(much));
	assert_int_equal(http_parse(much, sizeof(much) - 1, "/metrics", &chunks), HTTP_MORE);
	assert_int_equal(http_parse(much, sizeof(much), "/metrics", &chunks), HTTP_LONG);
}

static void
test_chunks(void **state)
{
	static const char old[] = "GET /metrics HTTP/1.0\r\n\r\n",
			  now[] = "HEAD /metrics HTTP/1.1\r\n\r\n";
	char head[HTTP_CHUNK_HEAD];
	bool chunks = true;
	(void)state;

	assert_int_equal(http_parse(old, strlen(old), "/metrics", &chunks), HTTP_GET);
	assert_false(chunks);
	assert_int_equal(http_parse(now, strlen(now), "/metrics", &chunks), HTTP_HEAD);
	assert_true(chunks);
	assert_int_equal(http_parse(now, strlen(now) - 1, "/metrics", &chunks), HTTP_MORE);
	assert_false(chunks);
	http_chunk_head(head, 0x1f40);
	assert_memory_equal(head, "00001f40\r\n", sizeof(head));
}

static void
test_head(void **state)
{
	char head[HTTP_HEAD_MAX];
	(void)state;

	size_t n = http_head(head, HTTP_GET, "text/plain", true);
	assert_string_equal(head,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
		"Connection: close\r\n\r\n");
	assert_int_equal(n, strlen(head));
	http_head(head, HTTP_HEAD, "text/plain", false);
	assert_string_equal(
		head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
	for (unsigned r = HTTP_OTHER_PAGE; r <= HTTP_WRONG; r++) {
		n = http_head(head, r, "text/plain; version=0.0.4; charset=utf-8", r % 2);
		assert_true(n < sizeof(head) && memcmp(head, "HTTP/1.1 4", 10) == 0);
		assert_non_null(strstr(head, "Content-Length: 0\r\n"));
		assert_string_equal(head + n - 4, "\r\n\r\n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
