/* A worker: one event loop and all that lives on it. What one peer's connections share (its dialer,
   its links, the local connections of routes to it and of services that it uses) lives on one
   worker, links of one connection each on any (branch.h); workers share nothing on the data path.
   The first one is the node's own: it has the listeners, the key ring's changes and the signals
   besides. */
#ifndef SC_PROXY_WORKER_H
#define SC_PROXY_WORKER_H

#include "proxy/host_addresses.h"
#include "proxy/inbox.h"
#include "proxy/jobs.h"
#include "proxy/node.h"
#include "proxy/ration.h"
#include "proxy/reached.h"
#include "proxy/slice.h"
#include "proxy/tally.h"
#include "tunnel/chunk.h"

enum worker_state {
	WORKER_RUNNING,
	WORKER_DRAINING, /* nothing new; open streams go on */
	WORKER_STOPPING  /* everything ends now */
};

/* What is summed up in the log, by each worker for itself. */
enum worker_flood {
	FLOOD_ROUTE,     /* local connections that were refused */
	FLOOD_SERVICE,   /* streams that were refused */
	FLOOD_MOVED,     /* local connections that went to another peer */
	FLOOD_HANDSHAKE, /* of callers; of those whose peer lives here, what fails after that */
	WORKER_FLOODS
};

struct worker {
	struct node *node;
	const struct config *config; /* the node's, or, until this one takes it, the one before */
	struct news *news; /* what this has not come to yet of what the last reload changed */
	unsigned number; /* 0: the node's own, in the main thread */
	bool threaded;   /* it has a thread of its own, which is to be joined */
	uv_thread_t thread;
	unsigned given;  /* peers; the node's own thread counts them */
	uv_loop_t loop;
	enum worker_state state;
	struct inbox inbox;
	/* from the node: worker_start, worker_drain, worker_stop, worker_close, watch_end_links;
	   to it: this one rests */
	struct post start, drain, stop, finish, watch, rests;
	struct post key_post;        /* there is mail */
	struct post ask_post;        /* peers are to be asked about new keys */
	struct key_mail key_mail;
	struct key_set *key_set;     /* what its links are made with; held */
	uint64_t announce_at;        /* peers are told again of new keys */
	atomic_bool told; /* that it rests; read by the node's own */
	atomic_uint connections; /* in locals, for others to read */
	atomic_uint own; /* connections with links of their own here (branch.h); from any thread */
	struct chunk_pool *chunks;
	unsigned ticks; /* of `tick` */
	size_t unused;  /* bytes that the C library had left at the last look */
	bool restless;  /* and it was another number before */
	struct jobs jobs;
	struct resolver *resolver;
	struct host_addresses own_addresses;
	struct flood floods[WORKER_FLOODS];
	uint64_t reached[REACHED_COUNT + 1]; /* limits; the last one is none */

	struct list peers;  /* struct peer */
	struct list links;  /* struct link: all, in whatever state */
	struct list locals; /* struct local: all */
	struct list dirty;  /* links with something to do at the end of the loop's turn */
	struct list turn;   /* on dirty: where that ends */
	struct tallies tallies; /* for `status`; until the worker ends */
	struct list slices;  /* struct slice: what is done a little in each turn */
	uint32_t turns;      /* of the loop so far */
	struct ration ration;

	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	struct alarm *tick;
	struct slice look; /* at each peer, after a tick */
	const struct list *looked; /* at: the last one */
	uint8_t scratch[64 * 1024]; /* for input that nobody wants */
};

/* The node's own one. */
static inline struct worker *
node_main(const struct node *n)
{
	return &n->workers[0];
}

/* A loop that does not turn yet; jobs: public-key work at once. False: out of memory or
   descriptors; nothing is left then. */
bool
worker_init(struct worker *w, struct node *n, unsigned number, unsigned jobs);

/* Gives it a thread, where its loop turns until worker_close. False: there is none to be had. */
bool
worker_thread(struct worker *w);

/* From any thread: fn of the post on the worker's own. */
void
worker_post(struct worker *w, struct post *post);

/* These four on its own thread. Dials, and does what there is to do in each turn. */
void
worker_start(struct worker *w);

/* No new connections; what waits for a link goes to the process that takes over, or goes on
   waiting. */
void
worker_drain(struct worker *w);

/* Ends all links with CLOSE(10), and if node.hurry says so waits for nobody. */
void
worker_stop(struct worker *w);

/* Links that were accepted may come to it: also while it drains, for sessions that have lost
   theirs, until it has said that it rests. */
bool
worker_takes_more(const struct worker *w);

/* Nothing is left of a worker that was to end, and nothing will come to it any more: clients and
   links that arrive are refused. */
bool
worker_rests(const struct worker *w);

/* Closes the handles of its own, so that the loop can end. Once or more. */
void
worker_close(struct worker *w);

/* Waits for its thread, if it has one, to end. */
void
worker_join(struct worker *w);

/* After worker_close, or, for one that has a thread, workers_close. */
void
worker_fini(struct worker *w);

#endif
