/* Knows how memory is kept off the disk; knows nothing of what is in it. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"

#define AREA_SIZE (64u * 1024)
#define SLOT_BIG  4096 /* bytes: from there on a slot is an area */

struct secret_area {
	struct secret_area *next;
	void *memory;
	size_t size;
};

void *
secret_map(size_t size, bool *refused)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (mlock(memory, size) != 0 && refused)
		*refused = true;
	madvise(memory, size, MADV_DONTDUMP); /* core dumps are off besides */
	return memory;
}

void
secret_unmap(void *memory, size_t size)
{
	if (!memory)
		return;
	wipe(memory, size);
	munmap(memory, size);
}

void
secret_pool_init(struct secret_pool *pool, size_t slot_size)
{
	size_t unit = sizeof(void *) * 2;
	*pool = (struct secret_pool){.slot_size = (slot_size + unit - 1) / unit * unit};
}

void
secret_pool_fini(struct secret_pool *pool)
{
	while (pool->areas) {
		struct secret_area *area = pool->areas;
		pool->areas = area->next;
		secret_unmap(area->memory, area->size);
		free(area);
	}
	pool->unused = NULL;
}

static void
put_unused(struct secret_pool *pool, void *slot)
{
	memcpy(slot, &pool->unused, sizeof(pool->unused));
	pool->unused = slot;
}

static bool
add_area(struct secret_pool *pool)
{
	struct secret_area *area = calloc(1, sizeof(*area));

	if (!area)
		return false;
	area->size = pool->slot_size > SLOT_BIG ? pool->slot_size : AREA_SIZE;
	area->memory = secret_map(area->size, &pool->refused);
	if (!area->memory) {
		free(area);
		return false;
	}
	area->next = pool->areas;
	pool->areas = area;
	for (size_t at = 0; at + pool->slot_size <= area->size; at += pool->slot_size)
		put_unused(pool, (char *)area->memory + at);
	return true;
}

void *
secret_alloc(struct secret_pool *pool)
{
	void *slot;

	if (!pool->unused && !add_area(pool))
		return NULL;
	slot = pool->unused;
	memcpy(&pool->unused, slot, sizeof(pool->unused));
	memset(slot, 0, pool->slot_size);
	return slot;
}

void
secret_free(struct secret_pool *pool, void *slot)
{
	if (!slot)
		return;
	wipe(slot, pool->slot_size);
	put_unused(pool, slot);
}
