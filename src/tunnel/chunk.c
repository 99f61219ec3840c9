/* Knows the free lists of chunks; knows nothing of what is in them. */
#include "tunnel/chunk.h"

#include <stdlib.h>

#include "base/util.h"

_Static_assert(sizeof(struct chunk) <= CHUNK_HEAD, "a chunk is a round number of bytes");

struct chunk_pool {
	struct chunk *free[2]; /* small, big */
	size_t keep, kept, used;
};

static size_t
whole_size(bool big)
{
	return CHUNK_HEAD + (big ? CHUNK_BIG : CHUNK_SMALL);
}

struct chunk_pool *
chunk_pool_new(size_t keep)
{
	struct chunk_pool *pool = calloc(1, sizeof(*pool));
	if (pool)
		pool->keep = keep;
	return pool;
}

void
chunk_pool_free(struct chunk_pool *pool)
{
	if (!pool)
		return;
	for (int big = 0; big < 2; big++) {
		while (pool->free[big]) {
			struct chunk *chunk = pool->free[big];
			pool->free[big] = chunk->next;
			wipe_free(chunk, whole_size(big));
		}
	}
	free(pool);
}

size_t
chunk_pool_used(const struct chunk_pool *pool)
{
	return pool->used;
}

struct chunk *
chunk_get(struct chunk_pool *pool, bool big)
{
	struct chunk *chunk = pool->free[big];
	if (chunk) {
		pool->free[big] = chunk->next;
		pool->kept -= whole_size(big);
	} else {
		chunk = malloc(whole_size(big));
		if (!chunk)
			return NULL;
	}
	chunk->next = NULL;
	chunk->size = big ? CHUNK_BIG : CHUNK_SMALL;
	chunk->used = 0;
	pool->used += whole_size(big);
	return chunk;
}

void
chunk_put(struct chunk_pool *pool, struct chunk *chunk)
{
	bool big = chunk->size == CHUNK_BIG;
	size_t whole = whole_size(big);

	pool->used -= whole;
	if (pool->kept + whole > pool->keep) {
		wipe_free(chunk, whole);
		return;
	}
	chunk->next = pool->free[big];
	pool->free[big] = chunk;
	pool->kept += whole;
}
