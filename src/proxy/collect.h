/* Takes the picture of a node that status.h describes: each worker its part. */
#ifndef SC_PROXY_COLLECT_H
#define SC_PROXY_COLLECT_H

#include "proxy/round.h"
#include "proxy/status.h"

/* On the first worker's thread. NULL: out of memory. The picture is gone afterwards. */
typedef void collect_fn(void *owner, const struct status *status);

/* As round_start: fn may be called before it returns. */
struct collector {
	struct node *node;
	collect_fn *fn;
	void *owner;
	struct round *round; /* while it is under way */
};

/* Starts one, or lets the one that is under way do for this call too. False: out of memory. */
bool
collect_start(struct collector *c);

/* No fn any more. */
void
collect_stop(struct collector *c);

#endif
