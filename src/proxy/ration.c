/* Knows when turns of the loop are to be short; knows nothing of what is done in them. */
#include "proxy/ration.h"

#include "base/util.h"

#define BYTES       (1024u * 1024)
#define BYTES_BRISK 65520        /* one DATA frame: a record, and no few bytes by another one */
#define BESIDES     4096         /* heads of records, and what others say before a long one */
#define LOOK_EVERY  10           /* ms, at each connection: */
#define LITTLE      (32u * 1024) /* so few bytes moved in them, it may be in conversation */
#define WORD        4096         /* the most that such a one says at once */
#define LASTS       (100 * NS_PER_MS)

void
ration_heard(struct ration *r, struct talk *talk, size_t n, uint64_t moved, uint64_t now)
{
	uint32_t ms = (uint32_t)(now / NS_PER_MS);

	if (n > WORD)
		return;
	if (ms - talk->since >= LOOK_EVERY) {
		talk->small = (uint32_t)moved - talk->from <= LITTLE;
		talk->since = ms;
		talk->from = (uint32_t)moved;
	}
	if (talk->small)
		r->until = now + LASTS;
}

bool
ration_brisk(const struct ration *r, uint64_t now)
{
	return now < r->until;
}

uint32_t
ration_bytes(const struct ration *r, uint64_t now)
{
	return ration_brisk(r, now) ? BYTES_BRISK : BYTES;
}

uint32_t
ration_link_bytes(const struct ration *r, uint64_t now)
{
	return ration_brisk(r, now) ? BYTES_BRISK + BESIDES : BYTES;
}
