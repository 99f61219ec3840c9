/* Summing up: the first few events of a kind in a while are logged each, the rest as a number.
   Knows no clock. */
#ifndef SC_PROXY_FLOOD_H
#define SC_PROXY_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define FLOOD_WINDOW (10 * NS_PER_S)

struct flood {
	const char *event; /* its name in the log */
	uint32_t lines;    /* logged each in one window; set by the owner, above 0 */
	uint32_t logged;
	uint64_t since; /* when the window began; 0: none has */
	uint64_t suppressed;
	uint64_t total; /* of all time */
};

/* Counts one event. True: log it. Time in nanoseconds. */
bool
flood_pass(struct flood *f, uint64_t now);

/* How many were not logged in the window that is over now; 0 while it is not, or if there were
   none. Ends the window. */
uint64_t
flood_summary(struct flood *f, uint64_t now);

#endif
