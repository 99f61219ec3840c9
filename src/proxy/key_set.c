/* Knows which of the ring's pairs connections are made with, and who still holds them; when they
   change is watch.c's and rolls.c's. */
#include "proxy/key_set.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <uv.h>

#include "base/list.h"
#include "base/program.h"
#include "base/secret.h"

/* In locked memory. */
struct held_key {
	struct list node; /* on key_store.keys */
	struct key_store *owner;
	unsigned refs;
	struct key_pair pair;
};

struct key_store {
	uv_mutex_t lock; /* of everything in here, and of all refs */
	struct list keys;
	struct secret_pool secrets;
	const struct asym_impl *const *asym;
	size_t n_asym;
};

/* With its count, which is nobody else's business. */
struct counted_set {
	unsigned refs;  /* who may look into it */
	unsigned users; /* of these, who needs its keys */
	struct key_set set;
};

struct key_store *
key_store_new(const struct asym_impl *const *asym, size_t n)
{
	struct key_store *own = calloc(1, sizeof(*own));

	if (!own || uv_mutex_init(&own->lock) != 0) {
		free(own);
		return NULL;
	}
	list_init(&own->keys);
	secret_pool_init(&own->secrets, sizeof(struct held_key));
	own->asym = asym;
	own->n_asym = n;
	return own;
}

void
key_store_free(struct key_store *own)
{
	if (!own)
		return;
	secret_pool_fini(&own->secrets);
	uv_mutex_destroy(&own->lock);
	free(own);
}

/* ---- keys; under the lock ---- */

static void
release_locked(struct held_key *key)
{
	if (--key->refs > 0)
		return;
	list_remove(&key->node);
	secret_free(&key->owner->secrets, key);
}

/* The key of that pair, held once more. NULL: out of memory. */
static struct held_key *
hold_pair(struct key_store *own, const struct key_pair *pair)
{
	list_for_each (it, &own->keys) {
		struct held_key *key = container_of(it, struct held_key, node);
		if (strcmp(key->pair.fingerprint, pair->fingerprint) == 0) {
			key->refs++;
			return key;
		}
	}
	struct held_key *key = secret_alloc(&own->secrets);
	if (!key)
		return NULL;
	key->owner = own;
	key->refs = 1;
	key->pair = *pair;
	list_insert_tail(&own->keys, &key->node);
	return key;
}

static struct held_key *
key_of(const struct conn_key *key)
{
	/* The public key lies in the pair that lies in it. */
	return (struct held_key *)(void *)((char *)(uintptr_t)key->public_key -
		offsetof(struct held_key, pair) - offsetof(struct key_pair, public_key));
}

struct held_key *
held_key_hold(const struct conn_key *key)
{
	struct held_key *k = key_of(key);

	uv_mutex_lock(&k->owner->lock);
	k->refs++;
	uv_mutex_unlock(&k->owner->lock);
	return k;
}

void
held_key_release(struct held_key *key)
{
	if (!key)
		return;
	struct key_store *own = key->owner;
	uv_mutex_lock(&own->lock);
	release_locked(key);
	uv_mutex_unlock(&own->lock);
}

const char *
held_key_fingerprint(const struct held_key *key)
{
	return key->pair.fingerprint;
}

bool
key_store_holds(struct key_store *own, const char *fingerprint)
{
	bool held = false;

	uv_mutex_lock(&own->lock);
	list_for_each (it, &own->keys)
		held = held || strcmp(container_of(it, struct held_key, node)->pair.fingerprint,
				       fingerprint) == 0;
	uv_mutex_unlock(&own->lock);
	return held;
}

/* ---- sets ---- */

static void
fini_locked(struct key_set *set)
{
	for (size_t i = 0; i < set->n_identities; i++)
		for (size_t k = 0; k < set->n_asym; k++) {
			const struct key_identity *id = &set->identities[i];
			if (id->keys && id->keys[k].asym)
				release_locked(key_of(&id->keys[k]));
			if (id->next && id->next[k].asym)
				release_locked(key_of(&id->next[k]));
		}
}

static void
set_free(struct key_set *set)
{
	for (size_t i = 0; i < set->n_identities; i++) {
		free(set->identities[i].keys);
		free(set->identities[i].next);
	}
	free(set->identities);
	free(set->shown);
	free(container_of(set, struct counted_set, set));
}

static size_t
count_identities(const struct keyring *ring)
{
	const struct key_pair *pair, *last = NULL;
	size_t n = 1;

	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); last = pair, i++)
		if (pair->identity[0] && (!last || strcmp(pair->identity, last->identity) != 0))
			n++;
	return n;
}

static bool
fill_key(struct key_store *own, struct conn_key *out, const struct key_pair *pair)
{
	struct held_key *key = pair ? hold_pair(own, pair) : NULL;

	if (!pair)
		return true;
	if (!key)
		return false;
	*out = (struct conn_key){pair->asym, key->pair.public_key, key->pair.private_key};
	return true;
}

static bool
fill_identity(struct key_set *set, struct key_identity *id, const struct keyring *ring)
{
	struct key_store *own = set->owner;

	id->keys = calloc(set->n_asym + 1, sizeof(*id->keys));
	id->next = calloc(set->n_asym + 1, sizeof(*id->next));
	if (!id->keys || !id->next)
		return false;
	for (size_t k = 0; k < set->n_asym; k++) {
		const struct asym_impl *asym = own->asym[k];
		if (!fill_key(
			    own, &id->keys[k], keyring_pair(ring, id->name, asym, PAIR_CURRENT)) ||
			!fill_key(own, &id->next[k], keyring_pair(ring, id->name, asym, PAIR_NEXT)))
			return false;
		if (id->keys[k].asym)
			set->shown[set->n_shown++] = id->keys[k];
	}
	return true;
}

static bool
fill(struct key_set *set, const struct keyring *ring)
{
	const struct key_pair *pair;
	size_t room = count_identities(ring);

	set->identities = calloc(room, sizeof(*set->identities));
	set->shown = calloc(room * set->n_asym + 1, sizeof(*set->shown));
	if (!set->identities || !set->shown)
		return false;
	set->n_identities = 1; /* "" */
	if (!fill_identity(set, &set->identities[0], ring))
		return false;
	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++) {
		struct key_identity *last = &set->identities[set->n_identities - 1];
		if (strcmp(pair->identity, last->name) == 0)
			continue;
		struct key_identity *id = &set->identities[set->n_identities++];
		memcpy(id->name, pair->identity, sizeof(id->name));
		if (!fill_identity(set, id, ring))
			return false;
	}
	return true;
}

struct key_set *
key_set_new(struct key_store *own, const struct keyring *ring, struct errmsg *err)
{
	struct counted_set *counted = calloc(1, sizeof(*counted));

	errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	if (!counted)
		return NULL;
	struct key_set *set = &counted->set;
	counted->refs = counted->users = 1;
	set->owner = own;
	set->n_asym = own->n_asym;
	uv_mutex_lock(&own->lock);
	bool ok = fill(set, ring);
	uv_mutex_unlock(&own->lock);
	for (size_t k = 0; ok && k < set->n_asym; k++)
		if (!set->identities[0].keys[k].asym) {
			errmsg_set(err, SC_ERR_NOT_FOUND,
				"there is no key for \"%s\", which `asymmetric` names: run "
				"`%s init`",
				own->asym[k]->algorithm->name, program_name());
			ok = false;
		}
	if (ok)
		return set;
	key_set_release(set);
	return NULL;
}

static bool
same_keys(const struct conn_key *a, const struct conn_key *b, size_t n)
{
	/* There is one of each, so a key is where it is. */
	for (size_t i = 0; i < n; i++)
		if (a[i].public_key != b[i].public_key)
			return false;
	return true;
}

bool
key_set_equal(const struct key_set *a, const struct key_set *b)
{
	bool equal = a->n_identities == b->n_identities;

	for (size_t i = 0; equal && i < a->n_identities; i++)
		equal = strcmp(a->identities[i].name, b->identities[i].name) == 0 &&
			same_keys(a->identities[i].keys, b->identities[i].keys, a->n_asym) &&
			same_keys(a->identities[i].next, b->identities[i].next, a->n_asym);
	return equal;
}

struct key_set *
key_set_hold(struct key_set *set)
{
	struct counted_set *counted = container_of(set, struct counted_set, set);

	uv_mutex_lock(&set->owner->lock);
	counted->refs++;
	counted->users++;
	uv_mutex_unlock(&set->owner->lock);
	return set;
}

void
key_set_settle(struct key_set *set)
{
	struct counted_set *counted = container_of(set, struct counted_set, set);

	uv_mutex_lock(&set->owner->lock);
	if (--counted->users == 0)
		fini_locked(set);
	uv_mutex_unlock(&set->owner->lock);
}

void
key_set_drop(struct key_set *set)
{
	struct counted_set *counted = container_of(set, struct counted_set, set);

	uv_mutex_lock(&set->owner->lock);
	bool last = --counted->refs == 0;
	uv_mutex_unlock(&set->owner->lock);
	if (last)
		set_free(set);
}

void
key_set_release(struct key_set *set)
{
	if (!set)
		return;
	key_set_settle(set);
	key_set_drop(set);
}

void
key_mail_put(struct key_mail *mail, struct key_set *set)
{
	key_set_release(atomic_exchange(&mail->set, set));
}

struct key_set *
key_mail_take(struct key_mail *mail)
{
	return atomic_exchange(&mail->set, NULL);
}

const struct key_identity *
key_identity_find(const struct key_set *set, const char *name)
{
	size_t low = 0, high = set->n_identities;

	while (low < high) { /* as the ring sorts them */
		size_t middle = low + (high - low) / 2;
		int order = strcmp(set->identities[middle].name, name);
		if (order == 0)
			return &set->identities[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
