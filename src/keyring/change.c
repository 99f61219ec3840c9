/* Knows how keys are made, noted, verified and trusted: every change of the ring, each under the
   lock and after a look at what other processes have changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyring/ring.h"

#define NOTE_SECONDS 60 /* a pending key's time and source are written at most this often */

static int64_t
unix_time(void)
{
	return (int64_t)time(NULL);
}

/* Nothing may be decided on what was true before the lock was there. */
static enum sc_error
change_begin(struct keyring *ring, struct errmsg *err)
{
	enum sc_error error = store_lock(&ring->store, err);
	if (error == SC_OK)
		keyring_refresh(ring);
	return error;
}

static enum sc_error
change_end(struct keyring *ring, enum sc_error error)
{
	keyring_refresh(ring);
	store_unlock(&ring->store);
	return error;
}

static enum sc_error
write_record(struct keyring *ring, const struct key_record *record, struct errmsg *err)
{
	char text[KEY_FILE_MAX], name[FILE_NAME_SIZE];
	size_t n = key_record_format(text, sizeof(text), record);
	enum store_folder in = ring_file_name(name, record);
	enum sc_error error = store_write(&ring->store, in, name, text, n, err);
	wipe(text, sizeof(text));
	return error;
}

enum sc_error
keyring_generate(struct keyring *ring, const struct asym_impl *asym,
	const struct random_source *random, bool *created, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_OWN, .key = {.asym = asym, .time = unix_time()}};
	enum sc_error error = SC_OK;

	*created = false;
	keyring_refresh(ring);
	if (keyring_own(ring, asym))
		return SC_OK;
	if (asym->generate(asym, random, r.private_key, r.key.public_key) != 0)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	fingerprint_of(r.key.fingerprint, asym->algorithm, r.key.public_key);
	error = change_begin(ring, err);
	if (error == SC_OK) {
		char name[FILE_NAME_SIZE];
		struct mark mark;
		/* Another process may have been quicker; and a file that cannot be read is not
		   overwritten: it may be the pair that all peers know. */
		ring_file_name(name, &r);
		if (keyring_own(ring, asym))
			;
		else if (store_mark(&ring->store, STORE_KEYS, name, &mark) == 0)
			error = errmsg_set(err, SC_ERR_EXISTS,
				"%s/%s/%s: is there and cannot be used; put it back from a backup, "
				"or "
				"move it away to get a new pair (peers must then verify that)",
				ring->store.path, store_folder_names[STORE_KEYS], name);
		else if ((error = write_record(ring, &r, err)) == SC_OK)
			*created = true;
		error = change_end(ring, error);
	}
	wipe(&r, sizeof(r));
	return error;
}

/* Removes the keys that a newly verified one makes pointless: the same one where it was pending,
   and the one of that peer and algorithm that was verified before. */
static enum sc_error
remove_superseded(struct keyring *ring, const struct peer_key *key, struct errmsg *err)
{
	enum sc_error error = SC_OK;

	for (size_t in = STORE_PEERS; in < STORE_FOLDERS; in++) {
		const struct ring_folder *folder = &ring->folders[in];
		for (size_t i = 0; error == SC_OK && i < folder->n; i++) {
			const struct key_record *r = folder->files[i].record;
			bool same = r && strcmp(r->key.fingerprint, key->fingerprint) == 0;
			bool of_peer = r && strcmp(r->key.peer, key->peer) == 0;
			bool gone = in == STORE_PEERS
					    ? of_peer && !same && r->kind == KIND_VERIFIED &&
						      r->key.asym == key->asym
					    : same;
			if (gone || (r && ring_expired(ring, &r->key, unix_time())))
				error = store_remove(&ring->store, (enum store_folder)in,
					folder->files[i].name, err);
		}
	}
	return error;
}

/* Stores a key as the peer's verified one. Under the lock. */
static enum sc_error
store_verified(
	struct keyring *ring, const char *peer, const struct peer_key *key, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_VERIFIED, .key = *key};

	r.key.state = KEY_VERIFIED;
	r.key.time = unix_time();
	memset(r.key.peer, 0, sizeof(r.key.peer));
	memcpy(r.key.peer, peer, strlen(peer));
	enum sc_error error = write_record(ring, &r, err);
	return error == SC_OK ? remove_superseded(ring, &r.key, err) : error;
}

/* --- noting what peers show --- */

/* The record of this key where it would be pending, or NULL. */
static const struct key_record *
find_pending(const struct keyring *ring, const struct key_record *like)
{
	char name[FILE_NAME_SIZE];
	const struct ring_folder *folder = &ring->folders[ring_file_name(name, like)];
	for (size_t i = 0; i < folder->n; i++)
		if (strcmp(folder->files[i].name, name) == 0)
			return folder->files[i].record;
	return NULL;
}

/* The key that `trust --fingerprint` waits for, or NULL. */
static const struct peer_key *
find_expected(const struct keyring *ring, const char *peer, const char *fingerprint)
{
	size_t n;
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	for (size_t i = 0; i < n; i++)
		if (keys[i]->state == KEY_EXPECTED && !ring_expired(ring, keys[i], unix_time()) &&
			(!peer || strcmp(keys[i]->peer, peer) == 0))
			return keys[i];
	return NULL;
}

static enum sc_error
note_locked(struct keyring *ring, const char *peer, struct key_record *r, bool *verified,
	struct errmsg *err)
{
	char name[PEER_NAME_SIZE];
	enum key_verdict verdict = keyring_check(ring, peer, r->key.asym, r->key.public_key, name);

	if (verdict == VERDICT_VERIFIED) {
		*verified = true; /* by somebody, a moment ago */
		return SC_OK;
	}
	if (verdict != VERDICT_UNKNOWN)
		return errmsg_set(err, SC_ERR_INVALID, "this key is refused, and so not noted");
	const struct peer_key *expected = find_expected(ring, peer, r->key.fingerprint);
	if (!expected)
		return pending_store(ring, r, err);
	memcpy(name, expected->peer, sizeof(name));
	enum sc_error error = store_verified(ring, name, &r->key, err);
	*verified = error == SC_OK;
	return error;
}

enum sc_error
keyring_note(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *source, bool *verified, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_PENDING, .key = {.state = KEY_PENDING, .asym = asym}};

	*verified = false;
	if (peer && !peer_name_valid(peer))
		return errmsg_set(err, SC_ERR_INVALID, "this is no name for a peer");
	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer ? peer : "");
	escape_text(r.key.source, sizeof(r.key.source), source, strlen(source));
	r.key.time = unix_time();
	memcpy(r.key.public_key, public_key, asym->algorithm->public_size);
	fingerprint_of(r.key.fingerprint, asym->algorithm, public_key);

	const struct key_record *there = find_pending(ring, &r);
	int64_t age = there ? r.key.time - there->key.time : NOTE_SECONDS;
	if (age >= 0 && age < NOTE_SECONDS && !find_expected(ring, peer, r.key.fingerprint))
		return SC_OK;
	enum sc_error error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	return change_end(ring, note_locked(ring, peer, &r, verified, err));
}

/* --- the operator's decisions --- */

/* What was typed, in the form shown; an error that says what is wrong with it. */
static enum sc_error
parse_typed(const struct keyring *ring, char out[FINGERPRINT_SIZE], const char *typed,
	struct errmsg *err)
{
	if (fingerprint_parse(out, typed) != 0)
		return errmsg_set(err, SC_ERR_INVALID,
			"that is not a whole fingerprint: it has 32 letters and digits, in eight "
			"groups of four");
	if (ring_is_own(ring, out))
		return errmsg_set(err, SC_ERR_INVALID,
			"that is the fingerprint of this node; the one that the peer's operator "
			"reads is "
			"needed");
	return SC_OK;
}

/* A key belongs to one peer. */
static enum sc_error
check_not_held(
	const struct keyring *ring, const char *peer, const char *fingerprint, struct errmsg *err)
{
	size_t n;
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	for (size_t i = 0; i < n; i++)
		if (keys[i]->state != KEY_PENDING && strcmp(keys[i]->peer, peer) != 0)
			return errmsg_set(err, SC_ERR_EXISTS,
				"that key is the one of peer \"%s\" already; a key belongs to one "
				"peer",
				keys[i]->peer);
	return SC_OK;
}

/* The pending key that this fingerprint names, among those that may be the peer's; *waiting is how
   many there are. Takes as long whether it is there or not. */
static const struct peer_key *
pick_pending(const struct keyring *ring, const char *peer, const char *fingerprint, size_t *waiting)
{
	const struct peer_key *picked = NULL;

	*waiting = 0;
	for (size_t i = 0; i < ring->n_shown; i++) {
		const struct peer_key *key = ring->shown[i];
		if (key->state != KEY_PENDING || (key->peer[0] && strcmp(key->peer, peer) != 0))
			continue;
		++*waiting;
		if (fingerprint_equal(key->fingerprint, fingerprint))
			picked = key;
	}
	return picked;
}

static enum sc_error
check_peer_name(const char *peer, struct errmsg *err)
{
	if (peer_name_valid(peer))
		return SC_OK;
	return errmsg_set(err, SC_ERR_INVALID,
		"this is no name for a peer; use 1 to %d letters, digits, \".\", \"_\" and \"-\", "
		"no "
		"\".\" first",
		PEER_NAME_MAX);
}

static enum sc_error
verify_locked(struct keyring *ring, const char *peer, const char *typed, struct peer_key *key,
	struct errmsg *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	size_t waiting;
	enum sc_error error = parse_typed(ring, fingerprint, typed, err);
	const struct peer_key *picked = pick_pending(ring, peer, fingerprint, &waiting);

	if (waiting == 0)
		return errmsg_set(err, SC_ERR_NOT_FOUND,
			"no key of %s has come yet; start both nodes, so that they meet once, or "
			"use "
			"`secureconn trust %s`",
			peer, peer);
	if (error != SC_OK)
		return error;
	if (!picked)
		return errmsg_set(err, SC_ERR_INVALID,
			"that is not the fingerprint of a key that waits here");
	if ((error = check_not_held(ring, peer, fingerprint, err)) != SC_OK)
		return error;
	*key = *picked;
	error = store_verified(ring, peer, key, err);
	key->state = KEY_VERIFIED;
	snprintf(key->peer, sizeof(key->peer), "%s", peer);
	return error;
}

enum sc_error
keyring_verify(struct keyring *ring, const char *peer, const char *typed, struct peer_key *key,
	struct errmsg *err)
{
	enum sc_error error = check_peer_name(peer, err);
	if (error == SC_OK)
		error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	return change_end(ring, verify_locked(ring, peer, typed, key, err));
}

static enum sc_error
trust_fingerprint_locked(
	struct keyring *ring, const char *peer, const char *typed, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_EXPECTED, .key = {.state = KEY_EXPECTED}};
	size_t waiting, n;
	enum sc_error error = parse_typed(ring, r.key.fingerprint, typed, err);

	if (error == SC_OK)
		error = check_not_held(ring, peer, r.key.fingerprint, err);
	if (error != SC_OK)
		return error;
	const struct peer_key *const *there = ring_find(ring, r.key.fingerprint, &n);
	if (n > 0 && there[0]->state == KEY_VERIFIED)
		return SC_OK;
	const struct peer_key *picked = pick_pending(ring, peer, r.key.fingerprint, &waiting);
	if (picked) {
		struct peer_key key = *picked;
		return store_verified(ring, peer, &key, err);
	}
	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer);
	r.key.time = unix_time();
	return write_record(ring, &r, err);
}

enum sc_error
keyring_trust_fingerprint(
	struct keyring *ring, const char *peer, const char *typed, struct errmsg *err)
{
	enum sc_error error = check_peer_name(peer, err);
	if (error == SC_OK)
		error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	return change_end(ring, trust_fingerprint_locked(ring, peer, typed, err));
}

enum sc_error
keyring_trust_key(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, struct errmsg *err)
{
	struct peer_key key = {.state = KEY_VERIFIED, .asym = asym};
	enum sc_error error = check_peer_name(peer, err);

	if (error != SC_OK)
		return error;
	if (asym->check_public(asym, public_key) != 0)
		return errmsg_set(
			err, SC_ERR_INVALID, "that is not a valid %s key", asym->algorithm->name);
	memcpy(key.public_key, public_key, asym->algorithm->public_size);
	fingerprint_of(key.fingerprint, asym->algorithm, public_key);
	if ((error = change_begin(ring, err)) != SC_OK)
		return error;
	size_t n;
	const struct peer_key *const *there = ring_find(ring, key.fingerprint, &n);
	if (ring_is_own(ring, key.fingerprint))
		error = errmsg_set(err, SC_ERR_INVALID,
			"that is the key of this node; the one of the peer is needed");
	else
		error = check_not_held(ring, peer, key.fingerprint, err);
	if (error == SC_OK && !(n > 0 && there[0]->state == KEY_VERIFIED))
		error = store_verified(ring, peer, &key, err);
	return change_end(ring, error);
}
