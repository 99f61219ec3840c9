/* SHA-256, HMAC and HKDF with SHA-256 (RFC 5869), over Nettle. */
#ifndef SC_CRYPTO_HASH_H
#define SC_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#include "base/util.h"

#define HASH_SIZE 32

/* A running SHA-256; plain struct, copy it to fork the state. */
struct hash {
	struct sha256_ctx sha256;
};

void
hash_init(struct hash *h);

void
hash_update(struct hash *h, const void *data, size_t n);

/* Writes the digest of all so far; h goes on as if it had not been asked. */
void
hash_peek(const struct hash *h, uint8_t digest[HASH_SIZE]);

/* The digest of n_parts spans one after the other. */
void
hash_parts(uint8_t digest[HASH_SIZE], const struct span *parts, size_t n_parts);

/* HMAC-SHA-256 of n_parts spans one after the other. mac may be the same memory as key. */
void
hmac_parts(uint8_t mac[HASH_SIZE], struct span key, const struct span *parts, size_t n_parts);

/* HKDF-Extract; ikm is the concatenation of the parts. prk may be the same memory as salt. */
void
hkdf_extract(uint8_t prk[HASH_SIZE], const void *salt, size_t salt_size, const struct span *ikm,
	size_t n_parts);

/* HKDF-Expand to size <= 255 * 32 bytes. out may be the same memory as prk. */
void
hkdf_expand(uint8_t *out, size_t size, const uint8_t prk[HASH_SIZE], const void *info,
	size_t info_size);

/* The same with the info in parts, one after the other. */
void
hkdf_expand_parts(uint8_t *out, size_t size, const uint8_t prk[HASH_SIZE], const struct span *info,
	size_t n_parts);

/* Equal or not, in a time that depends on n alone. */
bool
equal_constant_time(const void *a, const void *b, size_t n);

#endif
