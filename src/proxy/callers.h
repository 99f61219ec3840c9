/* The peer port: takes calls of other nodes within the limits for those who are not
   authenticated. */
#ifndef SC_PROXY_CALLERS_H
#define SC_PROXY_CALLERS_H

#include "proxy/node.h"

/* Sources of peers as the key ring remembers them: known from the first moment after a restart. */
void
callers_remember(struct node *n);

/* An accept_fn; its owner is the node. */
void
callers_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address);

#endif
