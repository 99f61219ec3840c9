/* Feeds lines, in pieces and whole, and what they hold to a negotiation; asserts that pieces change
   nothing, that a line is printable, not empty and within its bounds, and that a negotiation agrees
   on nothing but an own name and always ends. */
#include "fuzz.h"

#include "secureconn/line.h"
#include "secureconn/negotiate.h"

#define NAMES 6

static const char *const names[NAMES] = {
	"AES 256", "AES 128", "ChaCha20-Poly1305", "CAST-128", "A", "SecureConn 1.0"};

struct talk {
	struct negotiation negotiation;
	struct span suggested[3 * LINES_MAX]; /* by either side */
	size_t n_suggested;
	unsigned said; /* names that this side has suggested */
	bool over;
};

static void
check_line(struct span line)
{
	FUZZ_ASSERT(line.size > 0 && line.size < LINE_SIZE_MAX);
	for (size_t i = 0; i < line.size; i++)
		FUZZ_ASSERT(line.data[i] >= 0x20 && line.data[i] <= 0x7e);
}

static bool
is_own(const struct negotiation *n, const char *name)
{
	for (size_t i = 0; i < n->n_own; i++)
		if (n->own[i] == name)
			return true;
	return false;
}

static void
note(struct talk *t, struct span name)
{
	FUZZ_ASSERT(t->n_suggested < ARRAY_SIZE(t->suggested));
	t->suggested[t->n_suggested++] = name;
}

static bool
was_suggested(const struct talk *t, struct span name)
{
	for (size_t i = 0; i < t->n_suggested; i++)
		if (t->suggested[i].size == name.size &&
			memcmp(t->suggested[i].data, name.data, name.size) == 0)
			return true;
	return false;
}

static void
check_outcome(struct talk *t, enum negotiation_outcome outcome, const char *reply)
{
	const struct negotiation *n = &t->negotiation;

	t->over = outcome != NEGOTIATION_GOES_ON;
	switch (outcome) {
	case NEGOTIATION_GOES_ON:
		FUZZ_ASSERT(is_own(n, reply) && n->last == reply && !n->agreed);
		FUZZ_ASSERT(++t->said <= n->n_own); /* so it ends */
		note(t, (struct span){(const uint8_t *)reply, strlen(reply)});
		break;
	case NEGOTIATION_OURS:
		FUZZ_ASSERT(is_own(n, n->agreed) && n->agreed == n->last && !reply);
		break;
	case NEGOTIATION_THEIRS:
		FUZZ_ASSERT(is_own(n, n->agreed) && n->agreed == reply);
		break;
	case NEGOTIATION_FAILED_TELL:
		FUZZ_ASSERT(!n->agreed && strcmp(reply, NEGOTIATION_NONE) == 0);
		break;
	case NEGOTIATION_FAILED:
	case NEGOTIATION_TWICE:
		FUZZ_ASSERT(!n->agreed && !reply);
		break;
	}
}

static void
talk_start(struct talk *t, struct choices *c)
{
	uint8_t list = choose_u8(c);
	const char *own[NAMES] = {NULL}, *reply;
	size_t n = list / 8 % (NAMES + 1);

	for (size_t i = 0; i < n; i++)
		own[i] = names[(i + list / 64) % NAMES];
	memset(t, 0, sizeof(*t));
	negotiation_init(&t->negotiation, own, n);
	if (list & 1) {
		enum negotiation_outcome outcome = negotiation_open(&t->negotiation, &reply);
		check_outcome(t, outcome, reply);
	}
}

static void
talk_line(struct talk *t, struct span line)
{
	const struct negotiation *n = &t->negotiation;
	const char *reply, *last = n->last;
	bool repeats = last && line.size == strlen(last) && memcmp(last, line.data, line.size) == 0;

	if (t->over)
		return;
	bool none = line.size == 4 && memcmp(line.data, NEGOTIATION_NONE, 4) == 0;
	bool twice = !repeats && !none && was_suggested(t, line);
	enum negotiation_outcome outcome = negotiation_receive(&t->negotiation, line, &reply);
	FUZZ_ASSERT((outcome == NEGOTIATION_OURS) == repeats);
	FUZZ_ASSERT((outcome == NEGOTIATION_TWICE) == twice);
	note(t, line);
	check_outcome(t, outcome, reply);
}

/* Reads all lines, of which `piece` bytes more are there at each look; 0: all at once. */
static enum sc_error
read_lines(struct span input, size_t piece, struct talk *talk, uint64_t *sum)
{
	struct line_reader reader = {.count = 0};
	size_t there = piece > 0 ? 0 : input.size, at = 0, used;
	unsigned lines = 0;
	struct span line;

	for (;;) {
		struct span data = {input.data + at, there - at};
		enum sc_error error = line_next(&reader, data, &line, &used);
		if (error)
			return error;
		if (used > 0) {
			FUZZ_ASSERT(used <= data.size && data.data[used - 1] == '\n');
			FUZZ_ASSERT(++lines <= LINES_MAX);
			check_line(line);
			*sum = *sum * 31 + (uint64_t)(line.data - input.data) * 8192 + line.size;
			at += used;
			if (talk)
				talk_line(talk, line);
		} else if (there == input.size) {
			FUZZ_ASSERT(data.size <= LINE_SIZE_MAX);
			return SC_OK;
		} else {
			there += min_size(piece, input.size - there);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices c = {data, data + size};
	uint64_t whole = 0, pieces = 0;
	struct talk talk;

	talk_start(&talk, &c);
	size_t piece = 1 + choose_below(&c, 64);
	struct span input = {c.at, (size_t)(c.end - c.at)};
	enum sc_error error = read_lines(input, 0, &talk, &whole);
	FUZZ_ASSERT(read_lines(input, piece, NULL, &pieces) == error && pieces == whole);
	return 0;
}
