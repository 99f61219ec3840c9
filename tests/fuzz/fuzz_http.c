/* Feeds requests to the side that serves metrics, piece by piece: asserts that the verdict, once it
   is there, stays whatever comes behind it, and that an answer fits. */
#include "fuzz.h"

#include "admin/http.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[HTTP_REQUEST_MAX], head[HTTP_HEAD_MAX];
	enum http_request verdict = HTTP_MORE, next;
	size_t step;
	bool chunks = false;

	size = min_size(size, sizeof(text));
	step = size / 32 + 1;
	for (size_t n = 0; n <= size; n += step) {
		if (n > 0)
			memcpy(text, data, n);
		next = http_parse(text, n, "/metrics", &chunks);
		FUZZ_ASSERT(next <= HTTP_WRONG);
		FUZZ_ASSERT(verdict == HTTP_MORE || next == verdict);
		verdict = next;
	}
	if (verdict == HTTP_MORE)
		return 0;
	size_t n = http_head(head, verdict, "text/plain", chunks);
	FUZZ_ASSERT(n == strlen(head) && n < sizeof(head));
	return 0;
}
