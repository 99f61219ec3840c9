/* Another process, perhaps of a newer program, takes over from a running one: it gets the listening
   sockets, so that nobody who connects is refused, and the old one lets its connections finish. */
#ifndef SC_PROXY_UPGRADE_H
#define SC_PROXY_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/inherit.h"
#include "secureconn/hello.h"

struct handover;
struct node;

/* What the one before has left to this process. */
struct legacy {
	bool there;
	int ready; /* the channel to it: it waits for a word there */
	uint8_t instance[HELLO_INSTANCE_SIZE];
};

/* Of the environment, which is cleaned: only if the parent process has put it there. Sockets that
   go with it are in `in`. False: out of memory. */
bool
legacy_init(struct legacy *legacy, struct inherited *in);

/* This process serves: the one before may go; what there still is to be said between the two is
   h's. NULL is fine. Once. */
void
legacy_ready(struct legacy *legacy, struct handover *h);

/* SIGUSR2: starts the program again with the same arguments, hands it the sockets, and drains once
   it is ready. If it is not, within a time, nothing has changed, and the log says why. */
void
upgrade_start(struct node *n);

/* The new process, if it is not ready yet, is ended. */
void
upgrade_cancel(struct node *n);

#endif
