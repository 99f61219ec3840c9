/* Knows how the picture of a node is kept, and the order of the peers in it; who takes it is
   collect.c. */
#include "proxy/status.h"

#include <stdlib.h>

#include "proxy/tally.h"

struct status *
status_new(const struct config *config)
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = config_hold(config);
	tallies_init(&s->tallies);
	arena_init(&s->memory_of);
	return s;
}

void
status_free(struct status *s)
{
	if (!s)
		return;
	free(s->peers);
	tallies_fini(&s->tallies);
	arena_fini(&s->memory_of);
	config_free(s->config);
	free(s);
}

struct status_peer *
status_peer_new(struct arena *memory, const char *name, size_t n_links, size_t n_addresses)
{
	struct status_peer *p = arena_take(memory, sizeof(*p));

	if (!p)
		return NULL;
	p->name = arena_text(memory, name);
	p->links = arena_take(memory, n_links * sizeof(*p->links));
	p->addresses = arena_take(memory, n_addresses * sizeof(*p->addresses));
	p->error = "";
	return p->name && p->links && p->addresses ? p : NULL;
}

/* ---- the order ---- */

bool
status_sorter_init(struct status_sorter *sorter, struct status *status, size_t so_many)
{
	/* a place for each section first, behind them the others, in their order from the first */
	size_t n = status->config->n_peers;

	*sorter = (struct status_sorter){.status = status, .room = n + so_many};
	status->n_peers = n;
	status->peers = calloc(sorter->room + 1, sizeof(struct status_peer *));
	return status->peers != NULL;
}

/* How many of the others have names before this one. */
static size_t
count_before(struct status_peer *const *others, size_t n, const char *name)
{
	size_t from = 0;

	while (from < n) {
		size_t middle = from + (n - from) / 2;
		if (strcmp(others[middle]->name, name) < 0)
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

void
status_sorter_add(struct status_sorter *sorter, struct status_peer *p)
{
	struct status *s = sorter->status;
	const struct config_peer *section =
		config_peer_walk(s->config, &sorter->walk, p->name);

	if (section) {
		s->peers[section - s->config->peers] = p;
		return;
	}
	struct status_peer **others = s->peers + s->config->n_peers;
	size_t at = count_before(others, sorter->n_others, p->name);
	memmove(others + at + 1, others + at, (sorter->n_others++ - at) * sizeof(*others));
	others[at] = p;
}

void
status_sorter_end(struct status_sorter *sorter)
{
	struct status *s = sorter->status;

	/* A section whose peer was made after its worker was looked at leaves a hole. */
	s->n_peers = 0;
	for (size_t i = 0; i < s->config->n_peers + sorter->n_others; i++)
		if (s->peers[i])
			s->peers[s->n_peers++] = s->peers[i];
}

const char *
status_peer_state_name(enum status_peer_state state)
{
	static const char *const names[] = {
#define X(symbol, name) [symbol] = name,
		STATUS_PEER_STATES(X)
#undef X
	};
	return names[state];
}
