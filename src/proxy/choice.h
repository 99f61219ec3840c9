/* Which of a route's peers gets a connection. Knows no links: only what is said of each peer. */
#ifndef SC_PROXY_CHOICE_H
#define SC_PROXY_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define CHOICE_MAX CONFIG_ROUTE_PEERS

/* How a peer stands, best first. */
enum standing {
	STANDING_UP,     /* a link takes streams */
	STANDING_COMING, /* there is none, but soon may be: it is worth a short wait */
	STANDING_AWAY
};

struct candidate {
	enum standing standing;
	uint32_t connections; /* of this node over it now */
	bool tried;           /* this connection was refused there */
};

/* Failover: the first that is up or coming, else the first. Balance: of those that are up the one
   with the fewest connections, of equal ones the first from `turn` on, around; if none is up, of
   those that are coming, else of the others. One that was tried is never taken. Returns its
   number; n: there is none. */
size_t
choose_peer(enum route_policy policy, const struct candidate *candidates, size_t n, size_t turn);

#endif
