/* The control socket of a running node: takes connections of its owner on a Unix socket, and
   answers their requests line by line. */
#ifndef SC_ADMIN_CONTROL_H
#define SC_ADMIN_CONTROL_H

#include "proxy/node.h"

struct control;
struct inherited;

/* Opens it as the configuration says, before node_run. *control is NULL if there is none: it is
   off, or the default one could not be opened, which is logged. False with err set: one that the
   configuration names cannot be opened. inherited: as for listeners_open. */
bool
control_open(struct control **control, struct node *node, struct inherited *inherited,
	struct errmsg *err);

/* Closes it and its connections, and removes the socket. The memory goes when the node's loop has
   let go. NULL is fine. */
void
control_close(struct control *control);

#endif
