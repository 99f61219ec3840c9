/* Inside crypto/: the groups of ElGamal N, protocol.md 5.1. */
#ifndef SC_CRYPTO_ELGAMAL_GROUPS_H
#define SC_CRYPTO_ELGAMAL_GROUPS_H

#include <stddef.h>

/* A safe prime p of `bits` bits, its highest and lowest 64 bits all ones; the generator is 2. */
struct elgamal_group {
	size_t bits;
	size_t exponent_bits; /* private and ephemeral exponents are in [1, 2^exponent_bits) */
	const char *p;        /* hex, bits / 4 digits */
};

extern const struct elgamal_group elgamal_group_1024, elgamal_group_2048, elgamal_group_3072,
	elgamal_group_4096, elgamal_group_6144, elgamal_group_8192;

#endif
