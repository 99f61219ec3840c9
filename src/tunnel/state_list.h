/* The STATEs of one side of a SESSION exchange, while they come and until they are applied
   (protocol.md 8.1). */
#ifndef SC_TUNNEL_STATE_LIST_H
#define SC_TUNNEL_STATE_LIST_H

#include "tunnel/frames.h"

/* Zeroed, it is an empty list without memory. */
struct state_list {
	struct state *at;
	size_t n, capacity;
};

/* 0, or -1: out of memory. */
int
state_list_add(struct state_list *list, const struct state *state);

/* All are there. False: one stream comes twice. */
bool
state_list_sort(struct state_list *list);

/* Of a list that is sorted. NULL: not listed. */
const struct state *
state_list_find(const struct state_list *list, uint32_t id);

void
state_list_fini(struct state_list *list);

#endif
