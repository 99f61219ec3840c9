/* Feeds bytes to the control socket's side of the node, cut anywhere: asserts that lines come out
   whole, that nothing is ever longer than its bound, that a request that is taken reads the same
   when it is written again, and that a refused one leaves a reason. */
#include "fuzz.h"

#include "admin/request.h"

static void
check_request(const char *line, size_t n)
{
	char again_line[REQUEST_LINE_MAX];
	struct request r, again;
	struct errmsg err = {""};

	memset(&r, 0xa5, sizeof(r));
	if (request_parse(&r, line, n, &err) != SC_OK) {
		FUZZ_ASSERT(err.text[0] != '\0' && !strchr(err.text, '\n'));
		return;
	}
	FUZZ_ASSERT(r.kind < REQUEST_KINDS && r.level <= LOG_LEVEL_DEBUG);
	FUZZ_ASSERT((r.kind == REQUEST_RENEW) == (r.peer[0] != '\0'));
	size_t size = request_format(again_line, &r);
	FUZZ_ASSERT(size < sizeof(again_line) && strlen(again_line) == size);
	FUZZ_ASSERT(request_parse(&again, again_line, size - 1, &err) == SC_OK);
	FUZZ_ASSERT(again.kind == r.kind && again.level == r.level);
	FUZZ_ASSERT(strcmp(again.peer, r.peer) == 0);
}

/* The first byte: how long the pieces are in which the rest comes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices c = {data, data + size};
	struct request_reader reader = {.used = 0};
	size_t piece = (size_t)choose_u8(&c) + 1, length;

	while (choices_left(&c)) {
		struct span part = choose_bytes(&c, piece);
		const char *at = (const char *)part.data;
		size_t left = part.size;
		enum request_more more;

		while ((more = request_read(&reader, &at, &left, &length)) == REQUEST_LINE) {
			FUZZ_ASSERT(
				length < REQUEST_LINE_MAX && !memchr(reader.line, '\n', length));
			check_request(reader.line, length);
		}
		if (more == REQUEST_LONG)
			return 0;
		FUZZ_ASSERT(left == 0 && reader.used < REQUEST_LINE_MAX);
	}
	return 0;
}
