/* Knows the order and the times of attempts; knows nothing of sockets and names. */
#include "proxy/race.h"

#include <string.h>

#include "base/util.h"

void
race_init(struct race *r, const struct race_rules *rules, size_t groups, uint64_t now)
{
	memset(r, 0, sizeof(*r));
	r->rules = *rules;
	r->groups = groups;
	r->unknown = groups < 64 ? (1ull << groups) - 1 : UINT64_MAX;
	r->began = now;
}

size_t
race_add(struct race *r, size_t group, size_t last)
{
	if (r->n == RACE_MAX)
		return RACE_MAX;
	r->at[r->n].group = group;
	r->at[r->n].last = last;
	return r->n++;
}

void
race_known(struct race *r, size_t group)
{
	r->unknown &= ~(1ull << group);
}

void
race_failed(struct race *r, size_t which)
{
	r->at[which].state = RACE_OVER;
	r->hurry = true;
}

void
race_busy(struct race *r, size_t which, uint64_t until)
{
	r->at[which].state = RACE_BUSY;
	r->at[which].when = until;
}

/* The best one that nobody has tried; RACE_MAX: none. */
static size_t
best(const struct race *r)
{
	size_t found = RACE_MAX;

	for (size_t i = 0; i < r->n; i++) {
		if (r->at[i].state != RACE_READY)
			continue;
		bool better = found == RACE_MAX ||
			(r->at[i].last != r->at[found].last
					? r->at[i].last < r->at[found].last
					: r->at[i].group < r->at[found].group);
		if (better)
			found = i;
	}
	return found;
}

static bool
under_way(const struct race *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].state == RACE_UNDER_WAY || r->at[i].state == RACE_BUSY)
			return true;
	return false;
}

/* When that one may be started. */
static uint64_t
due(const struct race *r, size_t which)
{
	size_t group = r->at[which].group;
	uint64_t before = r->at[which].last ? r->unknown : r->unknown & ((1ull << group) - 1);
	uint64_t at = before ? r->began + r->rules.patience : 0;

	if (!under_way(r))
		return at;
	if (group != r->group)
		return max_u64(at, r->started + r->rules.next);
	return r->hurry ? at : max_u64(at, r->started + r->rules.stagger);
}

/* The attempts: what is due with one of them. False: nothing; *wake then is not after the next. */
static bool
look_at_attempts(struct race *r, uint64_t now, size_t *which, enum race_action *action,
	uint64_t *wake)
{
	for (*which = 0; *which < r->n; (*which)++) {
		enum race_state state = r->at[*which].state;
		if (state != RACE_UNDER_WAY && state != RACE_BUSY)
			continue;
		uint64_t end = r->at[*which].when +
			(state == RACE_UNDER_WAY ? r->rules.attempt : 0);
		if (now < end) {
			*wake = min_u64(*wake, end);
			continue;
		}
		if (state == RACE_UNDER_WAY) {
			race_failed(r, *which);
			*action = RACE_STOP;
		} else {
			r->at[*which].state = RACE_UNDER_WAY;
			r->at[*which].when = now;
			*action = RACE_START;
		}
		return true;
	}
	return false;
}

enum race_action
race_next(struct race *r, uint64_t now, size_t *which, uint64_t *wake)
{
	enum race_action action;

	*wake = r->rules.deadline;
	if (now >= r->rules.deadline)
		return RACE_FAILED;
	if (look_at_attempts(r, now, which, &action, wake))
		return action;
	*which = best(r);
	if (*which == RACE_MAX)
		return under_way(r) || r->unknown ? RACE_WAIT : RACE_FAILED;
	uint64_t at = due(r, *which);
	if (now < at) {
		*wake = min_u64(*wake, at);
		return RACE_WAIT;
	}
	r->at[*which].state = RACE_UNDER_WAY;
	r->at[*which].when = r->started = now;
	r->group = r->at[*which].group;
	r->hurry = false;
	return RACE_START;
}

void
race_interleave(struct sockaddr_storage *addresses, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		size_t k = i;
		while (k < n && addresses[k].ss_family == addresses[i - 1].ss_family)
			k++;
		if (k == n)
			return; /* only one family is left */
		struct sockaddr_storage other = addresses[k];
		memmove(&addresses[i + 1], &addresses[i], (k - i) * sizeof(other));
		addresses[i] = other;
	}
}
