/* Knows who has come how often and who is known; knows nothing of what they say. */
#include "proxy/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

const struct limits_config limits_default = {
	.places = 256,
	.reserved = 64,
	.source_places = 16,
	.source_rate = 20,
	.known_places = 64,
	.known_rate = 200,
	.known_for = 30ull * 86400 * NS_PER_S,
};

/* More sources than can have a place at once, so that an entry without one is always there to be
   used again. */
#define SOURCES_MAX 1024
#define KNOWN_MAX   1024

struct entry {
	struct source source;
	uint32_t places; /* that it has now */
	uint32_t count;  /* that came in the second that began at `since` */
	uint64_t since;
};

struct known {
	struct source source;
	uint64_t until; /* 0: free */
};

struct place {
	void *owner;
	struct entry *entry; /* NULL: free */
	bool known;
};

struct limits {
	struct limits_config config;
	struct random_source random;
	uint32_t used, used_unknown;
	struct entry entries[SOURCES_MAX];
	struct known known[KNOWN_MAX];
	struct place places[LIMITS_PLACES_MAX];
};

struct limits *
limits_new(const struct limits_config *config, const struct random_source *random)
{
	struct limits *l = calloc(1, sizeof(*l));
	if (l) {
		l->random = *random;
		limits_set(l, config);
	}
	return l;
}

void
limits_set(struct limits *l, const struct limits_config *config)
{
	l->config = *config;
	l->config.places = min_u32(config->places, LIMITS_PLACES_MAX);
}

void
limits_free(struct limits *l)
{
	free(l);
}

bool
limits_known(const struct limits *l, const struct source *source, uint64_t now)
{
	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (l->known[i].until > now && source_equal(&l->known[i].source, source))
			return true;
	return false;
}

void
limits_remember(struct limits *l, const struct source *source, uint64_t now, uint64_t ago)
{
	struct known *best = &l->known[0];

	if (source->size == 0 || ago >= l->config.known_for)
		return;
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		struct known *k = &l->known[i];
		if (k->until > 0 && source_equal(&k->source, source)) {
			best = k;
			break;
		}
		if (k->until < best->until)
			best = k; /* free, or the one that would be forgotten first */
	}
	uint64_t until = now + l->config.known_for - ago;
	if (!source_equal(&best->source, source) || best->until < until)
		best->until = until;
	best->source = *source;
}

/* The source's entry; a new one takes the place of the one without connections that came the
   longest ago. */
static struct entry *
find_entry(struct limits *l, const struct source *source)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct entry *e = &l->entries[i];
		if (source_equal(&e->source, source) && e->since > 0)
			return e;
		if (e->places == 0 && (!oldest || e->since < oldest->since))
			oldest = e;
	}
	if (oldest)
		*oldest = (struct entry){.source = *source};
	return oldest;
}

static uint32_t
random_below(struct limits *l, uint32_t n)
{
	uint8_t noise[4];
	random_fill(&l->random, noise, sizeof(noise));
	return get_u32(noise) % n;
}

/* A random connection of the source with the most; only of unknown sources if `unknown`. There is
   one. */
static uint32_t
choose_victim(struct limits *l, bool unknown)
{
	const struct entry *most = NULL;
	uint32_t candidates = 0, chosen = 0;

	for (uint32_t i = 0; i < LIMITS_PLACES_MAX; i++) {
		const struct place *p = &l->places[i];
		if (!p->entry || (unknown && p->known))
			continue;
		if (!most || p->entry->places > most->places)
			most = p->entry;
	}
	for (uint32_t i = 0; i < LIMITS_PLACES_MAX; i++) {
		const struct place *p = &l->places[i];
		if (p->entry && p->entry == most && !(unknown && p->known) &&
			random_below(l, ++candidates) == 0)
			chosen = i;
	}
	return chosen;
}

static uint32_t
take_place(struct limits *l, struct entry *entry, bool known)
{
	uint32_t i = 0;

	while (l->places[i].entry)
		i++;
	l->places[i] = (struct place){.entry = entry, .known = known};
	entry->places++;
	l->used++;
	l->used_unknown += !known;
	return i;
}

enum limits_verdict
limits_admit(struct limits *l, const struct source *source, uint64_t now, uint32_t *place,
	void **victim)
{
	const struct limits_config *c = &l->config;
	bool known = limits_known(l, source, now);
	struct entry *e = find_entry(l, source);

	*victim = NULL;
	if (!e)
		return LIMITS_SOURCE_PLACES;
	if (e->since == 0 || now - e->since >= NS_PER_S) {
		e->since = now;
		e->count = 0;
	}
	if (e->count >= (known ? c->known_rate : c->source_rate))
		return LIMITS_SOURCE_RATE;
	e->count++;
	if (e->places >= (known ? c->known_places : c->source_places))
		return LIMITS_SOURCE_PLACES;

	if (l->used > c->places) /* there were more, and they have not left yet */
		return LIMITS_RESERVED;
	uint32_t open_to_all = c->places - min_u32(c->reserved, c->places);
	if (!known && open_to_all == 0)
		return LIMITS_RESERVED;
	bool unknown_full = !known && l->used_unknown >= open_to_all;
	if (unknown_full || l->used >= c->places) {
		uint32_t out = choose_victim(l, unknown_full);
		*victim = l->places[out].owner;
		limits_leave(l, out);
	}
	*place = take_place(l, e, known);
	return LIMITS_OK;
}

void
limits_leave(struct limits *l, uint32_t place)
{
	struct place *p = &l->places[place];

	p->entry->places--;
	l->used--;
	l->used_unknown -= !p->known;
	p->entry = NULL;
}

void
limits_own(struct limits *l, uint32_t place, void *owner)
{
	l->places[place].owner = owner;
}

uint32_t
limits_used(const struct limits *l)
{
	return l->used;
}
