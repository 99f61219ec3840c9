/* The ports of a node: every endpoint of the configuration on which it listens, for peers and for
   routes. Ports that the next configuration names too go on, whoever they are for then. */
#ifndef SC_PROXY_PORTS_H
#define SC_PROXY_PORTS_H

#include "base/list.h"
#include "config/config.h"
#include "proxy/listen.h"

struct inherited;
struct node;

/* The ports that are open, for a thread that opens others meanwhile. */
struct ports_known {
	struct port_known {
		struct endpoint endpoint;
		int fd; /* a copy */
	} *at; /* in the order of endpoints */
	size_t n;
};

/* What the node has open. False: out of memory or descriptors. To be given to ports_forget in any
   case. */
bool
ports_look(struct ports_known *known, const struct node *n);

void
ports_forget(struct ports_known *known);

/* Opens what the configuration names and is not known, and puts it on `fresh`: nobody accepts there
   yet. A port that is taken by a known one that it does not name can be had nevertheless. Any
   thread. inherited may be NULL. On an error `fresh` is empty. */
enum sc_error
ports_open(struct list *fresh, const struct config *config, const struct ports_known *known,
	struct inherited *inherited, struct errmsg *err);

/* The node's configuration and routes are new: gives each port to whom it is for now, closes those
   that are for nobody, accepts on `fresh` ones, and logs all that. */
void
ports_settle(struct node *n, struct list *fresh);

/* No new connections of programs; peers may still call. */
void
ports_close_routes(struct node *n);

/* Nor of peers. */
void
ports_close(struct node *n);

#endif
