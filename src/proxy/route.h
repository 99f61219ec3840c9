/* Routes: local listeners whose connections become streams to a service of a peer. */
#ifndef SC_PROXY_ROUTE_H
#define SC_PROXY_ROUTE_H

#include <stdatomic.h>

#include "proxy/choice.h"
#include "proxy/node.h"

struct client;
struct link;
struct local;
struct peer;

/* A route as one configuration has it, and never changed: connections go on with the one that they
   came by. The next configuration's of the same name counts the same connections. */
struct route {
	struct node *owner;
	const struct config *source; /* holds `config` */
	const struct config_route *config;
	struct peer *peers[CHOICE_MAX]; /* as the configuration names them */
	size_t n_peers;
	atomic_size_t turn;             /* of balancing */
	atomic_size_t current;          /* failover: where new connections went last */
	struct route_load *load;
	atomic_uint holders; /* the node, and each of its connections */
};

/* Makes all routes of a configuration, whose peers the node has; those of a name that the node has
   go on counting. False: out of memory, and nothing is there. */
bool
routes_make(struct routes *routes, struct node *n, const struct config *config);

/* The node gives them up. */
void
routes_free(struct routes *routes);

/* An accept_fn; its owner is the route. */
void
route_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address);

/* A client of the node's route of that name that another process has accepted; its carry goes with
   it. False: there is none, and nothing has changed. On the node's own thread. */
bool
route_take(struct node *n, const char *name, struct client *c);

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

/* A connection has ended; the route may be gone then. From any thread. */
void
route_left(struct route *r);

#endif
