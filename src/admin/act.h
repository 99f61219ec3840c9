/* What each request of the control socket does to the node. Knows no sockets. */
#ifndef SC_ADMIN_ACT_H
#define SC_ADMIN_ACT_H

#include "admin/request.h"
#include "proxy/collect.h"
#include "proxy/reload.h"
#include "proxy/renew.h"

/* Each is called with what is the callee's from then on. */
struct act_calls {
	void (*answer)(void *owner, struct json_object *answer); /* to be put */
	/* What a request for it gets; an answer as answer_new, with a member "status" */
	void (*picture)(void *owner, struct status *status);
};

/* One at a time. */
struct act {
	struct node *node;
	const struct act_calls *calls;
	void *owner;
	struct collector collector;
	struct renewal_order renewal;
	char renewed_peer[PEER_NAME_SIZE];
	struct reload_waiter reload;
};

void
act_init(struct act *a, struct node *node, const struct act_calls *calls, void *owner);

/* One of the calls comes once: before this returns, or later from the node's loop. who: whose
   request it is, for the log. */
void
act_on(struct act *a, const struct request *request, const char *who);

/* None of the calls comes any more. */
void
act_stop(struct act *a);

#endif
