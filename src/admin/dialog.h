/* A connection to the control socket: its owner's requests in, line by line, answers out, one after
   the other. */
#ifndef SC_ADMIN_DIALOG_H
#define SC_ADMIN_DIALOG_H

#include "proxy/node.h"

/* All of a node's. */
struct dialogs {
	struct node *node;
	struct list list; /* struct dialog */
	unsigned n;
};

void
dialogs_init(struct dialogs *all, struct node *node);

/* Takes over a connection that was accepted; one too many is told so, and closed. */
void
dialogs_accept(struct dialogs *all, int fd, bool is_unix);

/* Closes all of them. */
void
dialogs_fini(struct dialogs *all);

#endif
