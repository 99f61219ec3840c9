/* A node: what its workers (worker.h) have in common, and the order in which they live. The parts
   are in files of their own and find each other through this struct; there are no globals. */
#ifndef SC_PROXY_NODE_H
#define SC_PROXY_NODE_H

#include <stdatomic.h>

#include <uv.h>

#include "base/list.h"
#include "config/config.h"
#include "keyring/keyring.h"
#include "proxy/alarm.h"
#include "proxy/changes.h"
#include "proxy/flood.h"
#include "proxy/limits.h"
#include "proxy/key_set.h"
#include "proxy/notes.h"
#include "proxy/session_ids.h"
#include "proxy/shared_ring.h"
#include "proxy/stock.h"
#include "proxy/watch.h"
#include "secureconn/conn.h"
#include "tunnel/trunk.h"

/* W0: bytes that a new stream may receive before any WINDOW. At most, and as a part of
   `[limits] memory`. */
#define NODE_WINDOW         (256u * 1024)
#define NODE_WINDOW_MIN     (4u * 1024)
#define NODE_WINDOW_PART    1024
#define NODE_KEEPALIVE      (15 * NS_PER_S) /* of a peer without a section */
#define LINGER_DEADLINE     (2 * NS_PER_S)

struct worker;

/* What is summed up in the log, for the whole node. */
enum node_flood {
	FLOOD_ACCEPT,
	FLOOD_REFUSED, /* on the peer port, by limits */
	FLOOD_PENDING,
	FLOOD_DROPPED, /* keys of unknown callers */
	NODE_FLOODS
};

struct routes {
	struct route **at;
	size_t n;
};

struct node {
	struct worker *workers; /* the first one is where all of this here lives */
	unsigned n_workers;
	struct threads *threads; /* for the jobs of all of them */
	/* clients that went from one worker to another, and of these those that are there: before
	   that the node does not rest */
	atomic_uint_fast64_t sent, arrived;
	atomic_bool hurry; /* for worker.stop */
	/* at the start, which the caller holds, and now; workers have their own */
	const struct config *started, *config;
	const struct config *(*load)(void *arg, struct errmsg *err); /* node_setup */
	void *load_arg;
	struct legacy *legacy;
	struct handover *handover; /* with processes before and after this one */
	struct upgrade *upgrade; /* the new process is not ready yet */
	bool succeeded;          /* another process has the ports now, and is the peers' to call */
	struct list *more_ports[4]; /* of struct listener: the control socket, metrics */
	unsigned n_more_ports;
	struct reload *reload; /* the one under way */
	bool reload_again;     /* once more after it */
	struct list reload_waiters; /* struct reload_waiter, for the next one */
	struct shared_ring ring;
	struct session_ids session_ids;

	/* What every connection is made with; the memory outlives them all. */
	const struct asym_impl *const *asym; /* `asymmetric`, in order of preference */
	size_t n_asym;
	struct key_store *key_store;
	struct key_set *key_set; /* what workers were told last */
	bool on_duty;            /* something of rolls_tick is under way */
	uint64_t duty_from, expire_at;
	const struct bulk_impl *const *bulk; /* in the order of `symmetric` */
	size_t n_bulk;
	struct hello hello;
	struct random_source random;

	struct limits *limits;
	struct notes *notes;
	struct stock *stock;
	struct watch watch;
	struct changes *changes; /* NULL: only the tick looks */
	struct flood floods[NODE_FLOODS];

	struct list ports;    /* struct listener */
	struct list fresh;    /* the same, before node_run */
	struct routes routes; /* of the present configuration, in its order */
	struct peer **peers; /* all, by whatever worker, in the order of their names */
	size_t n_peers;
	/* counts TCP connections between nodes, in the order of their beginning */
	atomic_uint_fast64_t births;

	uint64_t descriptors;       /* that the process may have open */
	uint64_t since;             /* when it was made */
	void (*on_end)(void *arg);  /* see node_at_end */
	void *on_end_arg;

	struct signals *signals;
	struct alarm *tick;
	struct alarm *end, *patience; /* of draining, and of the end itself (stop.h) */
};

/* What a node is made from. All of it stays the caller's and outlives the node. */
struct node_setup {
	const struct config *config;
	struct keyring *ring;
	const struct asym_impl *const *asym; /* `asymmetric`, in order of preference */
	size_t n_asym;
	/* `symmetric`, in order of preference: the implementation of each */
	const struct bulk_impl *const *bulk;
	size_t n_bulk;
	/* Reads the configuration anew and checks it whole, as at the start; one owner's. NULL with
	   err set, where file and line are. On any thread. */
	const struct config *(*load)(void *arg, struct errmsg *err);
	void *load_arg;
	/* listening sockets that came with the process; what is of use is taken from them. NULL:
	   none */
	struct inherited *inherited;
	struct legacy *legacy; /* of the process before this one; NULL: none */
};

/* Makes a node: keys, listeners; everything that may fail at the start. NULL, with err set. */
struct node *
node_new(const struct node_setup *setup, struct errmsg *err);

/* Runs until a signal has ended it. True: all of it has come to rest. False: threads are still
   in the system's resolver; the process should end without waiting for them, and the node not be
   freed. */
bool
node_run(struct node *n);

/* Ends the node's own loop, and those of the others, if all of them have come to rest. */
void
node_rests(struct node *n);

/* Listeners that are not of a route nor for peers, for a process that takes over. Before
   node_run. */
void
node_add_ports(struct node *n, struct list *listeners);

/* Those of the configuration count, for callers and for keys that wait. */
void
node_set_limits(struct node *n);

/* True: this node has keys for the identity of a peer's section. On the node's own thread. */
bool
node_has_identity(const struct node *n, const struct config_peer *peer, struct errmsg *err);

/* Logs what a flood's window has kept back, as a number; peer: whose events they are, or NULL. */
void
node_log_summary(struct flood *flood, const char *peer);

/* fn is called when nothing is left of the node's own, on the first worker's thread: whoever else
   has handles on that loop closes them. One only. */
void
node_at_end(struct node *n, void (*fn)(void *arg), void *arg);

/* After node_run has returned true, or instead of it. NULL is fine. */
void
node_free(struct node *n);

static inline uint64_t
node_now(void)
{
	return uv_hrtime();
}

#endif
