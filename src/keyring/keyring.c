/* Knows what the keys in memory mean: the index, and who is who. Changes nothing on disk. */
#include "keyring/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	r->limits = keyring_limits_default;
	r->problem = problem;
	r->problem_arg = arg;
	enum sc_error error = store_open(&r->store, folder, err);
	if (error != SC_OK) {
		free(r);
		return error;
	}
	keyring_refresh(r);
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
		ring_folder_fini(&ring->folders[i]);
	store_close(&ring->store);
	free(ring->shown);
	free(ring->by_fingerprint);
	free(ring);
}

bool
keyring_refresh(struct keyring *ring)
{
	bool changed = false;
	/* In the order opposite to that of a verification, which writes into peers and then removes
	   from pending: whatever it is in the middle of, the key is seen in one of the two. */
	for (size_t i = STORE_FOLDERS; i-- > 0;)
		changed |= ring_scan(ring, (enum store_folder)i);
	if (ring->stale)
		ring_index(ring);
	return changed;
}

const struct key_pair *
keyring_own(const struct keyring *ring, const struct asym_impl *asym)
{
	const struct ring_folder *keys = &ring->folders[STORE_KEYS];
	for (size_t i = 0; i < keys->n; i++)
		if (keys->files[i].pair && keys->files[i].pair->asym == asym)
			return keys->files[i].pair;
	return NULL;
}

bool
ring_is_own(const struct keyring *ring, const char *fingerprint)
{
	const struct ring_folder *keys = &ring->folders[STORE_KEYS];
	for (size_t i = 0; i < keys->n; i++)
		if (keys->files[i].pair &&
			strcmp(keys->files[i].pair->fingerprint, fingerprint) == 0)
			return true;
	return false;
}

bool
ring_expired(const struct keyring *ring, const struct peer_key *key, int64_t now)
{
	return key->state == KEY_EXPECTED && now - key->time > ring->limits.expected;
}

/* --- the index --- */

/* Verified first, then expected, then pending: the order in which they are shown. */
static int
rank(const struct peer_key *key)
{
	return key->state == KEY_VERIFIED ? 0 : key->state == KEY_EXPECTED ? 1 : 2;
}

static int
compare_shown(const void *a, const void *b)
{
	const struct peer_key *x = *(const struct peer_key *const *)a;
	const struct peer_key *y = *(const struct peer_key *const *)b;
	int order = rank(x) - rank(y);
	if (order == 0)
		order = strcmp(x->peer, y->peer);
	return order ? order : strcmp(x->fingerprint, y->fingerprint);
}

static int
compare_fingerprint(const void *a, const void *b)
{
	const struct peer_key *x = *(const struct peer_key *const *)a;
	const struct peer_key *y = *(const struct peer_key *const *)b;
	int order = strcmp(x->fingerprint, y->fingerprint);
	return order ? order : compare_shown(a, b);
}

/* Takes out of by_fingerprint what one fingerprint must not have: two peers that it is verified for
   (whoever put the files there, neither can be believed), and pending keys that are verified by
   now. */
static size_t
index_clean(const struct keyring *ring, const struct peer_key **keys, size_t n)
{
	size_t used = 0;
	for (size_t i = 0, next; i < n; i = next) {
		size_t verified = 0;
		for (next = i;
			next < n && strcmp(keys[i]->fingerprint, keys[next]->fingerprint) == 0;
			next++)
			verified += keys[next]->state == KEY_VERIFIED;
		if (verified > 1)
			ring_problem(ring, STORE_PEERS, keys[i]->fingerprint,
				"this key is verified for two peers, so it is not used; remove a "
				"file");
		for (size_t k = i; k < next; k++)
			if (verified == 0 || (verified == 1 && keys[k]->state == KEY_VERIFIED))
				keys[used++] = keys[k];
	}
	return used;
}

void
ring_index(struct keyring *ring)
{
	size_t total = 0, n = 0;
	int64_t now = (int64_t)time(NULL);

	for (size_t i = STORE_PEERS; i < STORE_FOLDERS; i++)
		total += ring->folders[i].n;
	free(ring->shown);
	free(ring->by_fingerprint);
	ring->n_shown = 0;
	ring->shown = calloc(total + 1, sizeof(*ring->shown));
	ring->by_fingerprint = calloc(total + 1, sizeof(*ring->by_fingerprint));
	if (!ring->shown || !ring->by_fingerprint)
		return; /* no keys are known then: safe, and over with the next refresh */
	ring->stale = false;
	for (size_t i = STORE_PEERS; i < STORE_FOLDERS; i++)
		for (size_t k = 0; k < ring->folders[i].n; k++) {
			const struct key_record *record = ring->folders[i].files[k].record;
			if (record && !ring_expired(ring, &record->key, now))
				ring->by_fingerprint[n++] = &record->key;
		}
	qsort(ring->by_fingerprint, n, sizeof(*ring->by_fingerprint), compare_fingerprint);
	n = index_clean(ring, ring->by_fingerprint, n);
	memcpy(ring->shown, ring->by_fingerprint, n * sizeof(*ring->shown));
	qsort(ring->shown, n, sizeof(*ring->shown), compare_shown);
	ring->n_shown = n;
}

const struct peer_key *const *
ring_find(const struct keyring *ring, const char *fingerprint, size_t *n)
{
	size_t low = 0, high = ring->n_shown, end;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(ring->by_fingerprint[middle]->fingerprint, fingerprint) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < ring->n_shown; end++)
		if (strcmp(ring->by_fingerprint[end]->fingerprint, fingerprint) != 0)
			break;
	*n = end - low;
	return ring->by_fingerprint + low;
}

static bool
is_verified_of(const struct peer_key *key, const char *peer)
{
	return key->state == KEY_VERIFIED && strcmp(key->peer, peer) == 0;
}

const struct peer_key *const *
ring_verified_of(const struct keyring *ring, const char *peer, size_t *n)
{
	size_t low = 0, high = ring->n_shown, end;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct peer_key *key = ring->shown[middle];
		if (key->state == KEY_VERIFIED && strcmp(key->peer, peer) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < ring->n_shown && is_verified_of(ring->shown[end], peer);)
		end++;
	*n = end - low;
	return ring->shown + low;
}

/* --- questions --- */

bool
keyring_has_verified(const struct keyring *ring, const char *peer, const struct asym_impl *asym)
{
	size_t n;
	const struct peer_key *const *keys = ring_verified_of(ring, peer, &n);
	for (size_t i = 0; i < n; i++)
		if (!asym || keys[i]->asym == asym)
			return true;
	return false;
}

static bool
has_another_algorithm(const struct keyring *ring, const char *peer, const struct asym_impl *asym)
{
	size_t n;
	const struct peer_key *const *keys = ring_verified_of(ring, peer, &n);
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
