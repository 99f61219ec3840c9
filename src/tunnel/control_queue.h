/* Control frames that wait to be sealed and belong to no stream that still exists: whole frames one
   after the other, in one piece of memory with a bound (protocol.md 8, "Order and credit"). */
#ifndef SC_TUNNEL_CONTROL_QUEUE_H
#define SC_TUNNEL_CONTROL_QUEUE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/util.h"

#define CONTROL_QUEUE_MAX (1u << 20)

/* Zeroed, it is an empty queue without memory. */
struct control_queue {
	uint8_t *data;
	size_t start, end, capacity;
};

static inline bool
control_queue_empty(const struct control_queue *q)
{
	return q->start == q->end;
}

/* Copies a whole frame in. SC_OK, SC_ERR_MEMORY, or SC_ERR_CONTROL_FULL. */
enum sc_error
control_queue_add(struct control_queue *q, const uint8_t *frame, size_t n);

/* The same without the bound: for what is bounded in another way. SC_OK or SC_ERR_MEMORY. */
enum sc_error
control_queue_add_uncounted(struct control_queue *q, const uint8_t *frame, size_t n);

/* The frames at the front that fit into `room` bytes, whole ones; size 0 if not even the first
   does or there is none. Valid until the next call that changes the queue. */
struct span
control_queue_front(const struct control_queue *q, size_t room);

/* n bytes, as control_queue_front gave them, have been sealed. */
void
control_queue_drop(struct control_queue *q, size_t n);

void
control_queue_fini(struct control_queue *q);

#endif
