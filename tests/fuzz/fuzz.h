/* What every fuzzer uses: choices read from the input, predictable random bytes, a way to say that
   an invariant is broken. */
#ifndef SC_TESTS_FUZZ_H
#define SC_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "crypto/random.h"

/* One execution: what each fuzz_<name>.c defines, called by libFuzzer or by replay.c. Always 0. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, also in a build without assertions: libFuzzer keeps the input then. */
#define FUZZ_ASSERT(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

static inline void
fuzz_broken(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
	abort();
}

/* The input, read from the front. Behind its end come zeros. */
struct choices {
	const uint8_t *at, *end;
};

static inline bool
choices_left(const struct choices *c)
{
	return c->at < c->end;
}

static inline uint8_t
choose_u8(struct choices *c)
{
	return choices_left(c) ? *c->at++ : 0;
}

static inline uint16_t
choose_u16(struct choices *c)
{
	uint8_t high = choose_u8(c);
	return (uint16_t)(high << 8 | choose_u8(c));
}

/* A number in [0, n), n <= 65536. */
static inline size_t
choose_below(struct choices *c, size_t n)
{
	return (n <= 256 ? choose_u8(c) : choose_u16(c)) % n;
}

/* The next n bytes, or what is left. */
static inline struct span
choose_bytes(struct choices *c, size_t n)
{
	struct span s = {c->at, min_size(n, (size_t)(c->end - c->at))};
	c->at += s.size;
	return s;
}

/* The bytes up to the next LF, which is passed but not part of them, or to the end. */
static inline struct span
choose_line(struct choices *c)
{
	size_t left = (size_t)(c->end - c->at);
	const uint8_t *lf = left > 0 ? memchr(c->at, '\n', left) : NULL;
	struct span s = {c->at, lf ? (size_t)(lf - c->at) : left};

	c->at += s.size + (lf ? 1 : 0);
	return s;
}

/* "Random" bytes that are the same in every execution (xorshift64*). */
struct fuzz_random {
	uint64_t state;
	struct random_source source;
};

static inline void
fuzz_random_fill(void *arg, uint8_t *dst, size_t n)
{
	struct fuzz_random *r = arg;

	for (size_t i = 0; i < n; i++) {
		r->state ^= r->state >> 12;
		r->state ^= r->state << 25;
		r->state ^= r->state >> 27;
		dst[i] = (uint8_t)(r->state * 0x2545f4914f6cdd1du >> 56);
	}
}

static inline void
fuzz_random_init(struct fuzz_random *r, uint64_t seed)
{
	r->state = seed * 2 + 1;
	r->source = (struct random_source){fuzz_random_fill, r};
}

#endif
