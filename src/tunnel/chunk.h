/* Memory for the bytes of streams: chunks of two sizes from free lists, so that the data path
   does not call malloc. One pool a loop; not for several threads. */
#ifndef SC_TUNNEL_CHUNK_H
#define SC_TUNNEL_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_pool;

/* NULL: out of memory. keep: bytes of free chunks that the pool keeps for the next use; more go
   back to the system. */
struct chunk_pool *
chunk_pool_new(size_t keep);

/* All chunks must have been given back. NULL is fine. */
void
chunk_pool_free(struct chunk_pool *pool);

/* Bytes in use by streams now. */
size_t
chunk_pool_used(const struct chunk_pool *pool);

/* The rest is for tunnel/ alone. */

#define CHUNK_HEAD  16
#define CHUNK_SMALL (4096 - CHUNK_HEAD)  /* bytes of data in a small chunk */
#define CHUNK_BIG   (65536 - CHUNK_HEAD) /* in a big one: just below what one DATA frame carries */

struct chunk {
	struct chunk *next; /* free for whoever has the chunk */
	uint32_t size;      /* bytes that data has */
	uint32_t used;      /* 0 at first, then the owner's */
	uint8_t data[];
};

/* NULL: out of memory. */
struct chunk *
chunk_get(struct chunk_pool *pool, bool big);

void
chunk_put(struct chunk_pool *pool, struct chunk *chunk);

#endif
