/* Routes: local listeners whose connections become streams to a service of a peer. */
#ifndef SC_PROXY_ROUTE_H
#define SC_PROXY_ROUTE_H

#include <stdatomic.h>

#include "proxy/choice.h"
#include "proxy/node.h"

struct inherited;
struct link;
struct local;
struct peer;

struct route {
	struct node *owner;
	const struct config_route *config;
	struct peer *peers[CHOICE_MAX]; /* as the configuration names them */
	size_t n_peers;
	atomic_size_t turn;             /* of balancing */
	atomic_size_t current;          /* failover: where new connections went last */
	struct list listeners; /* struct listener */
	atomic_uint connections; /* now: more by the listener, less by any worker */
};

/* Opens the listeners of all routes, or takes over inherited ones. False with err set. */
bool
routes_open(struct node *n, struct inherited *inherited, struct errmsg *err);

/* Logs the listeners and takes connections from now on. */
void
routes_start(struct node *n);

/* No new connections. */
void
routes_stop(struct node *n);

void
routes_free(struct node *n);

/* Opens a stream for a connection that has none, on a link of its peer. False: none takes one
   now. */
bool
route_open(struct local *l);

/* The same on this link. */
bool
route_open_on(struct local *l, struct link *link);

/* A connection of the route has a peer: gets a stream, or waits for one, there or at another
   peer. l may be gone. */
void
route_begin(struct local *l);

/* It still waits: looks where else it could go, until its time is over. l may be gone. */
void
route_look(struct local *l);

/* A connection has ended. From any thread. */
void
route_left(struct route *r);

#endif
