/* Memory for the bytes of streams: chunks of three sizes from free lists, so that the data path
   does not call malloc, under one budget. One pool a loop; not for several threads. */
#ifndef SC_TUNNEL_CHUNK_H
#define SC_TUNNEL_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_pool;

/* NULL: out of memory. keep: bytes of free chunks that the pool keeps for the next use; more go
   back to the system. No budget: it is as good as endless. */
struct chunk_pool *
chunk_pool_new(size_t keep);

/* All chunks must have been given back. NULL is fine. */
void
chunk_pool_free(struct chunk_pool *pool);

/* From now on streams share so many bytes (see chunk_pool_share). */
void
chunk_pool_set_budget(struct chunk_pool *pool, size_t budget);

/* Gives back to the system what has been free ever since the last call of this. Returns how many
   bytes. */
size_t
chunk_pool_trim(struct chunk_pool *pool);

/* Bytes in use by streams now. */
size_t
chunk_pool_used(const struct chunk_pool *pool);

/* The rest is for tunnel/ alone. */

/* What one stream may have in all: a part of what the budget has left, so that few streams may have
   much and the last ones still something; and no more than an equal part of the whole, so that
   those that came first have no more than the others for long. */
size_t
chunk_pool_share(const struct chunk_pool *pool);

/* One more has chunks, or one has none any more. */
void
chunk_pool_hold(struct chunk_pool *pool, bool begins);

/* Peers may send so many bytes more (or fewer) than a stream's W0: they count in the budget before
   they come. */
void
chunk_pool_promise(struct chunk_pool *pool, int64_t more);

enum chunk_class { CHUNK_CLASS_SMALL, CHUNK_CLASS_BIG, CHUNK_CLASS_HUGE };

#define CHUNK_HEAD  32
#define CHUNK_SMALL (4096 - CHUNK_HEAD) /* bytes of data in a small chunk */
#define CHUNK_BIG   65520               /* in a big one: just below what one DATA frame carries */
#define CHUNK_HUGE  (4 * CHUNK_BIG)

struct chunk_block;

struct chunk {
	struct chunk *next;        /* free for whoever has the chunk */
	struct chunk_block *block; /* of a small one */
	uint32_t size;             /* bytes that data has */
	uint32_t used;             /* 0 at first, then the owner's */
	_Alignas(CHUNK_HEAD) uint8_t data[];
};

/* NULL: out of memory. */
struct chunk *
chunk_get(struct chunk_pool *pool, enum chunk_class class);

void
chunk_put(struct chunk_pool *pool, struct chunk *chunk);

/* Bytes that a chunk takes from the budget. */
size_t
chunk_whole(const struct chunk *chunk);

#endif
