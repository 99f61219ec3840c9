/* Serves the figures of a node over HTTP, to whoever asks on the addresses that the configuration
   names. */
#ifndef SC_ADMIN_METRICS_H
#define SC_ADMIN_METRICS_H

#include "proxy/node.h"

struct metrics;
struct inherited;

/* Opens the addresses, before node_run. *metrics is NULL if there are none. False with err set:
   one cannot be opened. inherited: as for listeners_open. */
bool
metrics_open(struct metrics **metrics, struct node *node, struct inherited *inherited,
	struct errmsg *err);

/* The memory goes when the node's loop has let go. NULL is fine. */
void
metrics_close(struct metrics *metrics);

#endif
