/* Knows this node's own pairs on disk: how they are made, change over and retire, and what peers
   have said to the next ones. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keyring/ring.h"

/* --- making --- */

/* A file of this purpose is there and cannot be used: it may hold the pair that all peers know, so
   no other one is made beside it. Its name, or NULL. */
static const char *
unusable_file(const struct keyring *ring, const struct key_record *r)
{
	const struct ring_folder *keys = &ring->folders[STORE_KEYS];
	char name[FILE_NAME_SIZE];

	ring_file_name(name, r);
	size_t n = strlen(name) - strlen(".") - strlen(r->key.fingerprint) - strlen(".key");
	for (size_t i = 0; i < keys->n; i++)
		if (!keys->files[i].pair && strncmp(keys->files[i].name, name, n) == 0 &&
			keys->files[i].name[n] == '.')
			return keys->files[i].name;
	return NULL;
}

/* "x25519.key" for the first pair of a purpose, a name with its fingerprint for others. */
static enum sc_error
write_pair(struct keyring *ring, struct key_work *work, struct errmsg *err)
{
	const struct key_record *r = &work->record;
	char name[FILE_NAME_SIZE], further[FILE_NAME_SIZE];
	struct mark mark;
	size_t n = key_record_format(work->text, sizeof(work->text), r);

	/* Only where it is sure that no file has the name: it would be lost. */
	ring_file_name(further, r);
	snprintf(name, sizeof(name), "%.*s.key",
		(int)(strlen(further) - strlen(".") - strlen(r->key.fingerprint) - strlen(".key")),
		further);
	bool first = r->kind == KIND_OWN &&
		     store_mark(&ring->store, STORE_KEYS, name, &mark) != 0 && errno == ENOENT;
	return store_write(&ring->store, STORE_KEYS, first ? name : further, work->text, n, err);
}

static enum sc_error
make_locked(struct keyring *ring, struct key_work *work, bool *created, struct errmsg *err)
{
	const struct key_record *r = &work->record;
	/* Another process may have been quicker. */
	enum pair_role role = r->kind == KIND_NEXT ? PAIR_NEXT : PAIR_CURRENT;
	if (keyring_pair(ring, r->identity, r->key.asym, role))
		return SC_OK;
	const char *unusable = unusable_file(ring, r);
	if (unusable)
		return errmsg_set(err, SC_ERR_EXISTS,
			"%s/%s/%s: is there and cannot be used; put it back from a backup, or move "
			"it away to get a new pair (peers must then verify that)",
			ring->store.path, store_folder_names[STORE_KEYS], unusable);
	if (role == PAIR_NEXT && !keyring_pair(ring, r->identity, r->key.asym, PAIR_CURRENT))
		return errmsg_set(err, SC_ERR_NOT_FOUND, "there is no %s key%s%s to be replaced",
			r->key.asym->algorithm->name, r->identity[0] ? " of the identity " : "",
			r->identity);
	enum sc_error error = write_pair(ring, work, err);
	*created = error == SC_OK;
	return error;
}

/* Makes the pair in work->record and stores it. */
static enum sc_error
make(struct keyring *ring, struct key_work *work, const struct random_source *random, bool *created,
	struct errmsg *err)
{
	struct key_record *r = &work->record;
	const struct asym_impl *asym = r->key.asym;
	enum sc_error error;

	if (asym->generate(asym, random, r->private_key, r->key.public_key) != 0)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	fingerprint_of(r->key.fingerprint, asym->algorithm, r->key.public_key);
	error = change_begin(ring, err);
	return error == SC_OK ? change_end(ring, make_locked(ring, work, created, err)) : error;
}

enum sc_error
keyring_make(struct keyring *ring, const char *identity, const struct asym_impl *asym,
	enum pair_role role, const struct random_source *random, bool *created, struct errmsg *err)
{
	*created = false;
	keyring_refresh(ring);
	if (keyring_pair(ring, identity, asym, role))
		return SC_OK;
	struct key_work *work = secret_alloc(&ring->works);
	if (!work)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	work->record = (struct key_record){.kind = role == PAIR_NEXT ? KIND_NEXT : KIND_OWN,
		.key = {.asym = asym, .time = unix_time()}};
	snprintf(work->record.identity, sizeof(work->record.identity), "%s", identity);
	enum sc_error error = make(ring, work, random, created, err);
	secret_free(&ring->works, work);
	return error;
}

enum sc_error
keyring_generate(struct keyring *ring, const struct asym_impl *asym,
	const struct random_source *random, bool *created, struct errmsg *err)
{
	return keyring_make(ring, "", asym, PAIR_CURRENT, random, created, err);
}

/* --- rotation --- */

static void
record_of_pair(struct key_record *r, enum key_kind kind, const struct key_pair *pair)
{
	*r = (struct key_record){.kind = kind, .key = {.asym = pair->asym, .time = pair->created}};
	memcpy(r->identity, pair->identity, sizeof(r->identity));
	memcpy(r->key.fingerprint, pair->fingerprint, sizeof(r->key.fingerprint));
	memcpy(r->key.public_key, pair->public_key, sizeof(r->key.public_key));
	if (key_kind_has(kind, FIELD_PRIVATE))
		memcpy(r->private_key, pair->private_key, sizeof(r->private_key));
}

/* The file that a pair was read from. */
static const char *
file_of_pair(const struct keyring *ring, const struct key_pair *pair)
{
	const struct ring_folder *keys = &ring->folders[STORE_KEYS];
	for (size_t i = 0; i < keys->n; i++)
		if (keys->files[i].pair == pair)
			return keys->files[i].name;
	return NULL;
}

/* What is said of a pair from now on, since that time, replaces what was said of it; where that had
   a private key and this has not, nothing is left of it. */
static enum sc_error
rewrite_pair(struct keyring *ring, const struct key_pair *pair, enum key_kind kind, int64_t time,
	struct errmsg *err)
{
	struct key_work *work = secret_alloc(&ring->works);
	bool wipe_old = !key_kind_has(kind, FIELD_PRIVATE);

	if (!work)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	record_of_pair(&work->record, kind, pair);
	work->record.key.time = time;
	size_t n = key_record_format(work->text, sizeof(work->text), &work->record);
	enum sc_error error = (wipe_old ? store_write_over : store_write)(
		&ring->store, STORE_KEYS, file_of_pair(ring, pair), work->text, n, err);
	secret_free(&ring->works, work);
	return error;
}

static enum sc_error
change_over_locked(struct keyring *ring, const char *identity, const struct asym_impl *asym,
	struct errmsg *err)
{
	const struct key_pair *next = keyring_pair(ring, identity, asym, PAIR_NEXT);
	const struct key_pair *current = keyring_pair(ring, identity, asym, PAIR_CURRENT);
	int64_t time = unix_time();

	if (!next)
		return errmsg_set(err, SC_ERR_NOT_FOUND,
			"there is no new %s key%s%s to change over to; make it with key rotate",
			asym->algorithm->name, identity[0] ? " of the identity " : "", identity);
	/* Of two in use the younger one counts: with this one file all has changed. */
	if (current && time <= current->created)
		time = current->created + 1;
	return rewrite_pair(ring, next, KIND_OWN, time, err);
}

enum sc_error
keyring_change_over(struct keyring *ring, const char *identity, const struct asym_impl *asym,
	struct errmsg *err)
{
	enum sc_error error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	return change_end(ring, change_over_locked(ring, identity, asym, err));
}

enum sc_error
keyring_retire(struct keyring *ring, const char *fingerprint, struct errmsg *err)
{
	enum sc_error error = change_begin(ring, err);

	if (error != SC_OK)
		return error;
	const struct key_pair *pair = ring_pair_of(ring, fingerprint);
	if (!pair || pair->role != PAIR_FORMER)
		return change_end(ring, errmsg_set(err, SC_ERR_NOT_FOUND,
						"there is no former key with that fingerprint"));
	return change_end(ring, rewrite_pair(ring, pair, KIND_RETIRED, unix_time(), err));
}

/* --- what peers have said --- */

bool
keyring_answer(const struct keyring *ring, const char *peer, const char *fingerprint,
	enum keyroll_answer *answer, int64_t *time)
{
	char name[FILE_NAME_SIZE];

	snprintf(name, sizeof(name), "%s.%s.key", peer, fingerprint);
	const struct key_record *r = ring_record(ring, STORE_ANSWERS, name);
	if (!r)
		return false;
	*answer = r->answer;
	*time = r->key.time;
	return true;
}

/* Answers to keys that are neither next nor current say nothing any more. */
static void
forget_answers(struct keyring *ring)
{
	const struct ring_folder *answers = &ring->folders[STORE_ANSWERS];
	struct errmsg err;

	for (size_t i = 0; i < answers->n; i++) {
		const struct key_record *r = answers->files[i].record;
		const struct key_pair *pair = r ? ring_pair_of(ring, r->key.fingerprint) : NULL;
		if (r && (!pair || pair->role == PAIR_FORMER || pair->role == PAIR_RETIRED))
			change_remove(ring, r, &err); /* else next time */
	}
}

enum sc_error
keyring_set_answer(struct keyring *ring, const char *peer, const char *fingerprint,
	enum keyroll_answer answer, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_ANSWER, .answer = answer, .key = {.time = unix_time()}};
	enum keyroll_answer known;
	int64_t time;
	enum sc_error error = check_peer_name(peer, err);

	if (error != SC_OK ||
		(keyring_answer(ring, peer, fingerprint, &known, &time) && known == answer))
		return error;
	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer);
	memcpy(r.key.fingerprint, fingerprint, sizeof(r.key.fingerprint));
	if ((error = change_begin(ring, err)) != SC_OK)
		return error;
	forget_answers(ring);
	return change_end(ring, change_write(ring, &r, err));
}
