/* What a node is doing, as plain data that nobody shares: for `status` and for metrics. Times are
   nanoseconds; ages count from the moment at which the peer, or the node, was looked at. */
#ifndef SC_PROXY_STATUS_H
#define SC_PROXY_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/list.h"
#include "config/config.h"
#include "keyring/keyring.h"
#include "proxy/address.h"
#include "proxy/reached.h"
#include "proxy/tally.h"
#include "secureconn/hello.h"

/* X(symbol, name) */
#define STATUS_PEER_STATES(X)                                                                      \
	X(STATUS_UP, "up")                                                                         \
	X(STATUS_CONNECTING, "connecting") /* TCP or the handshake is under way */                 \
	X(STATUS_WAITING, "waiting")       /* for the next attempt */                              \
	X(STATUS_REJECTED, "rejected")     /* the same, and the peer has not verified our key */   \
	X(STATUS_NO_KEY, "no key")         /* none of its keys is verified here */                 \
	X(STATUS_IDLE, "idle")             /* connect = demand, and nobody wants it */             \
	X(STATUS_ABSENT, "absent")         /* it calls us, and has not */

enum status_peer_state {
#define X(symbol, name) symbol,
	STATUS_PEER_STATES(X)
#undef X
	STATUS_PEER_STATE_COUNT
};

struct status_link {
	const char *address;
	const char *name; /* as the peer calls itself: not text until escaped */
	bool dialed;
	bool goaway; /* it takes no new streams */
	const char *protocol, *asymmetric, *symmetric, *implementation;
	uint64_t age;
	uint64_t keys_age, renewal_in; /* of the session keys */
	uint64_t renewals;
	uint64_t rtt; /* 0: not measured yet */
	uint64_t streams;
	uint64_t bytes_in, bytes_out; /* on the wire */
};

struct status_peer {
	struct list node; /* on a part's list */
	const char *name;
	enum status_peer_state state;
	bool configured;        /* it has a section */
	const char **addresses; /* of it */
	size_t n_addresses;
	const char *error; /* the last one, "" */
	uint64_t error_age;
	uint64_t retry_in; /* STATUS_WAITING and STATUS_REJECTED */
	uint64_t waiting;  /* connections that wait for a link, */
	uint64_t suspended; /* and sessions */
	/* since the start, over all links */
	uint64_t links_total, streams_total, renewals, resumed;
	uint64_t bytes_in, bytes_out;
	uint64_t rate_in, rate_out; /* bytes a second, lately */
	struct status_link *links;
	size_t n_links;
};

enum status_node_state { STATUS_RUNNING, STATUS_DRAINING, STATUS_STOPPING };

struct status {
	const struct config *config; /* what routes and services there are; held */
	enum status_node_state state;
	uint64_t age;
	uint64_t memory;  /* bytes that the process has in memory */
	uint64_t workers;
	uint64_t unauthenticated, places; /* connections now, and at most */
	uint64_t callers_refused, handshakes_failed;
	const char *log_level; /* its name */
	uint64_t log_dropped;  /* lines that nobody has read in time */
	uint64_t reached[REACHED_COUNT]; /* times that a limit was */
	/* those of the configuration in its order, then the others by name */
	struct status_peer **peers;
	size_t n_peers;
	struct tallies tallies; /* one for each route and service that was used */
	struct arena memory_of; /* the peers */
};

/* One without peers. NULL: out of memory. */
struct status *
status_new(const struct config *config);

/* NULL is fine. */
void
status_free(struct status *s);

/* A peer in that memory, all zero but for its name and empty texts; room for n_links and
   n_addresses. NULL: out of memory. */
struct status_peer *
status_peer_new(struct arena *memory, const char *name, size_t n_links, size_t n_addresses);

/* Adds peers one by one, whose memory is of status->memory_of, and puts them into their order. */
struct status_sorter {
	struct status *status;
	size_t n_others, room;
	struct config_walk walk; /* workers have theirs in the order of the sections, in turns */
};

/* so many: how many there will be, at most. False: out of memory. */
bool
status_sorter_init(struct status_sorter *sorter, struct status *status, size_t so_many);

void
status_sorter_add(struct status_sorter *sorter, struct status_peer *p);

/* All are there: from now on status->peers is right. */
void
status_sorter_end(struct status_sorter *sorter);

const char *
status_peer_state_name(enum status_peer_state state);

#endif
