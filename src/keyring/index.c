/* Knows how keys in memory are found: by fingerprint, by peer, by purpose; changes nothing on
   disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyring/ring.h"

/* The order in which they are shown. */
static int
rank(enum key_state state)
{
	static const int ranks[] = {
		[KEY_VERIFIED] = 0, [KEY_EXPECTED] = 1, [KEY_PENDING] = 2, [KEY_REVOKED] = 3};
	return ranks[state];
}

static int
compare_shown(const void *a, const void *b)
{
	const struct peer_key *x = *(const struct peer_key *const *)a;
	const struct peer_key *y = *(const struct peer_key *const *)b;
	int order = rank(x->state) - rank(y->state);
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

/* Which of the keys of one fingerprint count; they are sorted by rank. What was revoked is nothing
   else any more. Whoever put two files there that say for whom it is verified: neither can be
   believed. */
static bool
counts(const struct peer_key *key, const struct peer_key *first, const struct peer_key *last,
	size_t verified)
{
	if (last->state == KEY_REVOKED)
		return key == last;
	return verified == 0 || (verified == 1 && key == first);
}

/* Takes out of by_fingerprint what one fingerprint must not have. */
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
		const struct peer_key *first = keys[i], *last = keys[next - 1];
		if (verified > 1)
			ring_problem(ring, STORE_PEERS, first->fingerprint,
				"this key is verified for two peers, so it is not used; remove a "
				"file");
		for (size_t k = i; k < next; k++)
			if (counts(keys[k], first, last, verified))
				keys[used++] = keys[k];
	}
	return used;
}

/* --- which verified keys of a peer are valid --- */

/* The youngest of n keys that is of this algorithm: what was decided last. */
static const struct peer_key *
youngest(const struct peer_key *const *keys, size_t n, const struct asym_impl *asym)
{
	const struct peer_key *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (keys[i]->asym == asym && (!found || keys[i]->time > found->time))
			found = keys[i];
	return found;
}

/* Of the keys of one peer and algorithm the youngest is valid, and the one beside which that is,
   and so on. All others have been replaced, only their files are still there: so one file decides,
   whatever a process was in the middle of when it was killed. */
static bool
is_valid(const struct peer_key *key, const struct peer_key *const *keys, size_t n)
{
	const struct peer_key *at = youngest(keys, n, key->asym);

	for (size_t steps = 0; at && at != key && steps < n; steps++) {
		const struct peer_key *next = NULL;
		for (size_t i = 0; at->beside[0] && i < n; i++)
			if (strcmp(keys[i]->fingerprint, at->beside) == 0)
				next = keys[i];
		at = next;
	}
	return at == key;
}

/* Takes the replaced ones out of a list that is sorted as it is shown. */
static size_t
drop_replaced(const struct peer_key **keys, size_t n)
{
	size_t used = 0;

	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && keys[next]->state == KEY_VERIFIED &&
			strcmp(keys[i]->peer, keys[next]->peer) == 0;)
			next++;
		if (next - i == 1) {
			keys[used++] = keys[i];
			continue;
		}
		bool valid[64];
		size_t group = min_size(next - i, ARRAY_SIZE(valid)); /* nobody has more */
		for (size_t k = 0; k < group; k++)
			valid[k] = is_valid(keys[i + k], keys + i, group);
		for (size_t k = 0; k < group; k++)
			if (valid[k])
				keys[used++] = keys[i + k];
	}
	return used;
}

const struct peer_key *
ring_youngest(const struct keyring *ring, const char *peer, const struct asym_impl *asym)
{
	size_t n;
	const struct peer_key *const *keys = keyring_keys_of(ring, peer, KEY_VERIFIED, &n);
	return youngest(keys, n, asym);
}

/* --- own pairs --- */

static int
compare_pairs(const void *a, const void *b)
{
	const struct key_pair *x = *(struct key_pair *const *)a, *y = *(struct key_pair *const *)b;
	int order = strcmp(x->identity, y->identity);

	if (order == 0)
		order = strcmp(x->asym->algorithm->name, y->asym->algorithm->name);
	if (order == 0)
		order = (int)x->role - (int)y->role;
	if (order == 0 && x->created != y->created)
		order = x->created > y->created ? -1 : 1;
	return order ? order : strcmp(x->fingerprint, y->fingerprint);
}

static int
compare_pair_fingerprints(const void *a, const void *b)
{
	const struct key_pair *x = *(struct key_pair *const *)a, *y = *(struct key_pair *const *)b;
	return strcmp(x->fingerprint, y->fingerprint);
}

static bool
same_purpose(const struct key_pair *a, const struct key_pair *b)
{
	return a->asym == b->asym && strcmp(a->identity, b->identity) == 0;
}

/* Of the pairs in use for one purpose only the youngest is current. */
static void
set_roles(struct key_pair **pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pairs[i]->role == PAIR_FORMER)
			pairs[i]->role = PAIR_CURRENT;
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (size_t i = n; i-- > 1;)
		if (pairs[i]->role == PAIR_CURRENT && pairs[i - 1]->role == PAIR_CURRENT &&
			same_purpose(pairs[i], pairs[i - 1]))
			pairs[i]->role = PAIR_FORMER;
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
}

/* False: out of memory, and no pair is known. */
static bool
index_pairs(struct keyring *ring)
{
	const struct ring_folder *keys = &ring->folders[STORE_KEYS];
	size_t n = 0;

	free(ring->pairs);
	free(ring->pairs_by_fingerprint);
	ring->n_pairs = 0;
	ring->pairs = calloc(keys->n + 1, sizeof(*ring->pairs));
	ring->pairs_by_fingerprint = calloc(keys->n + 1, sizeof(*ring->pairs_by_fingerprint));
	if (!ring->pairs || !ring->pairs_by_fingerprint)
		return false;
	for (size_t i = 0; i < keys->n; i++)
		if (keys->files[i].pair)
			ring->pairs[n++] = keys->files[i].pair;
	set_roles(ring->pairs, n);
	memcpy(ring->pairs_by_fingerprint, ring->pairs, n * sizeof(*ring->pairs));
	qsort(ring->pairs_by_fingerprint, n, sizeof(*ring->pairs), compare_pair_fingerprints);
	ring->n_pairs = n;
	return true;
}

const struct key_pair *
ring_pair_of(const struct keyring *ring, const char *fingerprint)
{
	size_t low = 0, high = ring->n_pairs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(ring->pairs_by_fingerprint[middle]->fingerprint, fingerprint);
		if (order == 0)
			return ring->pairs_by_fingerprint[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct key_pair *
keyring_pair(const struct keyring *ring, const char *identity, const struct asym_impl *asym,
	enum pair_role role)
{
	size_t low = 0, high = ring->n_pairs;

	while (low < high) { /* the first one of that identity */
		size_t middle = low + (high - low) / 2;
		if (strcmp(ring->pairs[middle]->identity, identity) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < ring->n_pairs && strcmp(ring->pairs[low]->identity, identity) == 0; low++)
		if (ring->pairs[low]->asym == asym && ring->pairs[low]->role == role)
			return ring->pairs[low];
	return NULL;
}

/* --- all of it --- */

void
ring_index(struct keyring *ring)
{
	size_t total = 0, n = 0;
	int64_t now = (int64_t)time(NULL);

	bool have_pairs = index_pairs(ring);
	for (size_t i = STORE_PEERS; i <= STORE_CALLERS; i++)
		total += ring->folders[i].n;
	free(ring->shown);
	free(ring->by_fingerprint);
	ring->n_shown = 0;
	ring->shown = calloc(total + 1, sizeof(*ring->shown));
	ring->by_fingerprint = calloc(total + 1, sizeof(*ring->by_fingerprint));
	if (!ring->shown || !ring->by_fingerprint)
		return; /* no keys are known then: safe, and over with the next refresh */
	ring->stale = !have_pairs;
	for (size_t i = STORE_PEERS; i <= STORE_CALLERS; i++)
		for (size_t k = 0; k < ring->folders[i].n; k++) {
			const struct key_record *record = ring->folders[i].files[k].record;
			if (record && !ring_expired(ring, &record->key, now))
				ring->by_fingerprint[n++] = &record->key;
		}
	qsort(ring->by_fingerprint, n, sizeof(*ring->by_fingerprint), compare_fingerprint);
	n = index_clean(ring, ring->by_fingerprint, n);
	memcpy(ring->shown, ring->by_fingerprint, n * sizeof(*ring->shown));
	qsort(ring->shown, n, sizeof(*ring->shown), compare_shown);
	ring->n_shown = drop_replaced(ring->shown, n);
	if (ring->n_shown < n) {
		n = ring->n_shown;
		memcpy(ring->by_fingerprint, ring->shown, n * sizeof(*ring->shown));
		qsort(ring->by_fingerprint, n, sizeof(*ring->by_fingerprint), compare_fingerprint);
	}
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

/* The first of the keys of that peer and state in `shown`, or where it would be. */
static size_t
first_shown(const struct keyring *ring, enum key_state state, const char *peer)
{
	size_t low = 0, high = ring->n_shown;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct peer_key *key = ring->shown[middle];
		int order = rank(key->state) - rank(state);
		if (order < 0 || (order == 0 && strcmp(key->peer, peer) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct peer_key *const *
keyring_keys_of(
	const struct keyring *ring, const char *peer, enum key_state state, size_t *n)
{
	size_t low = first_shown(ring, state, peer), end = low;

	while (end < ring->n_shown && ring->shown[end]->state == state &&
		strcmp(ring->shown[end]->peer, peer) == 0)
		end++;
	*n = end - low;
	return ring->shown + low;
}

bool
keyring_knows(const struct keyring *ring, const char *peer)
{
	static const enum key_state states[] = {
		KEY_VERIFIED, KEY_EXPECTED, KEY_PENDING, KEY_REVOKED};

	size_t n = 0;

	for (size_t i = 0; n == 0 && i < ARRAY_SIZE(states); i++)
		keyring_keys_of(ring, peer, states[i], &n);
	return n > 0;
}
