/* Knows how the ring changes on disk, each time under the lock and after a look at what other
   processes have changed, and how keys that peers show are noted; what operators decide is
   decide.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyring/ring.h"

#define NOTE_SECONDS 60 /* a pending key's time and source are written at most this often */

int64_t
unix_time(void)
{
	return (int64_t)time(NULL);
}

enum sc_error
change_begin(struct keyring *ring, struct errmsg *err)
{
	enum sc_error error = store_lock(&ring->store, err);

	if (error != SC_OK)
		return error;
	keyring_refresh(ring);
	if ((error = ring_whole(ring, err)) != SC_OK)
		store_unlock(&ring->store);
	return error;
}

enum sc_error
change_end(struct keyring *ring, enum sc_error error)
{
	keyring_refresh(ring);
	store_unlock(&ring->store);
	return error;
}

enum sc_error
change_write(struct keyring *ring, const struct key_record *record, struct errmsg *err)
{
	char text[KEY_FILE_MAX], name[FILE_NAME_SIZE];
	size_t n = key_record_format(text, sizeof(text), record);
	enum store_folder in = ring_file_name(name, record);
	enum sc_error error = store_write(&ring->store, in, name, text, n, err);
	wipe(text, sizeof(text));
	return error;
}

enum sc_error
change_remove(struct keyring *ring, const struct key_record *record, struct errmsg *err)
{
	char name[FILE_NAME_SIZE];
	enum store_folder in = ring_file_name(name, record);
	return store_remove(&ring->store, in, name, err);
}

/* True if the newly verified key leaves nothing for the other record to say. */
static bool
is_superseded(const struct key_record *r, const struct peer_key *key)
{
	bool same = strcmp(r->key.fingerprint, key->fingerprint) == 0;

	if (same)
		return r->kind != KIND_VERIFIED;
	return r->kind == KIND_VERIFIED && !key->beside[0] && r->key.asym == key->asym &&
	       strcmp(r->key.peer, key->peer) == 0;
}

static enum sc_error
remove_superseded(struct keyring *ring, const struct peer_key *key, struct errmsg *err)
{
	enum sc_error error = SC_OK;

	for (size_t in = STORE_PEERS; in <= STORE_CALLERS; in++) {
		const struct ring_folder *folder = &ring->folders[in];
		for (size_t i = 0; error == SC_OK && i < folder->n; i++) {
			const struct key_record *r = folder->files[i].record;
			char name[FILE_NAME_SIZE], own[FILE_NAME_SIZE];
			if (!r || !(is_superseded(r, key) ||
					  ring_expired(ring, &r->key, unix_time())))
				continue;
			/* What was expected or revoked for this peer had the file that was just
			   written. */
			const struct key_record now = {.kind = KIND_VERIFIED, .key = *key};
			if (ring_file_name(name, r) == ring_file_name(own, &now) &&
				strcmp(name, own) == 0)
				continue;
			error = change_remove(ring, r, err);
		}
	}
	return error;
}

enum sc_error
change_verify(
	struct keyring *ring, const char *peer, const struct peer_key *key, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_VERIFIED, .key = *key};

	const struct peer_key *before = ring_youngest(ring, peer, key->asym);

	r.key.state = KEY_VERIFIED;
	r.key.time = unix_time();
	if (before && r.key.time <= before->time)
		r.key.time = before->time + 1; /* the youngest counts */
	r.key.used = 0;
	memset(r.key.peer, 0, sizeof(r.key.peer));
	memcpy(r.key.peer, peer, strlen(peer));
	enum sc_error error = change_write(ring, &r, err);
	return error == SC_OK ? remove_superseded(ring, &r.key, err) : error;
}

/* --- noting what peers show --- */

/* The record of this key where it would be pending, or NULL. */
static const struct key_record *
find_pending(const struct keyring *ring, const struct key_record *like)
{
	char name[FILE_NAME_SIZE];
	enum store_folder in = ring_file_name(name, like);
	return ring_record(ring, in, name);
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

bool
keyring_expects(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE])
{
	char fingerprint[FINGERPRINT_SIZE], of[PEER_NAME_SIZE];

	name[0] = '\0';
	fingerprint_of(fingerprint, asym->algorithm, public_key);
	const struct peer_key *expected = find_expected(ring, peer, fingerprint);
	if (!expected ||
		keyring_check(ring, expected->peer, asym, public_key, of) != VERDICT_UNKNOWN)
		return false;
	memcpy(name, expected->peer, PEER_NAME_SIZE);
	return true;
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
	enum sc_error error = change_verify(ring, name, &r->key, err);
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
