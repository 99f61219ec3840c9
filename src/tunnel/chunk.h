/* Memory for the bytes of streams: chunks of a few sizes from free lists, so that the data path does not call malloc. One pool a
   loop; not for several threads. */
#ifndef SC_TUNNEL_CHUNK_H
#define SC_TUNNEL_CHUNK_H

#include <stddef.h>
#include <stdint.h>

struct chunk_pool;

/* NULL: out of memory. keep: bytes of free chunks that the pool keeps for the next use; more go back to the system. */
struct chunk_pool *
chunk_pool_new(size_t keep);

/* All chunks must have been given back. NULL is fine. */
void
chunk_pool_free(struct chunk_pool *pool);

/* Bytes in use by streams now. */
size_t
chunk_pool_used(const struct chunk_pool *pool);

#endif
