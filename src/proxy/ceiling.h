/* How many local connections a node takes: as `connections` says, and so few that descriptors are
   left for its links and for those who call. */
#ifndef SC_PROXY_CEILING_H
#define SC_PROXY_CEILING_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

struct node;
struct worker;

/* descriptors: that the process may have open. At least 1. */
uint32_t
ceiling_of(uint64_t descriptors, const struct config_limits *limits);

/* Asks the system how many descriptors there may be; logs if they are fewer than `connections`
   needs. */
void
ceiling_init(struct node *n);

/* The node has as many as the worker's configuration and the system allow. On the worker's
   thread. */
bool
ceiling_reached(const struct worker *w);

#endif
