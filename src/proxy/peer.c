/* Knows which links a peer has and who waits for one; dialing is dial.c's. */
#include "proxy/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/branch.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/route.h"
#include "proxy/session.h"
#include "proxy/workers.h"

/* So long a lost link, or a first one, is waited for before a route takes its next peer. */
#define COMING_FOR (1 * NS_PER_S)
/* The same for one that is dialed when it is needed, */
#define DEMAND_FOR (3 * NS_PER_S)
/* and when it could not be reached it is not tried again before. */
#define DEMAND_AGAIN (30 * NS_PER_S)

static bool
on_demand(const struct peer *p)
{
	return p->config && p->config->address.n > 0 && p->config->on_demand;
}

void
peer_begin(struct peer *p)
{
	if (p->begun)
		return;
	p->begun = true;
	if (peer_is_branch(p))
		p->config = config_peer_find(p->owner->config, p->name);
	list_insert_tail(&p->owner->peers, &p->at);
	own_begin(p);
	dial_begin(p);
}

static void
begin(struct worker *w, struct post *post)
{
	(void)w;
	peer_begin(container_of(post, struct peer, begin));
}

/* A key of it was just verified. */
static void
verified(struct worker *w, struct post *post)
{
	(void)w;
	dial_now(container_of(post, struct peer, verified));
}

/* How many have names before this one. */
static size_t
count_before(const struct node *n, const char *name)
{
	size_t from = 0, to = n->n_peers;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (strcmp(n->peers[middle]->name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* False: out of memory. */
static bool
insert(struct node *n, struct peer *p, size_t at)
{
	struct peer **grown = reallocarray(n->peers, n->n_peers + 1, sizeof(*grown));

	if (!grown)
		return false;
	n->peers = grown;
	memmove(grown + at + 1, grown + at, (n->n_peers - at) * sizeof(*grown));
	grown[at] = p;
	n->n_peers++;
	return true;
}

void
peer_free(struct peer *p)
{
	if (p && !p->begun) {
		dial_fini(p);
		own_fini(p);
	}
	free(p);
}

/* With all the memory that it needs to begin: there nobody could be told that there is none. */
static struct peer *
peer_alloc(const char *name, struct worker *owner)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->owner = owner;
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->begin.fn = begin;
	p->verified.fn = verified;
	list_init(&p->links);
	list_init(&p->waiting);
	list_init(&p->sessions);
	list_init(&p->ended);
	bool ok = dial_init(p);
	if (own_init(p) && ok)
		return p;
	peer_free(p);
	return NULL;
}

struct peer *
peer_branch(struct peer *home, struct worker *w)
{
	struct peer *p = peer_alloc(home->name, w);

	if (!p)
		return NULL;
	p->home = home;
	worker_post(w, &p->begin);
	return p;
}

/* One that is not there yet; at: its place. */
static struct peer *
peer_new(struct node *n, const char *name, size_t at)
{
	struct peer *p = peer_alloc(name, workers_choose(n));

	if (!p || !branches_init(p)) {
		peer_free(p);
		return NULL;
	}
	if (!insert(n, p, at)) {
		branches_fini(p);
		peer_free(p);
		return NULL;
	}
	p->config = config_peer_find(n->config, name);
	atomic_init(&p->coming_until, node_now() + COMING_FOR);
	atomic_init(&p->ready_at, on_demand(p) ? 0 : UINT64_MAX);
	if (p->owner->threaded)
		worker_post(p->owner, &p->begin);
	else
		peer_begin(p);
	return p;
}

void
peer_verified(struct peer *p)
{
	if (p->owner->threaded)
		worker_post(p->owner, &p->verified);
	else
		dial_now(p);
}

bool
peers_init(struct node *n)
{
	for (size_t i = 0; i < n->config->n_peers; i++)
		if (!peer_find(n, n->config->peers[i].name, true))
			return false;
	return true;
}

void
peers_free(struct node *n)
{
	for (size_t i = 0; i < n->n_peers; i++) {
		branches_fini(n->peers[i]);
		peer_free(n->peers[i]);
	}
	free(n->peers);
	n->peers = NULL;
	n->n_peers = 0;
}

struct peer *
peer_find(struct node *n, const char *name, bool create)
{
	size_t at = count_before(n, name);

	if (at < n->n_peers && strcmp(n->peers[at]->name, name) == 0)
		return n->peers[at];
	return create ? peer_new(n, name, at) : NULL;
}

struct link *
peer_link(const struct peer *p)
{
	for (struct list *it = p->links.prev; it != &p->links; it = it->prev) {
		struct link *l = container_of(it, struct link, up);
		if (!l->goaway)
			return l;
	}
	return NULL;
}

enum standing
peer_standing(const struct peer *p, uint64_t now)
{
	if (atomic_load(&p->up))
		return STANDING_UP;
	bool coming = now < atomic_load(&p->coming_until) || now >= atomic_load(&p->ready_at);
	return coming ? STANDING_COMING : STANDING_AWAY;
}

void
peer_look(struct peer *p)
{
	bool up = peer_link(p) != NULL;

	if (!up && atomic_load(&p->up))
		atomic_store(&p->coming_until, node_now() + COMING_FOR);
	atomic_store(&p->ready_at, on_demand(p) ? 0 : UINT64_MAX);
	atomic_store(&p->up, up);
}

void
peer_dialing(struct peer *p)
{
	uint64_t now = node_now();

	if (!on_demand(p) || now < atomic_load(&p->ready_at))
		return;
	atomic_store(&p->coming_until, now + DEMAND_FOR);
	atomic_store(&p->ready_at, now + DEMAND_AGAIN);
}

void
peer_away(struct peer *p)
{
	atomic_store(&p->coming_until, 0);
	atomic_store(&p->ready_at, on_demand(p) ? node_now() + DEMAND_AGAIN : UINT64_MAX);
}

void
peer_error(struct peer *p, const char *where, const char *what)
{
	if (peer_is_branch(p)) {
		branch_error(p, where, what);
		return;
	}
	snprintf(p->counts.error, sizeof(p->counts.error), "%s: %s", where, what);
	p->counts.error_at = node_now();
}

void
peer_measure(struct peer *p, uint64_t now)
{
	struct peer_counts *c = &p->counts;
	uint64_t ms = (now - c->measured) / NS_PER_MS;

	if (ms == 0)
		return;
	c->rate_in = (c->bytes_in - c->measured_in) * 1000 / ms;
	c->rate_out = (c->bytes_out - c->measured_out) * 1000 / ms;
	c->measured = now;
	c->measured_in = c->bytes_in;
	c->measured_out = c->bytes_out;
}

/* Takes what a connection of that birth has said for the present process, unless a younger one
   knows better: false then. */
static bool
take_instance(struct peer *home, const struct hello *hello, uint64_t birth, bool *changed)
{
	uv_mutex_lock(&home->lock);
	*changed = home->has_instance &&
		memcmp(hello->instance, home->instance, sizeof(home->instance)) != 0;
	bool stale = *changed && birth < home->instance_birth;
	if (!stale) {
		home->has_instance = true;
		memcpy(home->instance, hello->instance, sizeof(home->instance));
		home->instance_birth = max_u64(birth, home->instance_birth);
	}
	uv_mutex_unlock(&home->lock);
	return !stale;
}

bool
peer_hello(struct peer *p, struct link *l)
{
	const struct hello *hello = conn_peer_hello(l->conn);
	bool changed;

	if (!hello->has_instance)
		return true;
	if (!take_instance(p->home, hello, l->birth, &changed))
		return false;
	if (changed) {
		branches_restarted(p);
		sessions_end_earlier(p);
	}
	return true;
}

void
peer_serve(struct peer *p)
{
	struct list *first;

	while ((first = list_first(&p->waiting)))
		if (!route_open(container_of(first, struct local, at)))
			return;
}

void
peer_want(struct peer *p)
{
	dial_check(p);
}
