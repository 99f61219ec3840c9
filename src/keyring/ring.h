/* The key ring from the inside: what the files of this folder share. */
#ifndef SC_KEYRING_RING_H
#define SC_KEYRING_RING_H

#include "base/secret.h"
#include "keyring/key_file.h"
#include "keyring/keyring.h"
#include "keyring/store.h"

#define FILE_NAME_SIZE 160 /* PEER_NAME_MAX, '.', an algorithm, '.', fingerprint, ".key", NUL */

/* A file with a private key while it is read or written. In locked memory: from ring.works. */
struct key_work {
	char text[KEY_FILE_MAX];
	struct key_record record;
};

/* A file of the state folder as it was read last. */
struct ring_file {
	char *name;
	struct mark mark;
	bool settled;              /* mark_settled at that time, and read without trouble */
	bool unread; /* it cannot be read just now, through no fault of its own */
	struct key_record *record; /* NULL: cannot be used (or is in pair) */
	struct key_pair *pair;     /* STORE_KEYS; in ring.secrets */
};

struct ring_folder {
	struct mark mark;
	bool settled;
	bool unread; /* it cannot be listed just now: more may be there than is known here */
	struct ring_file *files; /* sorted by name */
	size_t n;
};

#define RING_CLAIMS 2 /* claim.c */

struct keyring {
	struct store store;
	int claims[RING_CLAIMS]; /* descriptors that say which process is the node; -1: not open */
	bool claim_waits; /* for the node that this one replaces */
	struct keyring_limits limits;
	struct keyring_dropped dropped;
	struct ring_folder folders[STORE_FOLDERS];
	keyring_problem_fn *problem;
	void *problem_arg;

	/* All usable peer keys; they point into the records. */
	const struct peer_key **shown; /* as keyring_peer_key has them */
	const struct peer_key **by_fingerprint; /* the same, by fingerprint, then state */
	size_t n_shown;
	struct key_pair **pairs; /* as keyring_pair_at has them */
	struct key_pair **pairs_by_fingerprint;
	size_t n_pairs;
	struct secret_pool secrets; /* the pairs */
	struct secret_pool works;   /* struct key_work */
	bool stale; /* records have moved since: not to be used before ring_index */
};

/* The file that a record belongs in. */
enum store_folder
ring_file_name(char name[FILE_NAME_SIZE], const struct key_record *record);

/* The record of that file, or NULL: there is none that can be used. */
const struct key_record *
ring_record(const struct keyring *ring, enum store_folder in, const char *name);

/* Brings one folder in memory up to date with the disk. True if a key is different now. May set
   stale. */
bool
ring_scan(struct keyring *ring, enum store_folder in);

/* SC_OK if it is known which files there are and what was read is found; else why not. */
enum sc_error
ring_listed(const struct keyring *ring, struct errmsg *err);

/* SC_OK if, besides, each file has been read that can ever be. */
enum sc_error
ring_whole(const struct keyring *ring, struct errmsg *err);

void
ring_folder_fini(struct keyring *ring, struct ring_folder *folder);

/* Tells the ring's owner about a problem, as "path: what". */
void
ring_problem(const struct keyring *ring, enum store_folder in, const char *name, const char *what);

/* Claims the folder if keyring_claim is waiting to. */
void
ring_claim_again(struct keyring *ring);

/* Builds shown and by_fingerprint anew. */
void
ring_index(struct keyring *ring);

/* The keys of that fingerprint, *n of them: consecutive in by_fingerprint, verified first. */
const struct peer_key *const *
ring_find(const struct keyring *ring, const char *fingerprint, size_t *n);

/* The verified key of a peer and algorithm that was decided on last, or NULL. */
const struct peer_key *
ring_youngest(const struct keyring *ring, const char *peer, const struct asym_impl *asym);

/* True if it is one of this node's own fingerprints. */
bool
ring_is_own(const struct keyring *ring, const char *fingerprint);

/* The pair of that fingerprint, or NULL. */
const struct key_pair *
ring_pair_of(const struct keyring *ring, const char *fingerprint);

/* True if nothing is to be made of an expected key any more. */
bool
ring_expired(const struct keyring *ring, const struct peer_key *key, int64_t now);

/* ---- changes: between change.c, decide.c, own.c and roll.c ---- */

/* The time of day. */
int64_t
unix_time(void);

/* Takes the lock and looks at what others have changed: nothing may be decided on what was true
   before, or on a part of it. SC_OK: change_end is due. */
enum sc_error
change_begin(struct keyring *ring, struct errmsg *err);

/* Gives the lock back. Returns error. */
enum sc_error
change_end(struct keyring *ring, enum sc_error error);

/* Writes a record into its file. Under the lock. */
enum sc_error
change_write(struct keyring *ring, const struct key_record *record, struct errmsg *err);

enum sc_error
change_remove(struct keyring *ring, const struct key_record *record, struct errmsg *err);

/* Stores a key as the peer's verified one, and removes what that makes pointless: where it was
   pending or expected or revoked, and, unless it is to be valid beside another one (key.beside),
   the keys of that peer and algorithm that were verified before. Under the lock. */
enum sc_error
change_verify(
	struct keyring *ring, const char *peer, const struct peer_key *key, struct errmsg *err);

/* A pending key that a verified one of the peer vouches for is to be valid beside the one that it
   replaces: sets key->beside to that one, or to "". */
void
roll_beside(const struct keyring *ring, const char *peer, struct peer_key *key);

/* SC_OK, or SC_ERR_INVALID with err set. */
enum sc_error
check_peer_name(const char *peer, struct errmsg *err);

/* Stores a pending key and removes those that the bounds of protocol.md 11 leave no room for. Under
   the lock. */
enum sc_error
pending_store(struct keyring *ring, const struct key_record *record, struct errmsg *err);

/* The part of "address:port" that bounds are counted by: the IPv4 address, the IPv6 /64, or the
   text as it is. */
void
pending_source_group(char out[KEY_SOURCE_SIZE], const char *source);

#endif
