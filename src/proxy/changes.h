/* Tells soon when files of a state folder have changed, so that a decision of an operator does not
   wait for the next tick. Where the system has nothing to watch folders with, the tick is all there
   is. */
#ifndef SC_PROXY_CHANGES_H
#define SC_PROXY_CHANGES_H

#include <uv.h>

struct changes;

typedef void changes_fn(void *owner);

/* Watches this node's keys and those of its peers in `state`; calls at once, and then no more often
   than ten times a second. NULL: it cannot be watched, or there is no memory. */
struct changes *
changes_new(uv_loop_t *loop, const char *state, changes_fn *fn, void *owner);

/* It will not call any more. Frees itself once the loop has let go of it. NULL is fine. */
void
changes_free(struct changes *c);

#endif
