/* Inside crypto/: EME-OAEP with SHA-256 and MGF1-SHA-256 (RFC 8017 section 7.1). */
#ifndef SC_CRYPTO_OAEP_H
#define SC_CRYPTO_OAEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "crypto/hash.h"

#define OAEP_SEED_SIZE HASH_SIZE
#define OAEP_OVERHEAD  (2 * HASH_SIZE + 2)

/* The label, in parts one after the other. */
struct oaep_label {
	const struct span *parts;
	size_t n;
};

/* Encodes m into the k bytes of em, the first of which is 0; seed is random. 0, or -1 if m is
   longer than k - OAEP_OVERHEAD. */
int
oaep_encode(uint8_t *em, size_t k, struct oaep_label label, struct span m,
	const uint8_t seed[OAEP_SEED_SIZE]);

/* Decodes the k bytes of em, in place, which must hold exactly m_size bytes. 0, or -1 for every
   failure alike; m is then wiped. No branch, index or length depends on em, but for one look at the
   verdict. */
int
oaep_decode(uint8_t *em, size_t k, struct oaep_label label, uint8_t *m, size_t m_size);

#endif
