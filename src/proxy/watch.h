/* What the node notices of verified keys while it runs: new ones are logged and dialed at once,
   links under keys that are not verified any more are ended (protocol.md 8, Authorisation), or, if
   a planned rotation has retired the key, dropped: their sessions go on (12). */
#ifndef SC_PROXY_WATCH_H
#define SC_PROXY_WATCH_H

#include <stddef.h>

#include "keyring/keyring.h"

struct node;
struct worker;

/* The verified keys as they were last time. */
struct watch {
	struct watched {
		char peer[PEER_NAME_SIZE];
		char fingerprint[FINGERPRINT_SIZE];
	} *keys;
	size_t n;
};

/* Takes the ring as it is, without a word. Out of memory: false. */
bool
watch_init(struct node *n);

void
watch_fini(struct node *n);

/* Looks again. When files have changed or a key was just stored, and twice a second all the
   same. */
void
watch_look(struct node *n);

/* Tells node.stock for which keys to do work ahead: the verified ones, of algorithms of which this
   node has a key. */
void
watch_stock(struct node *n);

/* On the worker's own thread: ends the links under keys that are not verified any more. */
void
watch_end_links(struct worker *w);

#endif
