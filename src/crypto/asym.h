/* Public-key algorithms: encryption of session keys to a public key (protocol.md 5). An algorithm
   has the name on the wire and the sizes, an implementation the functions, as in bulk.h. */
#ifndef SC_CRYPTO_ASYM_H
#define SC_CRYPTO_ASYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "crypto/random.h"

#define ASYM_PUBLIC_MAX     1024 /* bytes, ElGamal 8192 */
#define ASYM_PRIVATE_MAX    64
#define ASYM_CIPHERTEXT_MAX 2048
#define ASYM_MESSAGE_MAX    64 /* key and salt of a 256-bit cipher */
#define ASYM_PREPARED_MAX   (2 * ASYM_PUBLIC_MAX)

struct asym_algorithm {
	const char *name;         /* on the wire: "ElGamal 3072" */
	size_t public_size;       /* bytes */
	size_t private_size;      /* bytes; ElGamal: big-endian exponent */
	/* m bytes become ciphertext_fixed + m * ciphertext_per_byte. */
	size_t ciphertext_fixed;
	size_t ciphertext_per_byte; /* 0 or 1 */
	size_t message_max;       /* longest m in bytes */
	size_t prepared_size;     /* what prepare writes */
	bool weak;                /* only with allow_weak = yes */
};

struct asym_impl {
	const struct asym_algorithm *algorithm;
	const char *name; /* the library: "gmp", "nettle" */

	/* A new pair. 0 or -1 (no memory). */
	int (*generate)(const struct asym_impl *impl, const struct random_source *random,
		uint8_t *private_key, uint8_t *public_key);
	/* The public key of a private one. 0, or -1 if it is out of range. */
	int (*derive)(const struct asym_impl *impl, const uint8_t *private_key,
		uint8_t *public_key);
	/* 0 if public_key (public_size bytes) is a valid one, else -1 (protocol.md 5.1, 5.2). */
	int (*check_public)(const struct asym_impl *impl, const uint8_t *public_key);
	/* The part of an encryption to a public key (one that check_public has passed) that needs
	   neither label nor message, and nearly all of its time: draws the ephemeral secret and
	   writes its two powers, as prepared_size bytes. They are as secret as the message, and for
	   one message only. 0 or -1. */
	int (*prepare)(const struct asym_impl *impl, const struct random_source *random,
		const uint8_t *public_key, uint8_t *prepared);
	/* The rest: encrypts m (<= message_max bytes) to the key that `prepared` was made for, and
	   wipes it, whatever comes of it. label is L of protocol.md 5, in parts. Writes
	   asym_ciphertext_size() bytes. 0 or -1. */
	int (*encrypt_prepared)(const struct asym_impl *impl, const struct random_source *random,
		uint8_t *prepared, const struct span label[2], struct span m, uint8_t *ciphertext);
	/* Both in one. */
	int (*encrypt)(const struct asym_impl *impl, const struct random_source *random,
		const uint8_t *public_key, const struct span label[2], struct span m,
		uint8_t *ciphertext);
	/* Opens a ciphertext that must hold exactly m_size bytes. 0, or -1 for every failure alike;
	   m is then wiped. Constant time from M' to the verdict. */
	int (*decrypt)(const struct asym_impl *impl, const struct random_source *random,
		const uint8_t *private_key, const struct span label[2], struct span ciphertext,
		uint8_t *m, size_t m_size);
};

/* All of them, in the default order of preference (protocol.md 2), ElGamal 1024 last, then NULL.
   Every call on them may run on any thread. They are slow (modular powers): never on an event
   loop. */
extern const struct asym_impl *const asym_impls[];

/* The implementation for an algorithm's wire name, or NULL. */
const struct asym_impl *
asym_find(const char *algorithm_name);

size_t
asym_ciphertext_size(const struct asym_algorithm *algorithm, size_t m_size);

/* Opens a built-in vector, seals and opens a message, and sees that a changed ciphertext is
   refused. 0, or -1: it must not be used. */
int
asym_self_test(const struct asym_impl *impl);

/* Sets GMP's memory functions to ones that wipe what they free. Once, before the first use and
   before any thread starts. */
void
asym_setup(void);

/* X25519 key agreement (RFC 7748), for HELLO and RENEW. */
#define X25519_SIZE 32

void
x25519_generate(const struct random_source *random, uint8_t private_key[X25519_SIZE],
	uint8_t public_key[X25519_SIZE]);

/* 0, or -1 if the result is all zero (shared is then wiped). */
int
x25519_shared(uint8_t shared[X25519_SIZE], const uint8_t private_key[X25519_SIZE],
	const uint8_t public_key[X25519_SIZE]);

/* Fingerprints, protocol.md 5.3. */
#define FINGERPRINT_SIZE 40 /* 39 characters "7Q2M-01XK-..." and a NUL */

void
fingerprint_of(char out[FINGERPRINT_SIZE], const struct asym_algorithm *algorithm,
	const uint8_t *public_key);

/* The letter of a fingerprint that a typed character stands for (its own capital; 0 for O, 1 for I
   and L), or NUL. */
char
fingerprint_letter(char c);

/* Brings what a person typed into the form shown (case, spaces and dashes; O is 0, I and L are 1).
   0, or -1 if it is not a whole fingerprint; out is then "". */
int
fingerprint_parse(char out[FINGERPRINT_SIZE], const char *typed);

/* Equal or not, in constant time. Both in the form shown. */
bool
fingerprint_equal(const char a[FINGERPRINT_SIZE], const char b[FINGERPRINT_SIZE]);

#endif
