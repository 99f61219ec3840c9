/* Knows the free lists of chunks and the budget; knows nothing of what is in them. */
#include "tunnel/chunk.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/util.h"

#define BLOCK_CHUNKS 16
#define SHARE_PART   4 /* a stream may have this part of what is left */

/* Small chunks are allocated side by side, so that free ones leave no holes between other memory
   that the system does not get back. */
struct chunk_block {
	struct list at; /* on pool->open or pool->empty while it has free chunks */
	struct chunk *free;
	size_t in_use;
	_Alignas(CHUNK_HEAD) uint8_t chunks[BLOCK_CHUNKS][CHUNK_HEAD + CHUNK_SMALL];
};

struct chunk_pool {
	struct list open, empty; /* blocks with chunks in use and without */
	struct chunk *free[2];   /* big, huge */
	size_t keep, kept;       /* what is free: of these two, and of empty blocks */
	size_t kept_least;       /* since the last chunk_pool_trim */
	size_t used, budget, promised;
	size_t holders;          /* of chunks */
};

size_t
chunk_whole(const struct chunk *chunk)
{
	return CHUNK_HEAD + chunk->size;
}

struct chunk_pool *
chunk_pool_new(size_t keep)
{
	struct chunk_pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	list_init(&pool->open);
	list_init(&pool->empty);
	pool->keep = keep;
	pool->budget = SIZE_MAX;
	return pool;
}

static void
set_kept(struct chunk_pool *pool, size_t kept)
{
	pool->kept = kept;
	pool->kept_least = min_size(pool->kept_least, kept);
}

/* ---- small ones ---- */

static struct chunk_block *
new_block(struct chunk_pool *pool)
{
	struct chunk_block *block = malloc(sizeof(*block));
	if (!block)
		return NULL;
	block->free = NULL;
	block->in_use = 0;
	for (size_t i = BLOCK_CHUNKS; i-- > 0;) {
		struct chunk *chunk = (struct chunk *)(void *)block->chunks[i];
		*chunk = (struct chunk){.next = block->free, .block = block, .size = CHUNK_SMALL};
		block->free = chunk;
	}
	list_init(&block->at);
	list_insert_tail(&pool->empty, &block->at);
	set_kept(pool, pool->kept + sizeof(block->chunks));
	return block;
}

static void
free_block(struct chunk_pool *pool, struct chunk_block *block)
{
	list_remove(&block->at);
	set_kept(pool, pool->kept - sizeof(block->chunks));
	wipe_free(block, sizeof(*block));
}

static struct chunk *
get_small(struct chunk_pool *pool)
{
	struct list *first = list_first(&pool->open);
	struct chunk_block *block;

	if (!first)
		first = list_first(&pool->empty);
	block = first ? container_of(first, struct chunk_block, at) : new_block(pool);
	if (!block)
		return NULL;
	struct chunk *chunk = block->free;
	block->free = chunk->next;
	if (block->in_use++ == 0) {
		list_remove(&block->at);
		list_insert_tail(&pool->open, &block->at);
		set_kept(pool, pool->kept - sizeof(block->chunks));
	}
	if (!block->free)
		list_remove(&block->at);
	return chunk;
}

static void
put_small(struct chunk_pool *pool, struct chunk *chunk)
{
	struct chunk_block *block = chunk->block;

	if (!block->free)
		list_insert_tail(&pool->open, &block->at);
	chunk->next = block->free;
	block->free = chunk;
	if (--block->in_use > 0)
		return;
	list_remove(&block->at);
	list_insert_tail(&pool->empty, &block->at);
	set_kept(pool, pool->kept + sizeof(block->chunks));
	if (pool->kept > pool->keep)
		free_block(pool, block);
}

/* ---- big and huge ones ---- */

static struct chunk *
get_large(struct chunk_pool *pool, bool huge)
{
	struct chunk *chunk = pool->free[huge];

	if (chunk) {
		pool->free[huge] = chunk->next;
		set_kept(pool, pool->kept - chunk_whole(chunk));
		return chunk;
	}
	chunk = malloc(CHUNK_HEAD + (huge ? CHUNK_HUGE : CHUNK_BIG));
	if (!chunk)
		return NULL;
	chunk->block = NULL;
	chunk->size = huge ? CHUNK_HUGE : CHUNK_BIG;
	return chunk;
}

static void
put_large(struct chunk_pool *pool, struct chunk *chunk)
{
	bool huge = chunk->size == CHUNK_HUGE;

	if (pool->kept + chunk_whole(chunk) > pool->keep) {
		wipe_free(chunk, chunk_whole(chunk));
		return;
	}
	chunk->next = pool->free[huge];
	pool->free[huge] = chunk;
	set_kept(pool, pool->kept + chunk_whole(chunk));
}

/* ---- the pool ---- */

struct chunk *
chunk_get(struct chunk_pool *pool, enum chunk_class class)
{
	struct chunk *chunk = class == CHUNK_CLASS_SMALL ?
		get_small(pool) : get_large(pool, class == CHUNK_CLASS_HUGE);
	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->used = 0;
	pool->used += chunk_whole(chunk);
	return chunk;
}

void
chunk_put(struct chunk_pool *pool, struct chunk *chunk)
{
	pool->used -= chunk_whole(chunk);
	if (chunk->block)
		put_small(pool, chunk);
	else
		put_large(pool, chunk);
}

/* Gives back to the system what is free, the largest first, until so little of it is left. */
static void
free_down_to(struct chunk_pool *pool, size_t least)
{
	struct list *first;

	for (int huge = 1; huge >= 0; huge--) {
		while (pool->free[huge] && pool->kept > least) {
			struct chunk *chunk = get_large(pool, huge);
			wipe_free(chunk, chunk_whole(chunk));
		}
	}
	while (pool->kept > least && (first = list_first(&pool->empty)))
		free_block(pool, container_of(first, struct chunk_block, at));
}

size_t
chunk_pool_trim(struct chunk_pool *pool)
{
	size_t before = pool->kept;

	free_down_to(pool, before - pool->kept_least);
	size_t freed = before - pool->kept;
	pool->kept_least = pool->kept;
	return freed;
}

void
chunk_pool_free(struct chunk_pool *pool)
{
	if (!pool)
		return;
	free_down_to(pool, 0);
	free(pool);
}

/* ---- the budget ---- */

size_t
chunk_pool_used(const struct chunk_pool *pool)
{
	return pool->used;
}

void
chunk_pool_set_budget(struct chunk_pool *pool, size_t budget)
{
	pool->budget = budget;
}

size_t
chunk_pool_share(const struct chunk_pool *pool)
{
	size_t taken = pool->used + pool->promised;
	size_t left = taken < pool->budget ? pool->budget - taken : 0;

	return min_size(left / SHARE_PART, pool->budget / (pool->holders + 1));
}

void
chunk_pool_hold(struct chunk_pool *pool, bool begins)
{
	pool->holders += begins ? 1 : (size_t)-1;
}

void
chunk_pool_promise(struct chunk_pool *pool, int64_t more)
{
	pool->promised += (size_t)more;
}
