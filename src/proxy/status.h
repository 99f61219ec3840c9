/* What a node is doing, as plain data that nobody shares: for `status` and for metrics. Times are
   nanoseconds, ages count from now. */
#ifndef SC_PROXY_STATUS_H
#define SC_PROXY_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "keyring/keyring.h"
#include "proxy/address.h"
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
	char address[ADDRESS_TEXT_SIZE];
	char name[HELLO_NAME_SIZE]; /* as the peer calls itself: not text until escaped */
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
	struct list node; /* on status.peers */
	char name[PEER_NAME_SIZE];
	enum status_peer_state state;
	bool configured;   /* it has a section */
	char error[160];   /* the last one, "" */
	uint64_t error_age;
	uint64_t retry_in; /* STATUS_WAITING and STATUS_REJECTED */
	uint64_t waiting;  /* connections that wait for a link */
	/* since the start, over all links */
	uint64_t links_total, streams_total, renewals, resumed;
	uint64_t bytes_in, bytes_out;
	uint64_t rate_in, rate_out; /* bytes a second, lately */
	struct status_link *links;
	size_t n_links;
};

enum status_node_state { STATUS_RUNNING, STATUS_DRAINING, STATUS_STOPPING };

struct status {
	enum status_node_state state;
	uint64_t age;
	uint64_t memory;  /* bytes that the process has in memory */
	uint64_t workers;
	uint64_t unauthenticated, places; /* connections now, and at most */
	uint64_t callers_refused, handshakes_failed;
	struct list peers;   /* struct status_peer, those of each worker together */
	struct list tallies; /* struct tally */
};

void
status_init(struct status *s);

void
status_fini(struct status *s);

/* A peer added at the end, zero but for its name; room for n_links. NULL: out of memory. */
struct status_peer *
status_add_peer(struct status *s, const char *name, size_t n_links);

const char *
status_peer_state_name(enum status_peer_state state);

#endif
