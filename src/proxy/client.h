/* A client of a route that has no stream yet, on its way to the worker of a peer: from the
   listener, or from another peer's worker. */
#ifndef SC_PROXY_CLIENT_H
#define SC_PROXY_CLIENT_H

#include "proxy/carry.h"
#include "proxy/route.h"
#include "proxy/tally.h"
#include "proxy/worker.h"
#include "tunnel/trunk.h"

struct local;

struct client {
	struct route *route; /* it counts among its connections */
	int fd;
	bool is_unix;
	struct stream_address source, destination;
	uint64_t began; /* connect_timeout runs since then */
	/* What it has said so far, and whether that was all; whoever ends the client frees it. */
	struct carry carry;
	uint64_t bytes_in;
	bool eof;
	uint32_t tried; /* peers of the route that refused it, a bit for each */
};

/* On the thread of `from`: the client goes to the peer's worker, or if its link is to be its own to
   any, becomes a local connection there and gets a stream, or waits for a link. Whatever comes of
   it, the descriptor is closed and the route left in the end. */
void
client_send(const struct client *c, struct peer *peer, struct worker *from);

/* It does not count among those that the peer has any more. */
void
client_left(const struct route *route, struct peer *peer);

/* A local connection of a route without a stream, on no list, or on that of those that wait, goes
   on with this peer, on the worker of that one, with all that was read from it. It may be the
   peer that it has. *l may be gone. */
void
client_move(struct local *l, struct peer *peer);

/* Resets the connection of a client that never counted among the route's; counts it and logs why,
   within bounds. */
void
client_refuse(const struct client *c, struct worker *w, enum tally_reason why, const char *reason);

#endif
