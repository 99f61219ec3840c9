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

/* A peer's name: so many letters, digits, '.', '_' and '-', the first one no '.'. */
#define PEER_NAME_MAX   64
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

enum pair_role {
	PAIR_CURRENT, /* what peers are shown */
	PAIR_NEXT,    /* what they will be shown (key rotate) */
	PAIR_FORMER,  /* what they were shown: kept while links under it are up */
	PAIR_RETIRED  /* only the public half is left, so that it is never taken for a peer's */
};

/* A key pair of this node. */
struct key_pair {
	const struct asym_impl *asym;
	enum pair_role role;
	char identity[PEER_NAME_SIZE]; /* a set of pairs for some peers; "": for all others */
	char fingerprint[FINGERPRINT_SIZE];
	int64_t created; /* Unix seconds: in use since, or made (PAIR_NEXT), or retired */
	uint8_t public_key[ASYM_PUBLIC_MAX];
	uint8_t private_key[ASYM_PRIVATE_MAX]; /* zeros for PAIR_RETIRED */
};

enum key_state {
	KEY_VERIFIED, /* an operator confirmed it */
	KEY_PENDING,  /* it was shown; nobody has confirmed it */
	KEY_EXPECTED, /* only its fingerprint is known, from `trust --fingerprint` */
	KEY_REVOKED   /* an operator took it back: only its fingerprint is kept */
};

/* What is known of one key of a peer. */
struct peer_key {
	enum key_state state;
	const struct asym_impl *asym; /* NULL for KEY_EXPECTED and KEY_REVOKED */
	char peer[PEER_NAME_SIZE];    /* "" for a pending key of an unknown caller */
	char fingerprint[FINGERPRINT_SIZE];
	char source[KEY_SOURCE_SIZE]; /* where it was last seen, "" if never */
	int64_t time; /* Unix seconds: verified, last seen, expected or revoked since */
	/* From a planned rotation (protocol.md 12), "" otherwise. KEY_PENDING: the verified key
	   under which the peer announced it, and which so vouches for it. KEY_VERIFIED: the older
	   one of its algorithm, which is valid besides until ROLL_OVERLAP after `used`. */
	char beside[FINGERPRINT_SIZE];
	int64_t used; /* the peer was first authenticated with it; 0: not yet. Only with `beside` */
	uint8_t public_key[ASYM_PUBLIC_MAX];
};

#define ROLL_OVERLAP  (7 * 24 * 3600) /* seconds: an old key is valid beside one in use */
#define ROLL_KEYS_MAX 4               /* valid keys of one peer and algorithm */

/* What a peer says to a key that is announced to it: the numbers of protocol.md 12, step 4. */
enum keyroll_answer {
	KEYROLL_VERIFIED = 0,
	KEYROLL_PENDING = 1, /* its operator has to verify it */
	KEYROLL_REFUSED = 2,
	KEYROLL_ANSWERS
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
   reported to problem (which may be NULL) and left out; those that cannot be read for another
   reason too, and keyring_refresh tries them again, but nothing is changed meanwhile. */
enum sc_error
keyring_open(struct keyring **ring, const char *folder, keyring_problem_fn *problem, void *arg,
	struct errmsg *err);

void
keyring_set_limits(struct keyring *ring, const struct keyring_limits *limits);

const struct keyring_limits *
keyring_get_limits(const struct keyring *ring);

/* Another ring on the same folder, with the same limits, for another thread. Its files' problems
   are told by the first. */
enum sc_error
keyring_open_same(struct keyring **ring, const struct keyring *first, struct errmsg *err);

/* Wipes and frees. NULL is fine. */
void
keyring_free(struct keyring *ring);

/* Reads again what another process has changed since. True if anything is different now. Cheap if
   nothing is (a stat of the folders): a node calls it twice a second. */
bool
keyring_refresh(struct keyring *ring);

/* Makes this process the one node of the state folder, as long as it lives or the ring does. SC_OK;
   otherwise with err set: SC_ERR_EXISTS, another one is; SC_ERR_IO, the system can lock nothing
   there, so whether another one is cannot be told. successor: it takes over from that one, and has
   the folder once that one has ended. */
enum sc_error
keyring_claim(struct keyring *ring, bool successor, struct errmsg *err);

/* False: the system would not lock the memory that private keys are in, so they may be swapped
   out. */
bool
keyring_is_locked(const struct keyring *ring);

/* This node's pair of an identity ("": its own), an algorithm and a role, or NULL; of several the
   youngest. Valid until the next refresh or change. */
const struct key_pair *
keyring_pair(const struct keyring *ring, const char *identity, const struct asym_impl *asym,
	enum pair_role role);

/* The one that peers are shown: role PAIR_CURRENT, identity "". */
const struct key_pair *
keyring_own(const struct keyring *ring, const struct asym_impl *asym);

/* The i-th of all pairs (by identity, algorithm, role), or NULL past the last. */
const struct key_pair *
keyring_pair_at(const struct keyring *ring, size_t i);

/* Makes and stores a pair, if there is none of that role. Slow (public-key work). *created tells
   which. role: PAIR_CURRENT or PAIR_NEXT; SC_ERR_NOT_FOUND for a next one where there is no current
   one. */
enum sc_error
keyring_make(struct keyring *ring, const char *identity, const struct asym_impl *asym,
	enum pair_role role, const struct random_source *random, bool *created, struct errmsg *err);

/* keyring_make of the pair that peers are shown. */
enum sc_error
keyring_generate(struct keyring *ring, const struct asym_impl *asym,
	const struct random_source *random, bool *created, struct errmsg *err);

/* ---- a planned rotation at the node whose key it is (protocol.md 12) ---- */

/* The next pair of that identity and algorithm is the current one from now on, and the current one
   a former one, at one stroke. SC_ERR_NOT_FOUND: there is none. */
enum sc_error
keyring_change_over(struct keyring *ring, const char *identity, const struct asym_impl *asym,
	struct errmsg *err);

/* Keeps only the public half of a former pair; the private one is wiped, on disk too, as far as a
   file system does that. */
enum sc_error
keyring_retire(struct keyring *ring, const char *fingerprint, struct errmsg *err);

/* What a peer has said to the pair of that fingerprint, and when. True: it has. */
bool
keyring_answer(const struct keyring *ring, const char *peer, const char *fingerprint,
	enum keyroll_answer *answer, int64_t *time);

/* Keeps it. Nothing is written if that is known already. */
enum sc_error
keyring_set_answer(struct keyring *ring, const char *peer, const char *fingerprint,
	enum keyroll_answer answer, struct errmsg *err);

/* ---- at the node that hears of it ---- */

/* What to say to a key (valid or not: that is slow to see, and the caller's) that `peer` announces.
   True: *answer, at once; false: it has to prove that it holds it. An index look-up. */
bool
keyring_judge_roll(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, enum keyroll_answer *answer);

/* The peer has proven on a link under the key announced->beside that it holds this one: verified
   where accept, else pending; *answer is what to say. */
enum sc_error
keyring_roll(struct keyring *ring, const struct peer_key *announced, bool accept,
	enum keyroll_answer *answer, struct errmsg *err);

/* The peer was authenticated with this key: the older one beside it runs out ROLL_OVERLAP from now.
   True: something has to be written, by keyring_use. */
bool
keyring_is_first_use(
	const struct keyring *ring, const struct asym_impl *asym, const uint8_t *public_key);

enum sc_error
keyring_use(struct keyring *ring, const struct asym_impl *asym, const uint8_t *public_key,
	struct errmsg *err);

/* Removes the verified keys whose overlap is over. *n: how many. Cheap if there are none. */
enum sc_error
keyring_expire(struct keyring *ring, size_t *n, struct errmsg *err);

/* ---- keys of peers ---- */

enum key_verdict {
	VERDICT_VERIFIED, /* of the peer asked for, or of the one whose name is written */
	VERDICT_UNKNOWN,  /* not verified: to be noted as pending */
	VERDICT_OTHER,    /* verified for another peer than the one asked for: refused, not noted */
	VERDICT_OWN,      /* one of this node's own keys, of any age: refused, not noted */
	VERDICT_REVOKED,  /* an operator took it back: refused, not noted */
	VERDICT_WEAK /* ElGamal 1024, and the peer has a verified key of another kind: refused */
};

/* Is this key (public_size bytes, valid by check_public) accepted on a connection that this node
   opened for `peer`, or, with peer NULL, on one that it accepted? protocol.md 3. Whether weak
   algorithms are allowed at all is the caller's to know. For VERDICT_VERIFIED name gets the peer.
   An index look-up: fit for an event loop. */
enum key_verdict
keyring_check(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE]);

/* The key is not verified yet, but `trust --fingerprint` waits for it, and nothing speaks against
   it: it is verified as soon as it is noted (keyring_note), so that who shows it may be believed
   at once. peer as in keyring_check; name: whose it is, "" if false. */
bool
keyring_expects(const struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, char name[PEER_NAME_SIZE]);

/* The verified key of that algorithm and fingerprint (in the form shown). True: public_key
   (public_size bytes) is written. An index look-up. */
bool
keyring_find(const struct keyring *ring, const struct asym_impl *asym, const char *fingerprint,
	uint8_t *public_key);

/* The keys of that peer in that state, *n of them; peer "": of unknown callers. An index look-up.
   They are the ring's, until it changes. */
const struct peer_key *const *
keyring_keys_of(
	const struct keyring *ring, const char *peer, enum key_state state, size_t *n);

/* True if any key of that peer and algorithm is verified. asym NULL: of any algorithm. */
bool
keyring_has_verified(const struct keyring *ring, const char *peer, const struct asym_impl *asym);

/* True if any key of that peer was revoked, whatever other ones it has. */
bool
keyring_has_revoked(const struct keyring *ring, const char *peer);

/* True if anything is known of that peer: a key in any state. */
bool
keyring_knows(const struct keyring *ring, const char *peer);

/* Notes a key that was shown by source ("address:port") as pending, on a connection opened for
   `peer`, or by an unknown caller (peer NULL), within the bounds of protocol.md 11; or, if `trust`
   was given its fingerprint before, stores it as verified at once (*verified, never NULL, tells). A
   key already there gets the new time and source, at most once a minute. A key that keyring_check
   refuses: SC_ERR_INVALID. Writes files. */
enum sc_error
keyring_note(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *source, bool *verified, struct errmsg *err);

/* Pending keys of unknown callers that went because others came, through this ring. */
struct keyring_dropped {
	uint64_t by_source, by_all; /* keyring_limits.callers_source, .callers */
};

struct keyring_dropped
keyring_get_dropped(const struct keyring *ring);

/* The dialog's decision: what was typed picks, among the keys pending for this peer and those of
   unknown callers, the one that becomes the peer's verified key. On success key gets it.
   SC_ERR_NOT_FOUND: no key is pending at all (says to start the nodes first, or to use trust);
   SC_ERR_INVALID: typed is no whole fingerprint or not that of any pending key (the same text for
   both but for the form; never shows what was expected); SC_ERR_EXISTS: the key is held under
   another name, or revoked. Keys of the same algorithm that were verified for this peer before are
   not valid any more; but the one that vouched for this one stays for ROLL_OVERLAP. */
enum sc_error
keyring_verify(struct keyring *ring, const char *peer, const char *typed, struct peer_key *key,
	struct errmsg *err);

/* `trust --fingerprint`: verifies a pending key with that fingerprint now, or keeps the fingerprint
   for a while (keyring_limits.expected). SC_ERR_EXISTS: held under another name; or revoked, unless
   `again`: then it is not any more. */
enum sc_error
keyring_trust_fingerprint(
	struct keyring *ring, const char *peer, const char *typed, bool again, struct errmsg *err);

/* `trust --key`: stores this key as verified. Checks that it is valid (slow). Else as above. */
enum sc_error
keyring_trust_key(struct keyring *ring, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, bool again, struct errmsg *err);

/* Takes back all keys of a peer, whatever their state, or, with typed, the one of that fingerprint,
   also one that was never seen. They are remembered as revoked: refused, not noted, not verified
   again but by `trust` with `again`. *n: how many. SC_ERR_NOT_FOUND: no key of that peer is known;
   SC_ERR_INVALID: typed is no whole fingerprint; SC_ERR_EXISTS: the key is another peer's. */
enum sc_error
keyring_revoke(
	struct keyring *ring, const char *peer, const char *typed, size_t *n, struct errmsg *err);

/* The same for those of its keys that are pending. */
enum sc_error
keyring_revoke_pending(struct keyring *ring, const char *peer, size_t *n, struct errmsg *err);

/* The i-th of all peer keys (verified first, then expected, pending, revoked; by name within each),
   or NULL past the last. */
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
