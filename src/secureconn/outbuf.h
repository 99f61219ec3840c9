/* Bytes on their way to the transport: appended at the end, taken from the front, never moved while
   any are there. */
#ifndef SC_SECURECONN_OUTBUF_H
#define SC_SECURECONN_OUTBUF_H

#include <stdlib.h>

#include "base/error.h"
#include "base/util.h"

struct outbuf {
	uint8_t *data;
	size_t size, head, tail;
};

/* Grows an empty buffer to size bytes. SC_OK, or SC_ERR_MEMORY and the buffer as it was. */
static inline enum sc_error
outbuf_grow(struct outbuf *b, size_t size)
{
	uint8_t *data = realloc(b->data, size);
	if (!data)
		return SC_ERR_MEMORY;
	b->data = data;
	b->size = size;
	return SC_OK;
}

static inline void
outbuf_fini(struct outbuf *b)
{
	free(b->data);
	*b = (struct outbuf){NULL, 0, 0, 0};
}

static inline size_t
outbuf_used(const struct outbuf *b)
{
	return b->tail - b->head;
}

static inline size_t
outbuf_room(const struct outbuf *b)
{
	return b->size - b->tail;
}

/* SC_OK, or SC_ERR_LIMIT if there is no room: nothing is appended then. */
static inline enum sc_error
outbuf_append(struct outbuf *b, const void *data, size_t n)
{
	if (outbuf_room(b) < n)
		return SC_ERR_LIMIT;
	if (n > 0)
		memcpy(b->data + b->tail, data, n);
	b->tail += n;
	return SC_OK;
}

static inline void
outbuf_take(struct outbuf *b, size_t n)
{
	b->head += n;
	if (b->head == b->tail)
		b->head = b->tail = 0;
}

#endif
