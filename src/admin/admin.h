/* What a running node shows to its operator: the control socket and the metrics. */
#ifndef SC_ADMIN_ADMIN_H
#define SC_ADMIN_ADMIN_H

#include "admin/control.h"
#include "admin/metrics.h"

struct admin {
	struct control *control;
	struct metrics *metrics;
};

/* Opens what the configuration names, between node_new and node_run; the node closes it when it
   ends. False with err set: something cannot be opened; nothing is open then. inherited: as for
   listeners_open. */
bool
admin_open(struct admin *admin, struct node *node, struct inherited *inherited,
	struct errmsg *err);

/* Once or more; before node_free. */
void
admin_close(struct admin *admin);

#endif
