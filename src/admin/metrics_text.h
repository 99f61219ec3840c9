/* The picture of a node in the text format of Prometheus. Knows no sockets. */
#ifndef SC_ADMIN_METRICS_TEXT_H
#define SC_ADMIN_METRICS_TEXT_H

#include "base/text.h"
#include "proxy/status.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Where in the picture the writing is. */
struct metrics_text {
	const struct status *status;
	unsigned family;          /* of figures, which stand together */
	bool headed;              /* its head is written */
	size_t peer;              /* the next one */
	const struct list *tally; /* the last one written */
};

/* The picture stays the caller's, until the end of writing. */
void
metrics_text_init(struct metrics_text *m, const struct status *status);

/* Adds the next piece, a line or a few, in some microseconds. True: there is more. Memory that is
   out shows in out->failed. */
bool
metrics_text_more(struct metrics_text *m, struct text *out);

#endif
