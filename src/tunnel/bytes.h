/* A queue of bytes in chunks: they come in at the end, copied or read straight into it, and leave
   at the front. Between the two a mark tells what a sender has sent and what not yet. */
#ifndef SC_TUNNEL_BYTES_H
#define SC_TUNNEL_BYTES_H

#include "base/util.h"
#include "tunnel/chunk.h"

/* Zeroed, it is an empty queue without memory. */
struct bytes {
	struct chunk *first, *last;
	size_t head;        /* bytes of the first chunk that have left */
	size_t held;        /* bytes of memory in all */
	struct chunk *mark; /* the chunk of the first unsent byte, NULL: the first chunk */
	size_t mark_at;     /* bytes of it that are sent */
};

/* A rest of a chunk that is shorter than this is not worth a read of its own: a new chunk is. */
#define BYTES_ROOM_MIN 1024

/* bytes_room needs no new chunk. */
bool
bytes_has_room(const struct bytes *b);

/* Room for the next bytes, in one piece. It stays at its place while bytes_settle is not called.
   NULL: out of memory. class: of a new chunk, if one is needed. */
uint8_t *
bytes_room(struct bytes *b, struct chunk_pool *pool, enum chunk_class class, size_t *n);

/* n bytes were written to where bytes_room said. */
void
bytes_added(struct bytes *b, size_t n);

/* Copies n bytes in. 0, or -1: out of memory, an unknown part of them is in. */
int
bytes_append(struct bytes *b, struct chunk_pool *pool, const uint8_t *data, size_t n);

/* The longest piece at the front; NULL and 0 if the queue is empty. */
const uint8_t *
bytes_front(const struct bytes *b, size_t *n);

/* All of it, from the front, in at most `max` pieces. Returns their number. */
size_t
bytes_spans(const struct bytes *b, struct span *spans, size_t max);

/* The longest piece from the at'th byte of the queue on; NULL and 0 behind the last one. */
const uint8_t *
bytes_at(const struct bytes *b, size_t at, size_t *n);

/* n bytes (not more than there are, and none of them unsent) leave at the front. */
void
bytes_drop(struct bytes *b, struct chunk_pool *pool, size_t n);

/* The next n unsent bytes (there must be so many) are sent: writes where they are to at most
   `max` spans. Returns the number of spans; *taken is how many bytes they hold, n unless `max`
   was too low. */
size_t
bytes_send(struct bytes *b, size_t n, struct span *spans, size_t max, size_t *taken);

/* None of the bytes is sent any more: bytes_send begins at the front again. */
void
bytes_rewind(struct bytes *b);

/* Releases the memory if no byte is in the queue. Call it when no span of bytes_room is out. */
void
bytes_settle(struct bytes *b, struct chunk_pool *pool);

/* Releases everything. */
void
bytes_fini(struct bytes *b, struct chunk_pool *pool);

#endif
