/* Knows what becomes of a key that a peer announces over an authenticated link (protocol.md 12):
   how long old and new are valid beside each other. */
#include <stdio.h>
#include <string.h>

#include "keyring/ring.h"

#define EXPIRE_AT_ONCE 128 /* peers under one lock: some tenths of a second on a slow disk */

/* The keys of a peer and algorithm that are verified, in no order. Returns how many there are; of
   these at most ROLL_KEYS_MAX + 1 are written. */
static size_t
verified_keys(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const struct peer_key *keys[ROLL_KEYS_MAX + 1])
{
	size_t n, found = 0;
	const struct peer_key *const *all = keyring_keys_of(ring, peer, KEY_VERIFIED, &n);

	for (size_t i = 0; i < n; i++) {
		if (all[i]->asym != asym)
			continue;
		if (found <= ROLL_KEYS_MAX)
			keys[found] = all[i];
		found++;
	}
	return found;
}

void
roll_beside(const struct keyring *ring, const char *peer, struct peer_key *key)
{
	const struct peer_key *before = ring_youngest(ring, peer, key->asym);
	bool vouched = key->beside[0] != '\0';

	memset(key->beside, 0, sizeof(key->beside));
	if (vouched && before)
		memcpy(key->beside, before->fingerprint, sizeof(key->beside));
}

bool
keyring_judge_roll(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, enum keyroll_answer *answer)
{
	char fingerprint[FINGERPRINT_SIZE], name[PEER_NAME_SIZE];
	size_t n;
	bool vouched = false;

	switch (keyring_check(ring, peer, asym, public_key, name)) {
	case VERDICT_VERIFIED:
		*answer = KEYROLL_VERIFIED;
		return true;
	case VERDICT_OTHER:
	case VERDICT_OWN:
	case VERDICT_REVOKED:
	case VERDICT_WEAK:
		*answer = KEYROLL_REFUSED;
		return true;
	case VERDICT_UNKNOWN:
		break;
	}
	fingerprint_of(fingerprint, asym->algorithm, public_key);
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	for (size_t i = 0; i < n; i++) {
		bool of_peer = strcmp(keys[i]->peer, peer) == 0;
		if (keys[i]->peer[0] && !of_peer) {
			*answer = KEYROLL_REFUSED;
			return true;
		}
		/* A pending key that was only shown has yet to be vouched for. */
		vouched =
			vouched || (of_peer && keys[i]->state == KEY_PENDING && keys[i]->beside[0]);
	}
	*answer = KEYROLL_PENDING;
	return vouched;
}

/* A new key of a rotation takes the place of one that the peer has announced before and never used;
   and there are never more than a few: the oldest goes. The one that vouches stays. False: there is
   no room beside it. */
static bool
make_room(struct keyring *ring, const struct peer_key *announced, enum sc_error *error,
	struct errmsg *err)
{
	const struct peer_key *keys[ROLL_KEYS_MAX + 1];
	size_t n = verified_keys(ring, announced->peer, announced->asym, keys), left = n;

	*error = SC_OK;
	for (size_t i = 0; *error == SC_OK && i < n && i <= ROLL_KEYS_MAX; i++) {
		bool unused = keys[i]->beside[0] && !keys[i]->used;
		bool oldest = left >= ROLL_KEYS_MAX;
		for (size_t k = 0; oldest && k < n && k <= ROLL_KEYS_MAX; k++)
			oldest = keys[i]->time <= keys[k]->time;
		if ((!unused && !oldest) || strcmp(keys[i]->fingerprint, announced->beside) == 0)
			continue;
		const struct key_record r = {.kind = KIND_VERIFIED, .key = *keys[i]};
		*error = change_remove(ring, &r, err);
		left--;
	}
	if (*error == SC_OK && left < n)
		keyring_refresh(ring);
	return left < ROLL_KEYS_MAX;
}

static enum sc_error
roll_locked(struct keyring *ring, const struct peer_key *announced, bool accept,
	enum keyroll_answer *answer, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_PENDING, .key = *announced};
	enum keyroll_answer now;
	enum sc_error error;

	/* Something may have been decided since it was judged; a pending key that is accepted goes
	   on. */
	if (keyring_judge_roll(
		    ring, announced->peer, announced->asym, announced->public_key, &now) &&
		(now != KEYROLL_PENDING || !accept)) {
		*answer = now;
		return SC_OK;
	}
	r.key.state = KEY_PENDING;
	r.key.time = unix_time();
	*answer = KEYROLL_PENDING;
	if (!accept)
		return pending_store(ring, &r, err);
	if (!make_room(ring, announced, &error, err)) {
		*answer = KEYROLL_REFUSED;
		return error;
	}
	roll_beside(ring, announced->peer, &r.key);
	if (error == SC_OK)
		error = change_verify(ring, announced->peer, &r.key, err);
	if (error == SC_OK)
		*answer = KEYROLL_VERIFIED;
	return error;
}

enum sc_error
keyring_roll(struct keyring *ring, const struct peer_key *announced, bool accept,
	enum keyroll_answer *answer, struct errmsg *err)
{
	enum sc_error error = check_peer_name(announced->peer, err);

	*answer = KEYROLL_REFUSED;
	if (error == SC_OK)
		error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	return change_end(ring, roll_locked(ring, announced, accept, answer, err));
}

/* The verified key, if a first use of it has to be written. */
static const struct peer_key *
first_use(const struct keyring *ring, const struct asym_impl *asym, const uint8_t *public_key)
{
	char fingerprint[FINGERPRINT_SIZE];
	size_t n;

	fingerprint_of(fingerprint, asym->algorithm, public_key);
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	if (n == 0 || keys[0]->state != KEY_VERIFIED || !keys[0]->beside[0] || keys[0]->used)
		return NULL;
	return keys[0];
}

bool
keyring_is_first_use(
	const struct keyring *ring, const struct asym_impl *asym, const uint8_t *public_key)
{
	return first_use(ring, asym, public_key) != NULL;
}

enum sc_error
keyring_use(struct keyring *ring, const struct asym_impl *asym, const uint8_t *public_key,
	struct errmsg *err)
{
	enum sc_error error = change_begin(ring, err);

	if (error != SC_OK)
		return error;
	const struct peer_key *key = first_use(ring, asym, public_key);
	if (key) {
		struct key_record r = {.kind = KIND_VERIFIED, .key = *key};
		r.key.used = unix_time();
		error = change_write(ring, &r, err);
	}
	return change_end(ring, error);
}

/* --- the end of an overlap --- */

static bool
is_over(const struct peer_key *key, int64_t now)
{
	return key->state == KEY_VERIFIED && key->beside[0] && key->used &&
	       now - key->used >= ROLL_OVERLAP;
}

/* Removes the key that `key` was beside, and what that one was beside in its turn. */
static enum sc_error
remove_older(struct keyring *ring, const struct peer_key *key, size_t *removed, struct errmsg *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	enum sc_error error = SC_OK;

	memcpy(fingerprint, key->beside, sizeof(fingerprint));
	for (unsigned steps = 0; error == SC_OK && fingerprint[0] && steps < ROLL_KEYS_MAX + 1;
		steps++) {
		size_t n;
		const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
		if (n == 0 || keys[0]->state != KEY_VERIFIED ||
			strcmp(keys[0]->peer, key->peer) != 0)
			break;
		const struct key_record r = {.kind = KIND_VERIFIED, .key = *keys[0]};
		memcpy(fingerprint, keys[0]->beside, sizeof(fingerprint));
		error = change_remove(ring, &r, err);
		*removed += error == SC_OK;
	}
	return error;
}

/* The new key is the only one now; the old one goes first, so that whatever happens between is only
   done again. */
static enum sc_error
end_overlap(struct keyring *ring, const struct peer_key *key, size_t *removed, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_VERIFIED, .key = *key};
	enum sc_error error = remove_older(ring, key, removed, err);

	if (error != SC_OK)
		return error;
	memset(r.key.beside, 0, sizeof(r.key.beside));
	r.key.used = 0;
	return change_write(ring, &r, err);
}

static bool
any_over(const struct keyring *ring)
{
	int64_t now = unix_time();
	bool any = false;

	for (size_t i = 0; !any && i < ring->n_shown && ring->shown[i]->state == KEY_VERIFIED; i++)
		any = is_over(ring->shown[i], now);
	return any;
}

/* One key of each peer, for no more than so many peers: what is in memory is that much behind the
   files then, and says nothing more about those peers. They are sorted by peer. */
static enum sc_error
end_overlaps(struct keyring *ring, size_t *removed, struct errmsg *err)
{
	const struct peer_key *last = NULL;
	enum sc_error error = SC_OK;
	int64_t now = unix_time();
	size_t peers = 0;

	for (size_t i = 0; error == SC_OK && peers < EXPIRE_AT_ONCE && i < ring->n_shown; i++) {
		const struct peer_key *key = ring->shown[i];
		if (!is_over(key, now) || (last && strcmp(last->peer, key->peer) == 0))
			continue;
		error = end_overlap(ring, key, removed, err);
		last = key;
		peers++;
	}
	return error;
}

enum sc_error
keyring_expire(struct keyring *ring, size_t *n, struct errmsg *err)
{
	enum sc_error error = SC_OK;

	*n = 0;
	/* The lock is given back between: others may have something to write. */
	for (size_t turns = ring->n_shown; error == SC_OK && turns > 0 && any_over(ring); turns--)
		if ((error = change_begin(ring, err)) == SC_OK)
			error = change_end(ring, end_overlaps(ring, n, err));
	return error;
}
