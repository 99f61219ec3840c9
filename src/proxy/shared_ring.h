/* The key ring as all workers see it: any of them looks keys up, one thread alone (the node's own)
   brings it up to date. The lock is held for a look-up, or for a refresh: that is a stat of the
   folders, and longer only when a key has changed. Nothing on the data path asks. */
#ifndef SC_PROXY_SHARED_RING_H
#define SC_PROXY_SHARED_RING_H

#include "proxy/retired.h"

#include <uv.h>

struct shared_ring {
	uv_rwlock_t lock;
	struct keyring *ring;
	struct retired *retired;
};

/* The ring stays the caller's. False: out of memory. */
bool
shared_ring_init(struct shared_ring *shared, struct keyring *ring);

void
shared_ring_fini(struct shared_ring *shared);

/* For the thread that refreshes, which may read as it likes: nobody else changes anything. */
const struct keyring *
shared_ring_own(const struct shared_ring *shared);

/* That thread's keyring_refresh. */
bool
shared_ring_refresh(struct shared_ring *shared);

/* That thread's keyring_set_limits. */
void
shared_ring_set_limits(struct shared_ring *shared, const struct keyring_limits *limits);

/* From any thread, as the functions of keyring.h. */

/* A key whose fingerprint was given to `trust` counts as verified, from the first time that it is
   shown (protocol.md 11): whoever sees that it is (shared_ring_expects) has it noted. */
enum key_verdict
shared_ring_check(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE]);

bool
shared_ring_expects(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key);

bool
shared_ring_find(struct shared_ring *shared, const struct asym_impl *asym, const char *fingerprint,
	uint8_t *public_key);

bool
shared_ring_judge_roll(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, enum keyroll_answer *answer);

bool
shared_ring_is_first_use(struct shared_ring *shared, const struct asym_impl *asym,
	const uint8_t *public_key);

bool
shared_ring_answer(struct shared_ring *shared, const char *peer, const char *fingerprint,
	enum keyroll_answer *answer);

/* True: retired_goes_on. */
bool
shared_ring_goes_on(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key);

bool
shared_ring_has_verified(struct shared_ring *shared, const char *peer,
	const struct asym_impl *asym);

#endif
