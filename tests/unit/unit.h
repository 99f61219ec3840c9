/* What every unit test includes: cmocka and its prerequisites, and the vector files. */
#ifndef SC_TESTS_UNIT_H
#define SC_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "crypto/random.h"

/* A file of tests/vectors, read whole: sections of key = value pairs, in their order. Fails the
   test if the file is missing or empty. */
struct vectors;

struct vectors *
vectors_open(const char *file_name);

void
vectors_close(struct vectors *v);

/* The i-th section, or NULL past the last. */
struct vector_section;

const struct vector_section *
vectors_section(const struct vectors *v, size_t i);

const char *
vector_name(const struct vector_section *s);

/* The value of a key, or NULL if the section does not have it. */
const char *
vector_text(const struct vector_section *s, const char *key);

/* The value of a key as bytes, from hex; fails the test if it is missing or no hex. *size gets the
   number of bytes; the memory belongs to the vectors. */
const uint8_t *
vector_bytes(const struct vector_section *s, const char *key, size_t *size);

/* The value of a key as a decimal number; fails the test if it is missing. */
unsigned long
vector_number(const struct vector_section *s, const char *key);

/* Random bytes that are the same in every run with the same seed (SplitMix64). */
struct seeded_random {
	uint64_t state;
	struct random_source source;
};

void
seeded_random_init(struct seeded_random *r, uint64_t seed);

uint64_t
seeded_random_next(struct seeded_random *r);

/* A number in [0, n). */
size_t
seeded_random_below(struct seeded_random *r, size_t n);

/* A source that hands out given bytes in their order and fails the test when they run out. */
struct scripted_random {
	const uint8_t *data;
	size_t size, used;
	struct random_source source;
};

void
scripted_random_init(struct scripted_random *r, const uint8_t *data, size_t size);

/* AddressSanitizer makes mlock do nothing. */
#ifdef __SANITIZE_ADDRESS__
#define WITHOUT_MLOCK
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITHOUT_MLOCK
#endif
#endif

/* The flags of the mapping that holds p, from /proc/self/smaps. */
void
mapping_flags(const void *p, char *out, size_t size);

/* Fails the test unless p lies in memory that is kept out of core dumps and, as far as a sanitizer
   lets it, locked. */
void
assert_secret_place(const void *p);

#endif
