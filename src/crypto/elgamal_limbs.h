/* Inside crypto/elgamal*.c: numbers below a fixed modulus p as arrays of a fixed number of limbs,
   so that no length ever depends on a secret. */
#ifndef SC_CRYPTO_ELGAMAL_LIMBS_H
#define SC_CRYPTO_ELGAMAL_LIMBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/elgamal_groups.h"

/* A limb is an unsigned long, as GMP has it on every Unix. */
#define LIMB_BITS (8 * sizeof(unsigned long))
#define LIMBS_MAX (8192 / LIMB_BITS)

/* Little-endian; limbs from the modulus' n on are not used. */
struct number {
	unsigned long limb[LIMBS_MAX];
};

struct modulus {
	long n;           /* limbs of a number */
	size_t size;      /* bytes of a number */
	struct number p;
	struct number q;  /* (p - 1) / 2 */
	unsigned long *scratch;
	size_t scratch_size; /* bytes */
};

/* 0, or -1: no memory. */
int
modulus_init(struct modulus *m, const struct elgamal_group *group);

/* Wipes and frees the scratch memory. */
void
modulus_fini(struct modulus *m);

/* From and to big-endian bytes; size <= m->size, and m->size. */
void
number_read(struct number *r, const struct modulus *m, const uint8_t *bytes, size_t size);

void
number_write(uint8_t *bytes, const struct modulus *m, const struct number *a);

/* a is a quadratic residue mod p, other than 0. The time depends on a. */
bool
number_is_residue(const struct modulus *m, const struct number *a);

/* 2 <= a <= p - 2, and a is a quadratic residue (protocol.md 5.1). The time depends on a. */
bool
number_in_group(const struct modulus *m, const struct number *a);

/* r = base^exponent mod p, for a secret exponent > 0. */
void
number_power(struct number *r, const struct modulus *m, const struct number *base,
	const struct number *exponent);

/* r = a * b mod p, in constant time. r may be a or b. */
void
number_multiply(struct number *r, const struct modulus *m, const struct number *a,
	const struct number *b);

/* r = 1 / a mod p for a secret a in [1, p), by way of a random t that is no multiple of p: what is
   inverted in a time that depends on it is a * t. */
void
number_invert(struct number *r, const struct modulus *m, const struct number *a,
	const struct number *t);

/* r = p - a, in constant time. r may be a. */
void
number_negate(struct number *r, const struct modulus *m, const struct number *a);

/* The smaller one of a and p - a, in constant time. r may be a. */
void
number_smaller(struct number *r, const struct modulus *m, const struct number *a);

#endif
