/* Knows how connections are counted; knows nothing of what they are. */
#include "proxy/tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "secureconn/frame.h"

const char *
tally_reason_name(enum tally_reason reason)
{
	static const char *const names[] = {
#define X(symbol, name, text) [symbol] = name,
		TALLY_REASONS(X)
#undef X
	};
	return names[reason];
}

const char *
tally_reason_text(enum tally_reason reason)
{
	static const char *const texts[] = {
#define X(symbol, name, text) [symbol] = text,
		TALLY_REASONS(X)
#undef X
	};
	return texts[reason];
}

enum tally_reason
tally_reason_of(unsigned code)
{
	switch (code) {
	case CODE_DENIED:
		return TALLY_DENIED;
	case CODE_REFUSED:
		return TALLY_TARGET_REFUSED;
	case CODE_CONNECT_TIMEOUT:
		return TALLY_TARGET_TIMEOUT;
	case CODE_NOT_FOUND:
		return TALLY_TARGET_UNKNOWN;
	case CODE_TOO_MANY_STREAMS:
		return TALLY_LIMIT;
	case CODE_SHUTTING_DOWN:
		return TALLY_STOPPING;
	case CODE_LINK_LOST:
		return TALLY_LINK_LOST;
	case CODE_RESET_BY_APPLICATION:
		return TALLY_GONE;
	default:
		return TALLY_OTHER;
	}
}

static int
order(const struct tally *t, enum tally_kind kind, const char *name)
{
	return t->kind == kind ? strcmp(t->name, name) : t->kind < kind ? -1 : 1;
}

/* How many come before it. */
static size_t
count_before(const struct tallies *tallies, enum tally_kind kind, const char *name)
{
	size_t from = 0, to = tallies->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (order(tallies->by_name[middle], kind, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct tally *
find(const struct tallies *tallies, size_t at, enum tally_kind kind, const char *name)
{
	struct tally *t = at < tallies->n ? tallies->by_name[at] : NULL;

	return t && order(t, kind, name) == 0 ? t : NULL;
}

const struct tally *
tally_find(const struct tallies *tallies, enum tally_kind kind, const char *name)
{
	return find(tallies, count_before(tallies, kind, name), kind, name);
}

/* NULL: out of memory. */
static struct tally *
insert(struct tallies *tallies, size_t at, enum tally_kind kind, const char *name)
{
	struct tally **grown =
		reallocarray(tallies->by_name, tallies->n + 1, sizeof(*tallies->by_name));

	if (!grown)
		return NULL;
	tallies->by_name = grown;
	struct tally *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->kind = kind;
	snprintf(t->name, sizeof(t->name), "%s", name);
	memmove(grown + at + 1, grown + at, (tallies->n - at) * sizeof(*grown));
	grown[at] = t;
	tallies->n++;
	list_insert_tail(&tallies->all, &t->node);
	return t;
}

struct tally *
tally_get(struct tallies *tallies, enum tally_kind kind, const char *name)
{
	size_t at = count_before(tallies, kind, name);
	struct tally *t = find(tallies, at, kind, name);

	return t ? t : insert(tallies, at, kind, name);
}

bool
tally_merge(struct tallies *tallies, const struct tally *part)
{
	struct tally *t = tally_get(tallies, part->kind, part->name);

	if (!t)
		return false;
	t->now += part->now;
	t->total += part->total;
	t->bytes_in += part->bytes_in;
	t->bytes_out += part->bytes_out;
	for (size_t i = 0; i < TALLY_REASON_COUNT; i++)
		t->refused[i] += part->refused[i];
	t->moved += part->moved;
	return true;
}

void
tallies_init(struct tallies *tallies)
{
	*tallies = (struct tallies){.n = 0};
	list_init(&tallies->all);
}

void
tallies_fini(struct tallies *tallies)
{
	for (size_t i = 0; i < tallies->n; i++)
		free(tallies->by_name[i]);
	free(tallies->by_name);
	tallies_init(tallies);
}
