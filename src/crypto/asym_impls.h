/* Inside crypto/: the descriptors that asym.c lists. */
#ifndef SC_CRYPTO_ASYM_IMPLS_H
#define SC_CRYPTO_ASYM_IMPLS_H

#include "crypto/asym.h"
#include "crypto/elgamal_groups.h"

/* Random bytes are drawn in this order: by generate the private exponent; by prepare the exponent
   r; by encrypt_prepared the 32 bytes of OAEP's seed; by decrypt the number that blinds the
   inversion (public_size bytes). An exponent is b / 8 bytes, big-endian, a number of public_size
   bytes likewise; each is drawn again if it is zero. */
struct elgamal {
	struct asym_impl impl;
	const struct elgamal_group *group;
};

extern const struct elgamal elgamal_1024, elgamal_2048, elgamal_3072, elgamal_4096, elgamal_6144,
	elgamal_8192;

/* generate draws the 32 bytes of the private key, prepare those of the ephemeral one, the others
   none. */
extern const struct asym_impl asym_x25519;

/* Any algorithm's encrypt: prepare and encrypt_prepared. */
int
asym_encrypt(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *public_key, const struct span label[2], struct span m, uint8_t *ciphertext);

#endif
