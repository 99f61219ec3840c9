/* What another configuration means for all that lives on the workers: each takes it on its own
   thread, in its turn with everything else that is posted to it. */
#ifndef SC_PROXY_APPLY_H
#define SC_PROXY_APPLY_H

#include "proxy/worker.h"

/* One worker's news, on their way. */
struct news;

/* For each worker of the node: made before anything changes, so that nothing can fail then. NULL:
   out of memory. */
struct news **
news_new(const struct node *n, const struct config *config);

/* Each worker takes its own, the node's own one at once. From that moment on the new configuration
   decides who may do what there; peers that came, went or are elsewhere now are dialed or cut one
   by one, in slices. */
void
news_send(struct news **news, struct node *n);

/* Those that were not sent; NULL is fine. */
void
news_free(struct news **news, const struct node *n);

#endif
