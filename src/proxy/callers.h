/* The peer port: takes calls of other nodes within the limits for those who are not
   authenticated. */
#ifndef SC_PROXY_CALLERS_H
#define SC_PROXY_CALLERS_H

#include "proxy/node.h"

struct inherited;

/* Opens the listeners of the node, or takes over inherited ones. False with err set. */
bool
callers_open(struct node *n, struct inherited *inherited, struct errmsg *err);

/* Logs them and takes calls from now on. */
void
callers_start(struct node *n);

void
callers_stop(struct node *n);

#endif
