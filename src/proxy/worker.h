/* A worker: one event loop and all that lives on it. Everything of one peer (its dialer, its
   links, the local connections of routes to it and of services that it uses) lives on one worker;
   workers share nothing on the data path. The first one is the node's own: it has the listeners,
   the key ring's changes and the signals besides. */
#ifndef SC_PROXY_WORKER_H
#define SC_PROXY_WORKER_H

#include "proxy/inbox.h"
#include "proxy/jobs.h"
#include "proxy/node.h"
#include "tunnel/chunk.h"

enum worker_state {
	WORKER_RUNNING,
	WORKER_DRAINING, /* nothing new; open streams go on */
	WORKER_STOPPING  /* everything ends now */
};

/* What is summed up in the log, by each worker for itself. */
enum worker_flood {
	FLOOD_ROUTE,   /* local connections that were refused */
	FLOOD_SERVICE, /* streams that were refused */
	FLOOD_MOVED,   /* local connections that went to another peer */
	WORKER_FLOODS
};

struct worker {
	struct node *node;
	unsigned number; /* 0: the node's own */
	uv_loop_t loop;
	enum worker_state state;
	struct inbox inbox;
	struct chunk_pool *chunks;
	struct jobs jobs;
	struct resolver *resolver;
	struct flood floods[WORKER_FLOODS];

	struct list peers;  /* struct peer */
	struct list links;  /* struct link: all, in whatever state */
	struct list locals; /* struct local: all */
	struct list dirty;  /* links with something to do at the end of the loop's turn */
	struct list tallies; /* struct tally, for `status` */

	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	struct alarm *tick;
	uint8_t scratch[64 * 1024]; /* for input that nobody wants */
};

/* A loop that does not turn yet. False: out of memory or descriptors; nothing is left then. */
bool
worker_init(struct worker *w, struct node *n, unsigned number);

/* From any thread: fn of the post on the worker's own. */
void
worker_post(struct worker *w, struct post *post);

/* Before the loop turns: dials, and does what there is to do in each turn. */
void
worker_start(struct worker *w);

/* No new links or streams; what waits for a link is refused. */
void
worker_drain(struct worker *w);

/* Ends all links with CLOSE(10). hurry: and waits for nobody. */
void
worker_stop(struct worker *w, bool hurry);

/* Nothing is left of a worker that was to end. */
bool
worker_rests(const struct worker *w);

/* Closes the handles of its own, so that the loop can end. Once or more. */
void
worker_close(struct worker *w);

/* After worker_close. The loop turns until what was closed is gone. */
void
worker_fini(struct worker *w);

#endif
