/* Knows the steps of waiting; knows nothing of what is tried. */
#include "proxy/backoff.h"

#include "base/util.h"
#include "base/wire.h"

#define EAGER_QUICK    (30 * NS_PER_S)
#define EAGER_QUICK_MS 500
#define EAGER_MS       2000

uint64_t
backoff_next(struct backoff *b, uint64_t cap_ms, const struct random_source *random)
{
	uint8_t noise[4];
	uint64_t step = min_u64(b->next_ms ? b->next_ms : BACKOFF_FIRST_MS, cap_ms);

	b->next_ms = min_u64(step * 2, BACKOFF_CAP_MS);
	random_fill(random, noise, sizeof(noise));
	return step / 2 + get_u32(noise) % (step - step / 2 + 1);
}

uint64_t
backoff_eager_cap(uint64_t since)
{
	return since < EAGER_QUICK ? EAGER_QUICK_MS : EAGER_MS;
}
