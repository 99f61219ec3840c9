/* Knows the policies of routes. */
#include "proxy/choice.h"

static size_t
first_of(const struct candidate *candidates, size_t n, enum standing worst)
{
	for (size_t i = 0; i < n; i++)
		if (!candidates[i].tried && candidates[i].standing <= worst)
			return i;
	return n;
}

static size_t
idlest_of(const struct candidate *candidates, size_t n, size_t turn)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		size_t k = (turn + i) % n;
		const struct candidate *c = &candidates[k];
		if (c->tried)
			continue;
		bool better = best == n || c->standing < candidates[best].standing ||
			(c->standing == candidates[best].standing &&
				c->connections < candidates[best].connections);
		if (better)
			best = k;
	}
	return best;
}

size_t
choose_peer(enum route_policy policy, const struct candidate *candidates, size_t n, size_t turn)
{
	if (policy == ROUTE_BALANCE)
		return idlest_of(candidates, n, turn);
	size_t found = first_of(candidates, n, STANDING_COMING);
	return found < n ? found : first_of(candidates, n, STANDING_AWAY);
}
