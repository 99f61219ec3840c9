/* Memory for many small things that go together: taken piece by piece, given back at once. */
#ifndef SC_BASE_ARENA_H
#define SC_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* the one that is being filled first */
	size_t left;                /* in it */
};

/* Takes no memory yet. */
void
arena_init(struct arena *a);

/* n bytes of zeros, aligned for anything, until arena_fini. NULL: out of memory. */
void *
arena_take(struct arena *a, size_t n);

/* A copy of text; NULL: out of memory. */
char *
arena_text(struct arena *a, const char *text);

/* All that other has taken is a's from now on, and other is empty. */
void
arena_join(struct arena *a, struct arena *other);

void
arena_fini(struct arena *a);

#endif
