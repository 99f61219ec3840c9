/* The configuration is read anew while the node runs, and applied as a difference. */
#ifndef SC_PROXY_RELOAD_H
#define SC_PROXY_RELOAD_H

#include <stddef.h>

#include "base/list.h"

struct node;

/* Somebody who wants to know how it went; the memory is the caller's until fn is called. */
struct reload_waiter {
	struct list node;
	/* from the loop; error: what is wrong, nothing has changed then; NULL: it is done */
	void (*fn)(struct reload_waiter *waiter, const char *error);
	size_t changes, restart_needed; /* of keys and sections, when it is done */
};

/* Reads and checks the files on a thread, opens the ports that are new, and only then, if there is
   nothing wrong at all, changes anything. While one is under way, what is asked for meanwhile is
   done once more after it. A node that stops does not begin one. waiter: NULL, or on no list. */
void
reload_ask(struct node *n, struct reload_waiter *waiter);

#endif
