/* Knows what the keys in memory mean: the index, and who is who. Changes nothing on disk. */
#include "keyring/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keyring/ring.h"

bool
peer_name_valid(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strnlen(name, PEER_NAME_SIZE);
	return n > 0 && n <= PEER_NAME_MAX && name[0] != '.' && strspn(name, allowed) == n;
}

const struct keyring_limits keyring_limits_default = {
	.callers = 64, .callers_source = 4, .expected = 7 * 24 * 3600};

void
keyring_set_limits(struct keyring *ring, const struct keyring_limits *limits)
{
	ring->limits = *limits;
}

struct keyring_dropped
keyring_get_dropped(const struct keyring *ring)
{
	return ring->dropped;
}

const struct keyring_limits *
keyring_get_limits(const struct keyring *ring)
{
	return &ring->limits;
}

enum sc_error
keyring_create(const char *folder, struct errmsg *err)
{
	return store_create(folder, err);
}

enum sc_error
keyring_open(struct keyring **ring, const char *folder, keyring_problem_fn *problem, void *arg,
	struct errmsg *err)
{
	struct keyring *r = calloc(1, sizeof(*r));

	*ring = NULL;
	if (!r)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	r->claims[0] = r->claims[1] = -1;
	r->limits = keyring_limits_default;
	r->problem = problem;
	r->problem_arg = arg;
	secret_pool_init(&r->secrets, sizeof(struct key_pair));
	secret_pool_init(&r->works, sizeof(struct key_work));
	enum sc_error error = store_open(&r->store, folder, err);
	if (error != SC_OK) {
		free(r);
		return error;
	}
	keyring_refresh(r);
	if ((error = ring_listed(r, err)) != SC_OK) {
		keyring_free(r);
		return error;
	}
	*ring = r;
	return SC_OK;
}

enum sc_error
keyring_open_same(struct keyring **ring, const struct keyring *first, struct errmsg *err)
{
	enum sc_error error = keyring_open(ring, first->store.path, NULL, NULL, err);

	if (error == SC_OK)
		(*ring)->limits = first->limits;
	return error;
}

void
keyring_free(struct keyring *ring)
{
	if (!ring)
		return;
	for (size_t i = 0; i < STORE_FOLDERS; i++)
		ring_folder_fini(ring, &ring->folders[i]);
	secret_pool_fini(&ring->secrets);
	secret_pool_fini(&ring->works);
	store_close(&ring->store);
	for (size_t i = 0; i < RING_CLAIMS; i++)
		if (ring->claims[i] >= 0)
			close(ring->claims[i]);
	free(ring->shown);
	free(ring->by_fingerprint);
	free(ring->pairs);
	free(ring->pairs_by_fingerprint);
	free(ring);
}

bool
keyring_refresh(struct keyring *ring)
{
	bool changed = false;

	ring_claim_again(ring);
	/* In the order opposite to that of a verification, which writes into peers and then removes
	   from pending: whatever it is in the middle of, the key is seen in one of the two. */
	for (size_t i = STORE_FOLDERS; i-- > 0;)
		changed |= ring_scan(ring, (enum store_folder)i);
	if (ring->stale)
		ring_index(ring);
	return changed;
}

bool
keyring_is_locked(const struct keyring *ring)
{
	return !ring->secrets.refused && !ring->works.refused;
}

const struct key_pair *
keyring_own(const struct keyring *ring, const struct asym_impl *asym)
{
	return keyring_pair(ring, "", asym, PAIR_CURRENT);
}

const struct key_pair *
keyring_pair_at(const struct keyring *ring, size_t i)
{
	return i < ring->n_pairs ? ring->pairs[i] : NULL;
}

bool
ring_is_own(const struct keyring *ring, const char *fingerprint)
{
	return ring_pair_of(ring, fingerprint) != NULL;
}

bool
ring_expired(const struct keyring *ring, const struct peer_key *key, int64_t now)
{
	return key->state == KEY_EXPECTED && now - key->time > ring->limits.expected;
}

bool
keyring_has_verified(const struct keyring *ring, const char *peer, const struct asym_impl *asym)
{
	size_t n;
	const struct peer_key *const *keys = keyring_keys_of(ring, peer, KEY_VERIFIED, &n);
	for (size_t i = 0; i < n; i++)
		if (!asym || keys[i]->asym == asym)
			return true;
	return false;
}

bool
keyring_has_revoked(const struct keyring *ring, const char *peer)
{
	size_t n;

	keyring_keys_of(ring, peer, KEY_REVOKED, &n);
	return n > 0;
}

static bool
has_another_algorithm(const struct keyring *ring, const char *peer, const struct asym_impl *asym)
{
	size_t n;
	const struct peer_key *const *keys = keyring_keys_of(ring, peer, KEY_VERIFIED, &n);
	for (size_t i = 0; i < n; i++)
		if (keys[i]->asym != asym)
			return true;
	return false;
}

enum key_verdict
keyring_check(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE])
{
	char fingerprint[FINGERPRINT_SIZE];
	size_t n;

	name[0] = '\0';
	fingerprint_of(fingerprint, asym->algorithm, public_key);
	if (ring_is_own(ring, fingerprint))
		return VERDICT_OWN;
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	if (n > 0 && keys[0]->state == KEY_REVOKED)
		return VERDICT_REVOKED;
	const struct peer_key *key = n > 0 && keys[0]->state == KEY_VERIFIED ? keys[0] : NULL;
	if (key && (key->asym != asym ||
			   memcmp(key->public_key, public_key, asym->algorithm->public_size) != 0))
		key = NULL;
	if (key && peer && strcmp(key->peer, peer) != 0)
		return VERDICT_OTHER;
	const char *whose = key ? key->peer : peer;
	if (whose && asym->algorithm->weak && has_another_algorithm(ring, whose, asym))
		return VERDICT_WEAK;
	if (!key)
		return VERDICT_UNKNOWN;
	memcpy(name, key->peer, PEER_NAME_SIZE);
	return VERDICT_VERIFIED;
}

bool
keyring_find(const struct keyring *ring, const struct asym_impl *asym, const char *fingerprint,
	uint8_t *public_key)
{
	size_t n;
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);

	if (n == 0 || keys[0]->state != KEY_VERIFIED || keys[0]->asym != asym)
		return false;
	memcpy(public_key, keys[0]->public_key, asym->algorithm->public_size);
	return true;
}

const struct peer_key *
keyring_peer_key(const struct keyring *ring, size_t i)
{
	return i < ring->n_shown ? ring->shown[i] : NULL;
}
