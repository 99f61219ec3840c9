/* A terminal that shows a page again and again until the user has seen enough. */
#ifndef SC_CLI_SCREEN_H
#define SC_CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

/* Columns of the terminal behind out; 80 where it does not say, no end where it is none. */
unsigned
screen_width(FILE *out);

/* True if text on out may be coloured: a terminal that can, and NO_COLOR is not set. */
bool
screen_has_colour(FILE *out);

/* From now on signals only end screen_wait. If a page is wanted and in and out are a terminal: one
   of its own, and keys come at once. False: none; what is shown then stands below what was
   before. */
bool
screen_open(FILE *in, FILE *out, bool page);

/* A page in place of the one before. Of one that is longer than the terminal a part is shown, and
   which; keys move it. */
void
screen_show(FILE *out, const char *page);

/* Waits for so many milliseconds, or until a key has moved the page: then it is to be shown again.
   False: the user wants no more (q, Ctrl-C, the end of input) or a signal has come. */
bool
screen_wait(FILE *in, unsigned ms);

/* The terminal is as it was before. */
void
screen_close(FILE *out);

#endif
