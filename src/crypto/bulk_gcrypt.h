/* Inside crypto/: what the implementations by libgcrypt share. Only where libgcrypt is there. */
#ifndef SC_CRYPTO_BULK_GCRYPT_H
#define SC_CRYPTO_BULK_GCRYPT_H

#include <stdint.h>

#include <gcrypt.h>

/* Readies libgcrypt for this process, once; any thread, as often as one likes. 0, or -1: it cannot
   be used. */
int
gcrypt_setup(void);

/* What libgcrypt takes as input: NULL says that it is in the output's place already. */
static inline const uint8_t *
gcrypt_source(const uint8_t *dst, const uint8_t *src)
{
	return src == dst ? NULL : src;
}

#endif
