/* The key ring: this node's key pairs and what it knows of its peers' keys, in memory and on disk.
   One state folder, used by a running node and by commands at the same time; every change goes to
   disk under a lock, as a whole file written beside the old one, synced and renamed. Not for
   several threads at once. */
#ifndef SC_KEYRING_KEYRING_H
#define SC_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/asym.h"

#define PEER_NAME_MAX                                                                              \
	64 /* characters of a peer's name: letters, digits, '.', '_', '-'; not '.' first */
#define PEER_NAME_SIZE  (PEER_NAME_MAX + 1)
#define KEY_SOURCE_SIZE 64 /* "203.0.113.5:7400" as shown, with its NUL */

/* Pending keys, protocol.md 11. */
struct keyring_limits {
	size_t callers;        /* pending keys of unknown callers */
	size_t callers_source; /* of these, from one source */
	int64_t expected;      /* seconds that a fingerprint given to `trust` waits for its key */
};

/* 64, 4, 7 days: what an opened ring has until keyring_set_limits. */
extern const struct keyring_limits keyring_limits_default;

/* A key pair of this node. */
struct key_pair {
	const struct asym_impl *asym;
	char fingerprint[FINGERPRINT_SIZE];
	int64_t created; /* Unix seconds */
	uint8_t public_key[ASYM_PUBLIC_MAX];
	uint8_t private_key[ASYM_PRIVATE_MAX];
};

enum key_state {
	KEY_VERIFIED, /* an operator confirmed it */
	KEY_PENDING,  /* it was shown; nobody has confirmed it */
	KEY_EXPECTED  /* only its fingerprint is known, from `trust --fingerprint` */
};

/* What is known of one key of a peer. */
struct peer_key {
	enum key_state state;
	const struct asym_impl *asym; /* NULL for KEY_EXPECTED */
	char peer[PEER_NAME_SIZE];    /* "" for a pending key of an unknown caller */
	char fingerprint[FINGERPRINT_SIZE];
	char source[KEY_SOURCE_SIZE]; /* where it was last seen, "" if never */
	int64_t time;                 /* Unix seconds: verified, last seen, or expected since */
	uint8_t public_key[ASYM_PUBLIC_MAX];
};

struct keyring;

/* Told about each file that cannot be used; text names it and says what to do. The ring goes on
   without it. */
typedef void
keyring_problem_fn(void *arg, const char *text);

/* Creates the state folder (0700, parents included) and what is in it, where missing. SC_OK, or an
   error with err set: SC_ERR_PERMISSION if the folder is there and open to others. */
enum sc_error
keyring_create(const char *folder, struct errmsg *err);

/* Reads the folder. SC_OK and *ring (to be given to keyring_free), or an error with err set: the
   folder is missing (says to run `secureconn init`), not a folder, not this user's, or open to
   others. Files that are torn, empty, oversized, open to others, of an unknown version or name are
   reported to problem (which may be NULL) and left out. */
enum sc_error
keyring_open(struct keyring **ring, const char *folder, keyring_problem_fn *problem, void *arg,
	struct errmsg *err);

void
keyring_set_limits(struct keyring *ring, const struct keyring_limits *limits);

const struct keyring_limits *
keyring_get_limits(const struct keyring *ring);

/* Another ring on the same folder, with the same limits, for another thread. Its files' problems are told by the first. */
enum sc_error
keyring_open_same(struct keyring **ring, const struct keyring *first, struct errmsg *err);

/* Wipes and frees. NULL is fine. */
void
keyring_free(struct keyring *ring);

/* Reads again what another process has changed since. True if anything is different now. Cheap if
   nothing is (a stat of the folders): a node calls it twice a second. */
bool
keyring_refresh(struct keyring *ring);

/* This node's pair for an algorithm, or NULL. Valid until the next refresh or change. */
const struct key_pair *
keyring_own(const struct keyring *ring, const struct asym_impl *asym);

/* Makes and stores a pair for asym, if there is none. Slow (public-key work). *created tells
   which. */
enum sc_error
keyring_generate(struct keyring *ring, const struct asym_impl *asym,
	const struct random_source *random, bool *created, struct errmsg *err);

enum key_verdict {
	VERDICT_VERIFIED, /* of the peer asked for, or of the one whose name is written */
	VERDICT_UNKNOWN,  /* not verified: to be noted as pending */
	VERDICT_OTHER,    /* verified for another peer than the one asked for: refused, not noted */
	VERDICT_OWN,      /* one of this node's own keys: refused, not noted */
	VERDICT_WEAK /* ElGamal 1024, and the peer has a verified key of another kind: refused */
};

/* Is this key (public_size bytes, valid by check_public) accepted on a connection that this node
   opened for `peer`, or, with peer NULL, on one that it accepted? protocol.md 3. Whether weak
   algorithms are allowed at all is the caller's to know. For VERDICT_VERIFIED name gets the peer.
   An index look-up: fit for an event loop. */
enum key_verdict
keyring_check(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE]);

/* The verified key of that algorithm and fingerprint (in the form shown). True: public_key
   (public_size bytes) is written. An index look-up. */
bool
keyring_find(const struct keyring *ring, const struct asym_impl *asym, const char *fingerprint,
	uint8_t *public_key);

/* True if any key of that peer and algorithm is verified. asym NULL: of any algorithm. */
bool
keyring_has_verified(const struct keyring *ring, const char *peer, const struct asym_impl *asym);

/* Notes a key that was shown by source ("address:port") as pending, on a connection opened for
   `peer`, or by an unknown caller (peer NULL), within the bounds of protocol.md 11; or, if `trust`
   was given its fingerprint before, stores it as verified at once (*verified, never NULL, tells). A
   key already there gets the new time and source, at most once a minute. A key that keyring_check
   refuses: SC_ERR_INVALID. Writes files. */
enum sc_error
keyring_note(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *source, bool *verified, struct errmsg *err);

/* The dialog's decision: what was typed picks, among the keys pending for this peer and those of
   unknown callers, the one that becomes the peer's verified key. On success key gets it.
   SC_ERR_NOT_FOUND: no key is pending at all (says to start the nodes first, or to use trust);
   SC_ERR_INVALID: typed is no whole fingerprint or not that of any pending key (the same text for
   both but for the form; never shows what was expected); SC_ERR_EXISTS: the key is held under
   another name. A key of the same algorithm that was verified for this peer before is replaced. */
enum sc_error
keyring_verify(struct keyring *ring, const char *peer, const char *typed, struct peer_key *key,
	struct errmsg *err);

/* `trust --fingerprint`: verifies a pending key with that fingerprint now, or keeps the fingerprint
   for KEYRING_EXPECTED_DAYS. */
enum sc_error
keyring_trust_fingerprint(
	struct keyring *ring, const char *peer, const char *typed, struct errmsg *err);

/* `trust --key`: stores this key as verified. Checks that it is valid (slow). */
enum sc_error
keyring_trust_key(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, struct errmsg *err);

/* The i-th of all peer keys (verified first, then expected, then pending; by name within each), or
   NULL past the last. */
const struct peer_key *
keyring_peer_key(const struct keyring *ring, size_t i);

/* True if the text may be a peer's name. */
bool
peer_name_valid(const char *name);

/* "2026-01-31T12:00:00Z"; a time outside the years 1970 to 9999 as the nearest one in them. */
#define TIME_TEXT_SIZE 24

void
time_text(char out[TIME_TEXT_SIZE], int64_t unix_seconds);

/* The public half of a pair as `key export` writes it and `trust --key` reads it: a few lines of
   text, readable. */
enum sc_error
key_file_export(char *out, size_t size, const struct key_pair *pair);

/* Reads such a text. public_key gets public_size bytes of *asym. */
enum sc_error
key_file_parse(const char *text, size_t size, const struct asym_impl **asym,
	uint8_t public_key[ASYM_PUBLIC_MAX], struct errmsg *err);

#endif
