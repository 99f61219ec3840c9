/* Knows what the operators decide: verify, trust, revoke; how that is stored is change.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/program.h"
#include "keyring/ring.h"

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
			"reads is needed");
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
		if (keys[i]->state != KEY_PENDING && keys[i]->state != KEY_REVOKED &&
			strcmp(keys[i]->peer, peer) != 0)
			return errmsg_set(err, SC_ERR_EXISTS,
				"that key is the one of peer \"%s\" already; a key belongs to one "
				"peer",
				keys[i]->peer);
	return SC_OK;
}

/* What was taken back is not given again by an oversight. */
static enum sc_error
check_not_revoked(const struct keyring *ring, const char *fingerprint, struct errmsg *err)
{
	size_t n;
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	if (n == 0 || keys[0]->state != KEY_REVOKED)
		return SC_OK;
	return errmsg_set(err, SC_ERR_EXISTS,
		"that key was revoked (as one of peer \"%s\"); if it is to count again: "
		"secureconn trust %s --fingerprint F --again",
		keys[0]->peer, keys[0]->peer);
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

enum sc_error
check_peer_name(const char *peer, struct errmsg *err)
{
	if (peer_name_valid(peer))
		return SC_OK;
	return errmsg_set(err, SC_ERR_INVALID,
		"this is no name for a peer; use 1 to %d letters, digits, \".\", \"_\" and \"-\", "
		"no \".\" first",
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

	if (error == SC_OK && !picked &&
		(error = check_not_revoked(ring, fingerprint, err)) != SC_OK)
		return error;
	if (waiting == 0)
		return errmsg_set(err, SC_ERR_NOT_FOUND,
			"no key of %s has come yet; start both nodes, so that they meet once, or "
			"use `%s trust %s`",
			peer, program_name(), peer);
	if (error != SC_OK)
		return error;
	if (!picked)
		return errmsg_set(err, SC_ERR_INVALID,
			"that is not the fingerprint of a key that waits here");
	if ((error = check_not_held(ring, peer, fingerprint, err)) != SC_OK)
		return error;
	*key = *picked;
	roll_beside(ring, peer, key);
	error = change_verify(ring, peer, key, err);
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

/* The same key as it was revoked, under whatever name: not any more. Last, so that it counts as
   revoked until the new decision is stored. */
static enum sc_error
forget_revoked(struct keyring *ring, const char *peer, const char *fingerprint, struct errmsg *err)
{
	size_t n;
	const struct peer_key *const *keys = ring_find(ring, fingerprint, &n);
	if (n == 0 || keys[0]->state != KEY_REVOKED || strcmp(keys[0]->peer, peer) == 0)
		return SC_OK; /* its file has another content now */
	const struct key_record r = {.kind = KIND_REVOKED, .key = *keys[0]};
	return change_remove(ring, &r, err);
}

static enum sc_error
trust_fingerprint_locked(struct keyring *ring, const char *peer, const char *fingerprint,
	bool again, struct errmsg *err)
{
	struct key_record r = {.kind = KIND_EXPECTED, .key = {.state = KEY_EXPECTED}};
	size_t waiting, n;
	enum sc_error error = check_not_held(ring, peer, fingerprint, err);

	if (error == SC_OK && !again)
		error = check_not_revoked(ring, fingerprint, err);
	if (error != SC_OK)
		return error;
	const struct peer_key *const *there = ring_find(ring, fingerprint, &n);
	if (n > 0 && there[0]->state == KEY_VERIFIED)
		return SC_OK;
	const struct peer_key *picked = pick_pending(ring, peer, fingerprint, &waiting);
	if (picked) {
		struct peer_key key = *picked;
		roll_beside(ring, peer, &key);
		return change_verify(ring, peer, &key, err);
	}
	memcpy(r.key.fingerprint, fingerprint, sizeof(r.key.fingerprint));
	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer);
	r.key.time = unix_time();
	error = change_write(ring, &r, err);
	return error == SC_OK ? forget_revoked(ring, peer, fingerprint, err) : error;
}

enum sc_error
keyring_trust_fingerprint(struct keyring *ring, const char *peer, const char *typed, bool again,
	struct errmsg *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	enum sc_error error = check_peer_name(peer, err);
	if (error == SC_OK)
		error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	error = parse_typed(ring, fingerprint, typed, err);
	if (error == SC_OK)
		error = trust_fingerprint_locked(ring, peer, fingerprint, again, err);
	return change_end(ring, error);
}

static enum sc_error
trust_key_locked(struct keyring *ring, const char *peer, const struct peer_key *key, bool again,
	struct errmsg *err)
{
	size_t n;
	enum sc_error error;

	if (ring_is_own(ring, key->fingerprint))
		return errmsg_set(err, SC_ERR_INVALID,
			"that is the key of this node; the one of the peer is needed");
	if ((error = check_not_held(ring, peer, key->fingerprint, err)) != SC_OK)
		return error;
	if (!again && (error = check_not_revoked(ring, key->fingerprint, err)) != SC_OK)
		return error;
	const struct peer_key *const *there = ring_find(ring, key->fingerprint, &n);
	if (n > 0 && there[0]->state == KEY_VERIFIED)
		return SC_OK;
	return change_verify(ring, peer, key, err);
}

enum sc_error
keyring_trust_key(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, bool again, struct errmsg *err)
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
	return change_end(ring, trust_key_locked(ring, peer, &key, again, err));
}

/* --- taking back --- */

/* One key is revoked, whatever it was for this peer: in the file of what was verified, at one
   stroke. */
static enum sc_error
revoke_one(struct keyring *ring, const char *peer, const char *fingerprint, struct errmsg *err)
{
	struct key_record r = {
		.kind = KIND_REVOKED, .key = {.state = KEY_REVOKED, .time = unix_time()}};
	enum sc_error error;

	memcpy(r.key.fingerprint, fingerprint, sizeof(r.key.fingerprint));
	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer);
	error = change_write(ring, &r, err);
	for (size_t in = STORE_PENDING; error == SC_OK && in <= STORE_CALLERS; in++)
		for (size_t i = 0; error == SC_OK && i < ring->folders[in].n; i++) {
			const struct key_record *other = ring->folders[in].files[i].record;
			if (other && strcmp(other->key.fingerprint, fingerprint) == 0)
				error = change_remove(ring, other, err);
		}
	return error;
}

/* The fingerprints of the peer's keys that are not revoked yet; to be freed. *n: how many. NULL:
   out of memory. */
static char (*
list_keys(const struct keyring *ring, const char *peer, bool pending, size_t *n))[FINGERPRINT_SIZE]
{
	char(*list)[FINGERPRINT_SIZE] = calloc(ring->n_shown + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < ring->n_shown; i++)
		if (strcmp(ring->shown[i]->peer, peer) == 0 &&
			ring->shown[i]->state != KEY_REVOKED &&
			(!pending || ring->shown[i]->state == KEY_PENDING))
			memcpy(list[(*n)++], ring->shown[i]->fingerprint, sizeof(*list));
	return list;
}

static enum sc_error
revoke_all(struct keyring *ring, const char *peer, bool pending, size_t *n, struct errmsg *err)
{
	enum sc_error error = SC_OK;
	size_t listed;
	char(*list)[FINGERPRINT_SIZE] = list_keys(ring, peer, pending, &listed);

	if (!list)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	for (; error == SC_OK && *n < listed; *n += error == SC_OK)
		error = revoke_one(ring, peer, list[*n], err);
	free(list);
	if (error == SC_OK && listed == 0)
		return errmsg_set(err, SC_ERR_NOT_FOUND, "no key of %s %s", peer,
			pending ? "waits" : "is known that is not revoked");
	return error;
}

enum sc_error
keyring_revoke(
	struct keyring *ring, const char *peer, const char *typed, size_t *n, struct errmsg *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	enum sc_error error = check_peer_name(peer, err);

	*n = 0;
	if (error == SC_OK)
		error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	if (!typed)
		return change_end(ring, revoke_all(ring, peer, false, n, err));
	error = parse_typed(ring, fingerprint, typed, err);
	if (error == SC_OK)
		error = check_not_held(ring, peer, fingerprint, err);
	if (error == SC_OK)
		error = revoke_one(ring, peer, fingerprint, err);
	*n = error == SC_OK;
	return change_end(ring, error);
}

enum sc_error
keyring_revoke_pending(struct keyring *ring, const char *peer, size_t *n, struct errmsg *err)
{
	enum sc_error error = check_peer_name(peer, err);

	*n = 0;
	if (error == SC_OK)
		error = change_begin(ring, err);
	if (error != SC_OK)
		return error;
	return change_end(ring, revoke_all(ring, peer, true, n, err));
}
