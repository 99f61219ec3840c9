/* A route with several peers: which of them gets a connection, and when it goes to another one.
   All of it also holds for a route with a single peer. */
#ifndef SC_PROXY_FAILOVER_H
#define SC_PROXY_FAILOVER_H

#include <stdbool.h>

#include "proxy/local.h"
#include "proxy/route.h"

/* How often a connection that waits looks whether another peer would take it. */
#define FAILOVER_LOOK (100 * NS_PER_MS)

/* The peers that the route's configuration names. */
void
failover_init(struct route *r);

/* The peer for a new connection, by the route's policy. From any thread. */
struct peer *
failover_choose(struct route *r);

/* A connection has no stream: its peer has no link, or one that takes no more. If another peer
   would take it, it goes there; l may be gone then. True: it went. */
bool
failover_look(struct local *l);

/* The stream was refused before it was opened, and is still there to be read: nothing was passed
   on. True: the connection goes on, to another peer or to another link of this one; l may be gone
   then. False: it is for its client to know. */
bool
failover_refused(struct local *l, unsigned code);

#endif
