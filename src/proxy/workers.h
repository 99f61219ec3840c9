/* All workers of a node, as its own thread sees them: made, told what to do, waited for. */
#ifndef SC_PROXY_WORKERS_H
#define SC_PROXY_WORKERS_H

#include "proxy/worker.h"

/* So many as `workers` says; none of them turns. False with err set. */
bool
workers_init(struct node *n, struct errmsg *err);

/* Threads for all but the node's own. False with err set. */
bool
workers_thread(struct node *n, struct errmsg *err);

/* The worker for one more peer: the one that has the fewest. */
struct worker *
workers_choose(struct node *n);

/* Each of these by all of them, each on its own thread: worker_start, worker_drain, worker_stop,
   watch_end_links, worker_close. */
void
workers_start(struct node *n);

void
workers_drain(struct node *n);

void
workers_stop(struct node *n, bool hurry);

void
workers_end_links(struct node *n);

void
workers_close(struct node *n);

/* All of them have come to rest. */
bool
workers_rest(const struct node *n);

/* Local connections now. */
unsigned
workers_connections(const struct node *n);

/* After workers_close: waits for the threads. */
void
workers_join(struct node *n);

/* After workers_join. */
void
workers_fini(struct node *n);

#endif
