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
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = strlen(cases[i].text);
		if (http_parse(cases[i].text, n, "/metrics") != cases[i].request)
			fail_msg("%s", cases[i].text);
	}
	memset(much, 'G', sizeof(much));
	assert_int_equal(http_parse(much, sizeof(much) - 1, "/metrics"), HTTP_MORE);
	assert_int_equal(http_parse(much, sizeof(much), "/metrics"), HTTP_LONG);
}

static void
test_head(void **state)
{
	char head[HTTP_HEAD_MAX];
	(void)state;

	size_t n = http_head(head, HTTP_GET, "text/plain", 17);
	assert_string_equal(head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n"
				  "Connection: close\r\n\r\n");
	assert_int_equal(n, strlen(head));
	for (unsigned r = HTTP_OTHER_PAGE; r <= HTTP_WRONG; r++) {
		n = http_head(head, r, "text/plain; version=0.0.4; charset=utf-8", 0);
		assert_true(n < sizeof(head) && memcmp(head, "HTTP/1.1 4", 10) == 0);
		assert_string_equal(head + n - 4, "\r\n\r\n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
