/* Public-key work done ahead of need (conn.h's take_prepared and take_ephemeral): for each peer's
   key that is wanted a few prepared encryptions, and a few X25519 pairs. Made on libuv's threads
   while nothing else wants them; each is given out once, and no copy stays. */
#ifndef SC_PROXY_STOCK_H
#define SC_PROXY_STOCK_H

#include "crypto/asym.h"
#include "proxy/jobs.h"

/* A handshake encrypts two session keys as S and one as C. */
#define STOCK_OF_A_KEY   3
#define STOCK_EPHEMERALS 4
#define STOCK_KEYS_MAX   256 /* further keys do without */

struct stock;

/* Nothing is made before stock_refill. jobs outlives the stock. NULL: out of memory. */
struct stock *
stock_new(struct jobs *jobs, const struct random_source *random);

/* This key (valid, of that algorithm) is wanted. Where memory or room is short it is not, and
   nobody needs to know. */
void
stock_want(struct stock *s, const struct asym_impl *asym, const uint8_t *public_key);

/* The keys that were not wanted since the last sweep go, and what was made for them. */
void
stock_sweep(struct stock *s);

/* Begins to make what is missing, piece after piece. Now and then: a handshake that has just taken
   something is not to be slowed down by that. */
void
stock_refill(struct stock *s);

/* From any thread. False: there is nothing for that key. */
bool
stock_take_prepared(struct stock *s, const struct asym_impl *asym, const uint8_t *public_key,
	uint8_t *prepared);

bool
stock_take_ephemeral(
	struct stock *s, uint8_t private_key[X25519_SIZE], uint8_t public_key[X25519_SIZE]);

/* Nothing more is made. Once or more; NULL is fine. */
void
stock_close(struct stock *s);

/* Wipes and frees, when the loop has come to rest after stock_close. NULL is fine. */
void
stock_free(struct stock *s);

#endif
