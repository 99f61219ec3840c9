/* Bytes of a client that no stream has yet: what it said while it waited for a link, and what it
   takes along to another peer. Bounded; no memory while it is empty. */
#ifndef SC_PROXY_CARRY_H
#define SC_PROXY_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is read from a client that waits; the rest waits in the kernel. */
#define CARRY_WAITING (16 * 1024)

struct stream;

/* Zeroed, it is empty. */
struct carry {
	uint8_t *data;
	size_t size, begin, end; /* the bytes are from begin to end */
};

static inline bool
carry_empty(const struct carry *c)
{
	return c->begin == c->end;
}

/* Room for what a client says that waits. NULL and 0: it is full, or memory is out. */
uint8_t *
carry_room(struct carry *c, size_t *n);

/* n bytes were written there. */
void
carry_added(struct carry *c, size_t n);

/* Puts all that was given to the stream, which has just been refused, in front of what is here.
   False: the peer has taken some of it, or memory is out; then the stream's bytes are lost. */
bool
carry_take(struct carry *c, struct stream *stream);

/* Gives the stream as much as it takes. */
void
carry_give(struct carry *c, struct stream *stream);

void
carry_fini(struct carry *c);

#endif
