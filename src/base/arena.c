/* Knows blocks of memory that are filled from front to back. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16384

struct arena_block {
	alignas(max_align_t) struct arena_block *next;
	size_t size; /* behind this struct */
};

void
arena_init(struct arena *a)
{
	*a = (struct arena){.blocks = NULL};
}

void *
arena_take(struct arena *a, size_t n)
{
	const size_t unit = alignof(max_align_t);

	if (n > SIZE_MAX / 2)
		return NULL;
	n = n ? (n + unit - 1) / unit * unit : unit;
	if (n > a->left) {
		const size_t least = BLOCK - sizeof(struct arena_block);
		size_t size = n > least ? n : least;
		struct arena_block *block = calloc(1, sizeof(*block) + size);
		if (!block)
			return NULL;
		block->next = a->blocks;
		block->size = a->left = size;
		a->blocks = block;
	}
	char *start = (char *)(a->blocks + 1) + a->blocks->size - a->left;
	a->left -= n;
	return start;
}

char *
arena_text(struct arena *a, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = arena_take(a, n);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}

void
arena_join(struct arena *a, struct arena *other)
{
	struct arena_block **last = &other->blocks;

	/* What a has left in its block is not used any more where other has one. */
	if (!other->blocks)
		return;
	while (*last)
		last = &(*last)->next;
	*last = a->blocks;
	*a = *other;
	arena_init(other);
}

void
arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
	a->left = 0;
}
