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

/* All of them have come to rest, and no client is on its way from one to another. */
bool
workers_rest(const struct node *n);

/* A client goes to another worker: before it is posted. */
void
workers_client_goes(struct node *n);

/* It has come there. True: it may stay, also where the worker had come to rest: that is over then.
   False: everything ends. In either case workers_client_came when that is done. */
bool
workers_client_comes(struct worker *w);

void
workers_client_came(struct worker *w);

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
