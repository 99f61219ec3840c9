/* A node: everything that one event loop has, and the order in which it lives. The parts are in
   files of their own and find each other through this struct; there are no globals. */
#ifndef SC_PROXY_NODE_H
#define SC_PROXY_NODE_H

#include <uv.h>

#include "base/list.h"
#include "config/config.h"
#include "keyring/keyring.h"
#include "proxy/alarm.h"
#include "proxy/flood.h"
#include "proxy/jobs.h"
#include "proxy/limits.h"
#include "proxy/notes.h"
#include "proxy/sock.h"
#include "proxy/watch.h"
#include "secureconn/conn.h"
#include "tunnel/chunk.h"
#include "tunnel/trunk.h"

/* W0: bytes that a new stream may receive before any WINDOW. */
#define NODE_WINDOW         (256u * 1024)
#define NODE_CHUNKS_KEPT    (16u * 1024 * 1024)
#define NODE_KEEPALIVE      (15 * NS_PER_S) /* of a peer without a section */
#define LINGER_DEADLINE     (2 * NS_PER_S)

enum node_state {
	NODE_RUNNING,
	NODE_DRAINING, /* nothing new; open streams go on */
	NODE_STOPPING  /* everything ends now */
};

/* What is summed up in the log. */
enum flood_kind {
	FLOOD_ACCEPT,
	FLOOD_REFUSED,   /* on the peer port, by limits */
	FLOOD_HANDSHAKE, /* of callers */
	FLOOD_PENDING,
	FLOOD_ROUTE,     /* local connections that were refused */
	FLOOD_SERVICE,   /* streams that were refused */
	FLOOD_KINDS
};

struct node {
	uv_loop_t loop;
	enum node_state state;
	const struct config *config;
	struct keyring *ring;

	/* What every connection is made with; the memory outlives them all. */
	struct key_pair *pairs;
	struct conn_key *keys; /* in the order of `asymmetric` */
	size_t n_keys;
	const struct bulk_impl *const *bulk; /* in the order of `symmetric` */
	size_t n_bulk;
	struct hello hello;
	struct random_source random;
	struct chunk_pool *chunks;

	struct limits *limits;
	struct jobs jobs;
	struct notes *notes;
	struct watch watch;
	struct flood floods[FLOOD_KINDS];

	struct list peer_listeners; /* struct listener */
	struct route *routes;       /* one for each of config->routes, in that order */
	struct list peers;          /* struct peer */
	struct list links;          /* struct link: all, in whatever state */
	struct list locals;         /* struct local: all */
	struct list dirty;          /* links with something to do at the end of the loop's turn */
	/* counts TCP connections between nodes, in the order of their beginning */
	uint64_t births;

	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	uv_signal_t signals[3];
	struct alarm *tick, *end;
	uint8_t scratch[64 * 1024]; /* for input that nobody wants */
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
};

/* Makes a node: keys, listeners; everything that may fail at the start. NULL, with err set. */
struct node *
node_new(const struct node_setup *setup, struct errmsg *err);

/* Runs until a signal has ended it. True: all of it has come to rest. False: threads are still
   in the system's resolver; the process should end without waiting for them, and the node not be
   freed. */
bool
node_run(struct node *n);

/* After node_run has returned true, or instead of it. NULL is fine. */
void
node_free(struct node *n);

static inline uint64_t
node_now(void)
{
	return uv_hrtime();
}

#endif
