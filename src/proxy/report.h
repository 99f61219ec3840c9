/* What a worker tells the node: news that are for the node's own thread to act on. Each is lost
   when there is no memory, which harms nobody. */
#ifndef SC_PROXY_REPORT_H
#define SC_PROXY_REPORT_H

#include "proxy/worker.h"

/* A key was shown that is not verified, as notes_add has it. */
void
report_key(struct worker *w, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *address);

/* A peer was authenticated from there: that source is known now. */
void
report_source(struct worker *w, const struct source *source);

#endif
