/* Inside crypto/: the descriptors that bulk.c lists, and what the implementations share. */
#ifndef SC_CRYPTO_BULK_IMPLS_H
#define SC_CRYPTO_BULK_IMPLS_H

#include "crypto/bulk.h"

#define BULK_NONCE_SIZE 12

extern const struct bulk_algorithm bulk_aes_256, bulk_aes_128, bulk_chacha20_poly1305,
	bulk_cast_128, bulk_aes_256_ocb, bulk_aes_128_ocb;

extern const struct bulk_impl bulk_nettle_aes_256, bulk_nettle_aes_128,
	bulk_nettle_chacha20_poly1305, bulk_nettle_cast_128;

extern const struct bulk_impl bulk_gcrypt_aes_256, bulk_gcrypt_aes_128,
	bulk_gcrypt_chacha20_poly1305, bulk_gcrypt_cast_128, bulk_gcrypt_aes_256_ocb,
	bulk_gcrypt_aes_128_ocb;

/* The nonce of an AEAD record: iv XOR (0x00000000 || u64 seq), protocol.md 7; seq are the last 8
   bytes of aad. */
static inline void
bulk_nonce(uint8_t nonce[BULK_NONCE_SIZE], const uint8_t iv[BULK_NONCE_SIZE],
	const uint8_t aad[BULK_AAD_SIZE])
{
	for (size_t i = 0; i < 4; i++)
		nonce[i] = iv[i];
	for (size_t i = 4; i < BULK_NONCE_SIZE; i++)
		nonce[i] = iv[i] ^ aad[i];
}

/* bulk_choose among the given implementations, the last entry NULL. */
const struct bulk_impl *
bulk_choose_from(const struct bulk_impl *const *impls, const struct bulk_algorithm *algorithm,
	const char *const *order, size_t n_order, void (*failed)(const struct bulk_impl *impl));

#endif
