/* Small tools that every layer uses and that know nothing of the project. */
#ifndef SC_BASE_UTIL_H
#define SC_BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A number of bytes at a place that somebody else owns. */
struct span {
	const uint8_t *data;
	size_t size;
};

/* Sets n bytes to zero in a way that no compiler removes. p may be NULL if n is 0. */
static inline void
wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

/* Wipes the part of the stack that functions called before have used, a few KiB: what a library has
   left there of the secrets that it was given. */
void
wipe_stack(void);

/* free() after wipe(); p may be NULL. */
void
wipe_free(void *p, size_t n);

/* Writes n bytes as 2n lower-case hex digits and a NUL into out (2n + 1 bytes). */
void
hex_encode(char *out, const uint8_t *data, size_t n);

/* What a hex digit of either case stands for, or -1: it is none. */
int
hex_digit(char c);

/* Reads exactly n bytes from digits hex digits (either case). Returns 0, or -1 if digits != 2n or
   one of them is no hex digit; out is then undefined. */
int
hex_decode(uint8_t *out, size_t n, const char *text, size_t digits);

/* Copies text into out (size bytes, always terminated) with every byte outside 0x20-0x7e, and the
   backslash, as \xNN; cut where it does not fit. For text that a peer has sent. */
void
escape_text(char *out, size_t size, const void *text, size_t n);

#endif
