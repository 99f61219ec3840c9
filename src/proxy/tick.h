/* What a worker does every half second: measures, looks for names that have changed, gives back
   memory that nobody uses. */
#ifndef SC_PROXY_TICK_H
#define SC_PROXY_TICK_H

#include "proxy/worker.h"

/* worker.tick is NULL afterwards: out of memory. */
void
tick_init(struct worker *w);

void
tick_start(struct worker *w);

/* For ever; more than once is fine. */
void
tick_stop(struct worker *w);

#endif
