/* Routes: local listeners whose connections become streams to a service of a peer. */
#ifndef SC_PROXY_ROUTE_H
#define SC_PROXY_ROUTE_H

#include <stdatomic.h>

#include "proxy/node.h"

struct inherited;
struct local;
struct peer;

struct route {
	struct node *owner;
	const struct config_route *config;
	struct peer *peer;
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

/* Without a stream: waits for a link of its peer. */
void
route_wait(struct local *l);

/* The stream was refused before it was opened: the connection waits for another link. */
void
route_again(struct local *l);

/* A connection has ended. From any thread. */
void
route_left(struct route *r);

#endif
