/* Knows how many lines are too many; knows nothing of what they say. */
#include "proxy/flood.h"

bool
flood_pass(struct flood *f, uint64_t now)
{
	f->total++;
	if (f->since == 0 || (now - f->since >= FLOOD_WINDOW && f->suppressed == 0)) {
		f->since = now;
		f->logged = 0;
	}
	if (f->logged < f->lines) {
		f->logged++;
		return true;
	}
	f->suppressed++;
	return false;
}

uint64_t
flood_summary(struct flood *f, uint64_t now)
{
	if (f->suppressed == 0 || now - f->since < FLOOD_WINDOW)
		return 0;
	uint64_t n = f->suppressed;
	f->suppressed = 0;
	f->since = 0;
	return n;
}
