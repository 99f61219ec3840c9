/* How much of a turn of the loop one socket may have. Long turns cost a large transfer the fewest
   calls, but whoever has a few bytes to say waits for their end, at each of the four places that a
   question and its answer come through. So turns are long as long as nobody is in conversation. */
#ifndef SC_PROXY_RATION_H
#define SC_PROXY_RATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one loop. Zeroed at first, as the next one. */
struct ration {
	uint64_t until; /* somebody counts as in conversation; nanoseconds */
};

/* What is known of one connection. There are many of them. */
struct talk {
	uint32_t since; /* milliseconds */
	uint32_t from;  /* bytes that it had moved then, modulo 2^32 */
	bool small;     /* it moved little before that */
};

/* A connection has said n bytes; moved: its bytes in both directions so far. */
void
ration_heard(struct ration *r, struct talk *talk, size_t n, uint64_t moved, uint64_t now);

/* One that moves little has lately said something. */
bool
ration_brisk(const struct ration *r, uint64_t now);

/* Bytes that one socket may read in one turn: a connection's, and a link's, where they come in
   records. */
uint32_t
ration_bytes(const struct ration *r, uint64_t now);
uint32_t
ration_link_bytes(const struct ration *r, uint64_t now);

#endif
