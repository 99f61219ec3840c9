/* Knows when the ring may be looked at and when changed; what is in it is keyring's. */
#include "proxy/shared_ring.h"

bool
shared_ring_init(struct shared_ring *shared, struct keyring *ring)
{
	shared->ring = ring;
	shared->retired = retired_new();
	if (!shared->retired || uv_rwlock_init(&shared->lock) != 0) {
		retired_free(shared->retired);
		return false;
	}
	return true;
}

void
shared_ring_fini(struct shared_ring *shared)
{
	uv_rwlock_destroy(&shared->lock);
	retired_free(shared->retired);
}

const struct keyring *
shared_ring_own(const struct shared_ring *shared)
{
	return shared->ring;
}

bool
shared_ring_refresh(struct shared_ring *shared)
{
	uv_rwlock_wrlock(&shared->lock);
	retired_before(shared->retired, shared->ring);
	bool changed = keyring_refresh(shared->ring);
	if (changed)
		retired_after(shared->retired, shared->ring);
	uv_rwlock_wrunlock(&shared->lock);
	return changed;
}

void
shared_ring_set_limits(struct shared_ring *shared, const struct keyring_limits *limits)
{
	uv_rwlock_wrlock(&shared->lock);
	keyring_set_limits(shared->ring, limits);
	uv_rwlock_wrunlock(&shared->lock);
}

enum key_verdict
shared_ring_check(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE])
{
	uv_rwlock_rdlock(&shared->lock);
	enum key_verdict verdict = keyring_check(shared->ring, peer, asym, public_key, name);
	if (verdict == VERDICT_UNKNOWN &&
		keyring_expects(shared->ring, peer, asym, public_key, name))
		verdict = VERDICT_VERIFIED;
	uv_rwlock_rdunlock(&shared->lock);
	return verdict;
}

bool
shared_ring_expects(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key)
{
	char name[PEER_NAME_SIZE];

	uv_rwlock_rdlock(&shared->lock);
	bool expects = keyring_expects(shared->ring, peer, asym, public_key, name);
	uv_rwlock_rdunlock(&shared->lock);
	return expects;
}

bool
shared_ring_goes_on(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key)
{
	uv_rwlock_rdlock(&shared->lock);
	bool goes_on = retired_goes_on(shared->retired, shared->ring, peer, asym, public_key);
	uv_rwlock_rdunlock(&shared->lock);
	return goes_on;
}

bool
shared_ring_find(struct shared_ring *shared, const struct asym_impl *asym, const char *fingerprint,
	uint8_t *public_key)
{
	uv_rwlock_rdlock(&shared->lock);
	bool found = keyring_find(shared->ring, asym, fingerprint, public_key);
	uv_rwlock_rdunlock(&shared->lock);
	return found;
}

bool
shared_ring_has_verified(struct shared_ring *shared, const char *peer,
	const struct asym_impl *asym)
{
	uv_rwlock_rdlock(&shared->lock);
	bool any = keyring_has_verified(shared->ring, peer, asym);
	uv_rwlock_rdunlock(&shared->lock);
	return any;
}

bool
shared_ring_judge_roll(struct shared_ring *shared, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, enum keyroll_answer *answer)
{
	uv_rwlock_rdlock(&shared->lock);
	bool at_once = keyring_judge_roll(shared->ring, peer, asym, public_key, answer);
	uv_rwlock_rdunlock(&shared->lock);
	return at_once;
}

bool
shared_ring_is_first_use(struct shared_ring *shared, const struct asym_impl *asym,
	const uint8_t *public_key)
{
	uv_rwlock_rdlock(&shared->lock);
	bool first = keyring_is_first_use(shared->ring, asym, public_key);
	uv_rwlock_rdunlock(&shared->lock);
	return first;
}

bool
shared_ring_answer(struct shared_ring *shared, const char *peer, const char *fingerprint,
	enum keyroll_answer *answer)
{
	int64_t time;

	uv_rwlock_rdlock(&shared->lock);
	bool known = keyring_answer(shared->ring, peer, fingerprint, answer, &time);
	uv_rwlock_rdunlock(&shared->lock);
	return known;
}
