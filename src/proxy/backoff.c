/* Knows the steps of waiting; knows nothing of what is tried. */
#include "proxy/backoff.h"

#include "base/util.h"
#include "base/wire.h"

uint64_t
backoff_next(struct backoff *b, uint64_t cap_ms, const struct random_source *random)
{
	uint8_t noise[4];
	uint64_t step = min_u64(b->next_ms ? b->next_ms : BACKOFF_FIRST_MS, cap_ms);

	b->next_ms = min_u64(step * 2, BACKOFF_CAP_MS);
	random_fill(random, noise, sizeof(noise));
	return step / 2 + get_u32(noise) % (step - step / 2 + 1);
}
