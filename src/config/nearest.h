/* The word that somebody probably meant. */
#ifndef SC_CONFIG_NEAREST_H
#define SC_CONFIG_NEAREST_H

#include <stddef.h>

/* How many single-character changes (insert, remove, replace, swap two neighbours) make b of a;
   letters of either case are equal. Words longer than 80 characters count as far apart. */
size_t
edit_distance(const char *a, const char *b);

/* Keeps in *best whichever of *best and candidate is nearer to word; *best starts as NULL and stays
   so while nothing is near enough to be a slip of the fingers. */
void
nearest_consider(const char **best, const char *word, const char *candidate);

#endif
