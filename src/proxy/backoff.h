/* How long to wait before the next try: doubling, with jitter, up to a cap. Knows no clock. */
#ifndef SC_PROXY_BACKOFF_H
#define SC_PROXY_BACKOFF_H

#include <stdint.h>

#include "crypto/random.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_CAP_MS   30000

struct backoff {
	uint64_t next_ms; /* the longest that the next wait may be; 0 before the first */
};

/* After a success: the next wait is a short one again. */
static inline void
backoff_reset(struct backoff *b)
{
	b->next_ms = 0;
}

/* Milliseconds to wait now: random between half of the present step and all of it, so that many
   nodes that lost the same peer do not come back in one moment. Steps double from
   BACKOFF_FIRST_MS up to cap_ms. */
uint64_t
backoff_next(struct backoff *b, uint64_t cap_ms, const struct random_source *random);

/* cap_ms while an answer is expected any moment, since so many nanoseconds: quick at first, then
   now and then. */
uint64_t
backoff_eager_cap(uint64_t since);

#endif
