/* Memory for private keys: locked, so that it is never swapped out, left out of core dumps, wiped
   when it is given back. Slots of one size, not for several threads at once. */
#ifndef SC_BASE_SECRET_H
#define SC_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret_area;

struct secret_pool {
	size_t slot_size;
	struct secret_area *areas;
	void *unused; /* a list of free slots, each of which begins with the next one */
	bool refused; /* the system would not lock all of it */
};

/* One piece of such memory, zeros, for any thread. NULL: out of memory. *refused, if not NULL, is
   set if the system will not lock it; it is given all the same. */
void *
secret_map(size_t size, bool *refused);

/* Wipes it. NULL is fine. */
void
secret_unmap(void *memory, size_t size);

/* slot_size: bytes of each slot. Takes no memory yet. */
void
secret_pool_init(struct secret_pool *pool, size_t slot_size);

/* Wipes and gives back everything, slots that are still in use too. */
void
secret_pool_fini(struct secret_pool *pool);

/* A slot of zeros, or NULL: out of memory. If the system will not lock it, it is given all the
   same, and pool->refused is set. */
void *
secret_alloc(struct secret_pool *pool);

/* Wipes it. NULL is fine. */
void
secret_free(struct secret_pool *pool, void *slot);

#endif
