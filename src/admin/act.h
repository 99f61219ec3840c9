/* What each request of the control socket does to the node. Knows no sockets. */
#ifndef SC_ADMIN_ACT_H
#define SC_ADMIN_ACT_H

#include "admin/request.h"
#include "proxy/collect.h"
#include "proxy/reload.h"
#include "proxy/renew.h"

/* The answer is the callee's, to be put. */
typedef void act_fn(void *owner, struct json_object *answer);

/* One at a time. */
struct act {
	struct node *node;
	act_fn *fn;
	void *owner;
	struct collector collector;
	struct renewal_order renewal;
	struct reload_waiter reload;
};

void
act_init(struct act *a, struct node *node, act_fn *fn, void *owner);

/* fn is called once: before this returns, or later from the node's loop. who: whose request it is,
   for the log. */
void
act_on(struct act *a, const struct request *request, const char *who);

/* No fn any more. */
void
act_stop(struct act *a);

#endif
