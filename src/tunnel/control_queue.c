/* Knows how waiting control frames are kept; knows nothing of what they say. */
#include "tunnel/control_queue.h"

#include <stdlib.h>

#include "secureconn/frame.h"

#define CAPACITY_MIN  256
#define CAPACITY_IDLE 4096 /* an empty queue keeps not more than this */

/* Makes room for n bytes behind `end`. */
static enum sc_error
make_room(struct control_queue *q, size_t n)
{
	size_t used = q->end - q->start, capacity = q->capacity;

	if (q->start > 0) {
		memmove(q->data, q->data + q->start, used);
		q->start = 0;
		q->end = used;
	}
	while (capacity < used + n)
		capacity = capacity ? capacity * 2 : CAPACITY_MIN;
	if (capacity == q->capacity)
		return SC_OK;
	uint8_t *data = realloc(q->data, capacity);
	if (!data)
		return SC_ERR_MEMORY;
	q->data = data;
	q->capacity = capacity;
	return SC_OK;
}

enum sc_error
control_queue_add(struct control_queue *q, const uint8_t *frame, size_t n)
{
	if (q->end - q->start + n > CONTROL_QUEUE_MAX)
		return SC_ERR_CONTROL_FULL;
	return control_queue_add_uncounted(q, frame, n);
}

enum sc_error
control_queue_add_uncounted(struct control_queue *q, const uint8_t *frame, size_t n)
{
	if (q->capacity - q->end < n) {
		enum sc_error err = make_room(q, n);
		if (err != SC_OK)
			return err;
	}
	memcpy(q->data + q->end, frame, n);
	q->end += n;
	return SC_OK;
}

struct span
control_queue_front(const struct control_queue *q, size_t room)
{
	size_t n = 0, waiting = q->end - q->start;

	if (waiting <= room)
		n = waiting;
	while (n < waiting) {
		size_t frame = FRAME_HEAD_SIZE + get_u16(q->data + q->start + n + 2);
		if (n + frame > room)
			break;
		n += frame;
	}
	return (struct span){n > 0 ? q->data + q->start : NULL, n};
}

void
control_queue_drop(struct control_queue *q, size_t n)
{
	q->start += n;
	if (q->start < q->end)
		return;
	q->start = q->end = 0;
	if (q->capacity > CAPACITY_IDLE)
		control_queue_fini(q);
}

void
control_queue_fini(struct control_queue *q)
{
	free(q->data);
	*q = (struct control_queue){0};
}
