/* This node's own key pairs while it runs: what peers are shown now, and what they will be shown.
   Connections point to keys, so a key stays where it is as long as somebody holds it, whatever
   becomes of its file. Sets are made on the node's own thread and never change; holding and letting
   go is for any thread. */
#ifndef SC_PROXY_KEY_SET_H
#define SC_PROXY_KEY_SET_H

#include "keyring/keyring.h"
#include "secureconn/conn.h"

struct key_store; /* all that are held by anybody */
struct held_key;

/* The pairs of one identity, one for each algorithm that the node speaks, in its order; .asym is
   NULL where there is none. */
struct key_identity {
	char name[PEER_NAME_SIZE];
	struct conn_key *keys; /* shown */
	struct conn_key *next; /* to be shown: `key rotate` */
};

struct key_set {
	struct key_store *owner;
	size_t n_asym, n_identities;
	struct key_identity *identities; /* the first one is the node's own, "" */
	struct conn_key *shown;          /* all keys that are shown, of all identities */
	size_t n_shown;
};

/* asym: n algorithms, which outlive it. NULL: out of memory. */
struct key_store *
key_store_new(const struct asym_impl *const *asym, size_t n);

/* When nobody holds a key any more. Wipes. NULL is fine. */
void
key_store_free(struct key_store *own);

/* What the ring has now. Held by the caller; NULL with err set: out of memory, or a key of the node
   itself is missing. */
struct key_set *
key_set_new(struct key_store *own, const struct keyring *ring, struct errmsg *err);

/* True if connections that were made with one would be made the same with the other. */
bool
key_set_equal(const struct key_set *a, const struct key_set *b);

/* The set and its keys. key_set_settle lets go of the keys: who has taken the one that it needs
   with held_key_hold; key_set_drop of the memory, besides. key_set_release does both. */
struct key_set *
key_set_hold(struct key_set *set);

void
key_set_settle(struct key_set *set);

void
key_set_drop(struct key_set *set);

/* NULL is fine. */
void
key_set_release(struct key_set *set);

/* A set that a thread is told of by another one: the newest counts, whoever puts one there hands
   over its hold. */
struct key_mail {
	_Atomic(struct key_set *) set;
};

void
key_mail_put(struct key_mail *mail, struct key_set *set);

/* NULL: nothing new. */
struct key_set *
key_mail_take(struct key_mail *mail);

/* The identity of that name, or NULL. */
const struct key_identity *
key_identity_find(const struct key_set *set, const char *name);

/* The key behind a conn_key of a set, to be held on its own: the set may go. key->public_key stays
   where it is. */
struct held_key *
held_key_hold(const struct conn_key *key);

/* NULL is fine. */
void
held_key_release(struct held_key *key);

const char *
held_key_fingerprint(const struct held_key *key);

/* True if any connection, or a set, holds the key of that fingerprint. */
bool
key_store_holds(struct key_store *own, const char *fingerprint);

#endif
