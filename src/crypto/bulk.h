/* Bulk ciphers: what protects records (protocol.md 6 and 7). An algorithm is what goes by a name on
   the wire; an implementation is a library's way to compute it. Both are const descriptors; the
   record layer uses them and names neither. */
#ifndef SC_CRYPTO_BULK_H
#define SC_CRYPTO_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BULK_TAG_SIZE 16
#define BULK_AAD_SIZE 12 /* record header, 4 bytes, and u64 seq */
#define BULK_KEY_MAX  32
#define BULK_IV_MAX   12
#define BULK_MAC_SIZE 32

struct bulk_algorithm {
	const char *name;      /* on the wire: "AES 256" */
	size_t key_size;       /* bytes: 16 or 32 */
	size_t iv_size;        /* bytes: 12, or 8 for CAST-128 */
	size_t mac_size;       /* bytes of "mac" key: 0, or 32 for CAST-128 */
	size_t block_size;     /* bytes: what max_blocks counts, each record starts at a new one */
	uint64_t max_records;  /* usage limits under one key, protocol.md 6; UINT64_MAX: none */
	uint64_t max_bytes;
	uint64_t max_blocks;
	bool by_default;       /* in the list of a node that configures none (not OCB) */
};

/* The keys of one channel, direction and epoch. Whoever fills one wipes it. */
struct bulk_keys {
	uint8_t key[BULK_KEY_MAX];
	uint8_t iv[BULK_IV_MAX];
	uint8_t mac[BULK_MAC_SIZE];
};

/* One direction of one channel. The context is context_size bytes of the caller's, aligned as
   malloc does, at one place from init to fini. set_keys may be called again for each epoch. Nothing
   else allocates. A context is used either for sealing or for opening, by one thread at a time. */
struct bulk_impl {
	const struct bulk_algorithm *algorithm;
	const char *name; /* the library: "nettle", "gcrypt" */
	size_t context_size;
	size_t granularity; /* seal_update takes multiples of so many bytes; a power of 2 <= 64 */

	/* 0, or -1: no memory. A zeroed context may be given to fini too. */
	int (*init)(void *context);
	/* Wipes the keys and releases what init took. */
	void (*fini)(void *context);
	/* 0, or -1. A new epoch: counters start again. */
	int (*set_keys)(void *context, const struct bulk_keys *keys);

	/* Sealing a record: begin, any number of updates, one final. The nonce comes from iv and
	   the seq in aad; CAST-128 goes on with its counter instead. dst == src or no overlap.
	   final takes any n, also 0, and writes the tag; -1 if the library failed (nothing of the
	   record may be used then). */
	void (*seal_begin)(void *context, const uint8_t aad[BULK_AAD_SIZE]);
	void (*seal_update)(void *context, size_t n, uint8_t *dst, const uint8_t *src);
	int (*seal_final)(void *context, size_t n, uint8_t *dst, const uint8_t *src,
		uint8_t tag[BULK_TAG_SIZE]);

	/* Opens n bytes in place. 0, or -1: the tag is wrong (compared in constant time), and data
	   holds nothing that may be used. */
	int (*open)(void *context, const uint8_t aad[BULK_AAD_SIZE], size_t n, uint8_t *data,
		const uint8_t tag[BULK_TAG_SIZE]);
};

/* All algorithms, in the default order of preference, the last entry NULL. */
extern const struct bulk_algorithm *const bulk_algorithms[];
/* All implementations that this build has, fastest library first, the last entry NULL. */
extern const struct bulk_impl *const bulk_impls[];

/* The algorithm of that wire name, or NULL. */
const struct bulk_algorithm *
bulk_algorithm_find(const char *name);

/* Seals and opens the implementation's own vectors (one record in pieces and whole, a wrong tag).
   0, or -1: it must not be used. */
int
bulk_self_test(const struct bulk_impl *impl);

/* The implementation to use for an algorithm, by the names in order[] ("gcrypt", "nettle"), best
   first, among those whose self-test passes; NULL if there is none. failed, if not NULL, is called
   for each one that failed its self-test. Runs self-tests: for the start of a program, not the data
   path. */
const struct bulk_impl *
bulk_choose(const struct bulk_algorithm *algorithm, const char *const order[], size_t n_order,
	void (*failed)(const struct bulk_impl *impl));

/* True if this build knows implementations of that name at all ("gcrypt" only where libgcrypt was
   there). */
bool
bulk_impl_name_known(const char *name);

#endif
