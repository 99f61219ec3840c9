/* How a node ends: signals, draining, and what is closed when. */
#ifndef SC_PROXY_STOP_H
#define SC_PROXY_STOP_H

#include "proxy/node.h"

/* SIGTERM and SIGINT: the first one drains, the second one stops. SIGHUP: the configuration is read
   again. SIGUSR2: another process takes over. For signals_new. */
void
stop_on_signal(void *owner, int number);

/* What the end needs. False: out of memory. */
bool
stop_init(struct node *n);

/* No new connections or streams; those that are open have until the end of `drain`. As long as
   there are any, peers may call: theirs are the links that those wait for which have lost
   theirs. */
void
stop_drain(struct node *n);

/* At the end of each turn of the node's own loop: when nobody is left whom a caller could help,
   none is let in any more. */
void
stop_look(struct node *n);

/* Ends all links with CLOSE(10). hurry: and waits for nobody. */
void
stop_now(struct node *n, bool hurry);

#endif
