/* Knows how the picture of a node is kept; who takes it is collect.c. */
#include "proxy/status.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/tally.h"

void
status_init(struct status *s)
{
	memset(s, 0, sizeof(*s));
	list_init(&s->peers);
	list_init(&s->tallies);
}

void
status_fini(struct status *s)
{
	list_for_each_safe (it, &s->peers) {
		struct status_peer *p = container_of(it, struct status_peer, node);
		list_remove(it);
		free(p->links);
		free(p);
	}
	tallies_free(&s->tallies);
}

struct status_peer *
status_add_peer(struct status *s, const char *name, size_t n_links)
{
	struct status_peer *p = calloc(1, sizeof(*p));

	if (!p || !(p->links = calloc(n_links + 1, sizeof(*p->links)))) {
		free(p);
		return NULL;
	}
	snprintf(p->name, sizeof(p->name), "%s", name);
	list_insert_tail(&s->peers, &p->node);
	return p;
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
