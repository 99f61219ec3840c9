/* The picture of a node as JSON: what the control socket answers and `status --json` shows. The
   names in it are documented in secureconn(1) and stay. Knows no sockets. */
#ifndef SC_ADMIN_STATUS_JSON_H
#define SC_ADMIN_STATUS_JSON_H

#include "base/text.h"
#include "proxy/status.h"

/* Where in the picture the writing is. */
struct status_json {
	const struct status *status;
	unsigned part;
	size_t at;
};

/* The picture stays the caller's, until the end of writing. */
void
status_json_init(struct status_json *j, const struct status *status);

/* Adds the next piece, a peer or so, in some microseconds. True: there is more. Memory that is out
   shows in out->failed. */
bool
status_json_more(struct status_json *j, struct text *out);

#endif
