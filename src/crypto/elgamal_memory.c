/* Knows how GMP gets its memory, so that no secret number is left behind in what it frees. */
#include "crypto/asym.h"

#include <stdlib.h>
#include <string.h>

#include <gmp.h>

/* GMP cannot be told that there is no memory. Its own function ends the process likewise. */
static void *
allocate(size_t n)
{
	void *p = malloc(n);
	if (!p)
		abort();
	return p;
}

/* Never in place, and never by realloc, which frees without wiping. */
static void *
reallocate(void *old, size_t old_size, size_t n)
{
	void *p = allocate(n);
	memcpy(p, old, min_size(old_size, n));
	wipe_free(old, old_size);
	return p;
}

void
asym_setup(void)
{
	mp_set_memory_functions(allocate, reallocate, wipe_free);
}
