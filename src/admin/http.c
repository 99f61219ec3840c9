/* Knows what a request of HTTP/1 looks like, and the head of an answer. */
#include "admin/http.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* True if the headers end somewhere in it. */
static bool
is_whole(const char *data, size_t n)
{
	return memmem(data, n, "\r\n\r\n", 4) || memmem(data, n, "\n\n", 2);
}

/* Takes a word up to a space off the front. */
static struct span
word(const char **at, const char *end)
{
	const char *space = memchr(*at, ' ', (size_t)(end - *at));
	struct span s = {(const uint8_t *)*at, (size_t)((space ? space : end) - *at)};

	*at = space ? space + 1 : end;
	return s;
}

static bool
is(struct span s, const char *text)
{
	return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

/* Something that may become the first line: printable, a method first. */
static bool
may_be_http(const char *data, size_t n)
{
	for (size_t i = 0; i < n && data[i] != '\n' && data[i] != '\r'; i++)
		if (data[i] < 0x20 || data[i] > 0x7e)
			return false;
	return n == 0 || (data[0] >= 'A' && data[0] <= 'Z');
}

enum http_request
http_parse(const char *data, size_t n, const char *page, bool *chunks)
{
	*chunks = false;
	if (!may_be_http(data, n))
		return HTTP_WRONG;
	if (!is_whole(data, n))
		return n < HTTP_REQUEST_MAX ? HTTP_MORE : HTTP_LONG;
	const char *at = data, *end = memchr(data, '\n', n);
	if (end > at && end[-1] == '\r')
		end--;
	struct span method = word(&at, end), target = word(&at, end), version = word(&at, end);
	const uint8_t *query = target.size ? memchr(target.data, '?', target.size) : NULL;

	if (at != end || (!is(version, "HTTP/1.1") && !is(version, "HTTP/1.0")))
		return HTTP_WRONG;
	if (!is(method, "GET") && !is(method, "HEAD"))
		return HTTP_OTHER_METHOD;
	*chunks = is(version, "HTTP/1.1");
	if (query)
		target.size = (size_t)(query - target.data);
	if (!is(target, page))
		return HTTP_OTHER_PAGE;
	return is(method, "GET") ? HTTP_GET : HTTP_HEAD;
}

size_t
http_head(char out[HTTP_HEAD_MAX], enum http_request request, const char *type, bool chunks)
{
	static const char *const status[] = {[HTTP_GET] = "200 OK",
		[HTTP_HEAD] = "200 OK",
		[HTTP_OTHER_PAGE] = "404 Not Found",
		[HTTP_OTHER_METHOD] = "405 Method Not Allowed\r\nAllow: GET, HEAD",
		[HTTP_LONG] = "431 Request Header Fields Too Large",
		[HTTP_WRONG] = "400 Bad Request"};
	const char *length = request != HTTP_GET && request != HTTP_HEAD ? "Content-Length: 0\r\n"
		: chunks ? "Transfer-Encoding: chunked\r\n" : "";

	return (size_t)snprintf(out, HTTP_HEAD_MAX,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\n%sConnection: close\r\n\r\n", status[request],
		type, length);
}

void
http_chunk_head(char out[HTTP_CHUNK_HEAD], size_t n)
{
	char text[HTTP_CHUNK_HEAD + 1];

	snprintf(text, sizeof(text), "%08x\r\n", (unsigned)n);
	memcpy(out, text, HTTP_CHUNK_HEAD);
}
