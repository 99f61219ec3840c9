/* Planned rotation of keys while the node runs (protocol.md 12): what this node tells its peers of
   its own new keys, what it makes of theirs, and when old ones go. Files are written by the notes'
   thread. */
#ifndef SC_PROXY_ROLLS_H
#define SC_PROXY_ROLLS_H

#include "proxy/link.h"

/* ---- of a link, on its worker ---- */

/* It is up: the peer may use a new key for the first time; and it may not know this node's new
   ones. */
void
rolls_up(struct link *l);

/* Looks for what has come of an announcement, of either side. */
void
rolls_check(struct link *l);

/* conn_config.judge_roll; arg is the link. */
bool
rolls_judge(void *arg, const struct asym_impl *asym, const uint8_t *public_key, uint8_t *answer);

/* ---- of a worker ---- */

/* Tells all peers again of keys that they have not verified. */
void
rolls_announce_all(struct worker *w);

/* New links are made with the newest own keys from now on. */
void
rolls_adopt(struct worker *w);

/* ---- of the node ---- */

/* The ring has changed: tells the workers of other own keys. */
void
rolls_look(struct node *n);

/* Somebody wants to know: tells all peers again of keys that they have not verified. */
void
rolls_ask(struct node *n);

/* Now and then: changes over to keys that all who need to have verified, and lets old ones go, this
   node's and its peers'. */
void
rolls_tick(struct node *n);

#endif
