/* The key ring from the inside: what the files of this folder share. */
#ifndef SC_KEYRING_RING_H
#define SC_KEYRING_RING_H

#include "keyring/key_file.h"
#include "keyring/keyring.h"
#include "keyring/store.h"

#define FILE_NAME_SIZE 128 /* PEER_NAME_MAX, '.', fingerprint, ".key", NUL */

/* A file of the state folder as it was read last. */
struct ring_file {
	char *name;
	struct mark mark;
	bool settled;              /* mark_settled at that time, and read without trouble */
	struct key_record *record; /* NULL: cannot be used (or is in pair) */
	struct key_pair *pair;     /* STORE_KEYS */
};

struct ring_folder {
	struct mark mark;
	bool settled;
	struct ring_file *files; /* sorted by name */
	size_t n;
};

struct keyring {
	struct store store;
	struct keyring_limits limits;
	struct ring_folder folders[STORE_FOLDERS];
	keyring_problem_fn *problem;
	void *problem_arg;

	/* All usable peer keys; they point into the records. */
	const struct peer_key **shown; /* as keyring_peer_key has them */
	const struct peer_key *
		*by_fingerprint; /* the same ones, sorted by fingerprint, then state */
	size_t n_shown;
	bool stale; /* records have moved since: not to be used before ring_index */
};

/* The file that a record belongs in. */
enum store_folder
ring_file_name(char name[FILE_NAME_SIZE], const struct key_record *record);

/* Brings one folder in memory up to date with the disk. True if a key is different now. May set
   stale. */
bool
ring_scan(struct keyring *ring, enum store_folder in);

void
ring_folder_fini(struct ring_folder *folder);

/* Tells the ring's owner about a problem, as "path: what". */
void
ring_problem(const struct keyring *ring, enum store_folder in, const char *name, const char *what);

/* Builds shown and by_fingerprint anew. */
void
ring_index(struct keyring *ring);

/* The keys of that fingerprint, *n of them: consecutive in by_fingerprint, verified first. */
const struct peer_key *const *
ring_find(const struct keyring *ring, const char *fingerprint, size_t *n);

/* The verified keys of a peer, *n of them: consecutive in shown. */
const struct peer_key *const *
ring_verified_of(const struct keyring *ring, const char *peer, size_t *n);

/* True if it is one of this node's own fingerprints. */
bool
ring_is_own(const struct keyring *ring, const char *fingerprint);

/* True if nothing is to be made of an expected key any more. */
bool
ring_expired(const struct keyring *ring, const struct peer_key *key, int64_t now);

/* Stores a pending key and removes those that the bounds of protocol.md 11 leave no room for. Under
   the lock. */
enum sc_error
pending_store(struct keyring *ring, const struct key_record *record, struct errmsg *err);

/* The part of "address:port" that bounds are counted by: the IPv4 address, the IPv6 /64, or the
   text as it is. */
void
pending_source_group(char out[KEY_SOURCE_SIZE], const char *source);

#endif
