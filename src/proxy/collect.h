/* Takes the picture of a node that status.h describes: each worker its part, peer by peer, a few in
   each turn of its loop. So each peer is shown as it was at one moment, and all of them within some
   milliseconds. */
#ifndef SC_PROXY_COLLECT_H
#define SC_PROXY_COLLECT_H

#include "proxy/round.h"
#include "proxy/status.h"

/* On the first worker's thread. The picture is the callee's, for status_free. NULL: out of
   memory. */
typedef void collect_fn(void *owner, struct status *status);

/* One at a time. */
struct collector {
	struct node *node;
	collect_fn *fn;
	void *owner;
	struct round *round; /* while workers are asked */
	struct gathering *gathering; /* while their parts are put together */
};

/* fn is called later. False: out of memory. */
bool
collect_start(struct collector *c);

/* No fn any more. */
void
collect_stop(struct collector *c);

#endif
