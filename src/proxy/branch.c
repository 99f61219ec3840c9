/* Knows on which workers a peer has branches and what they tell each other; knows nothing of what
   they do with links. */
#include "proxy/branch.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/session.h"
#include "proxy/worker.h"

bool
branches_init(struct peer *home)
{
	home->home = home;
	home->n_branches = home->owner->node->n_workers;
	home->branches = calloc(home->n_branches, sizeof(struct peer *));
	if (!home->branches)
		return false;
	if (uv_mutex_init(&home->lock) != 0) {
		free(home->branches);
		return false;
	}
	home->branches[home->owner->number] = home;
	return true;
}

void
branches_fini(struct peer *home)
{
	for (unsigned i = 0; i < home->n_branches; i++)
		if (home->branches[i] != home)
			peer_free(home->branches[i]);
	free(home->branches);
	uv_mutex_destroy(&home->lock);
}

/* ---- news ---- */

static void
on_restart(struct worker *w, struct post *post)
{
	(void)w;
	sessions_end_earlier(container_of(post, struct peer, restarted));
}

void
branches_restarted(struct peer *p)
{
	struct peer *home = p->home;

	uv_mutex_lock(&home->lock);
	for (unsigned i = 0; i < home->n_branches; i++) {
		struct peer *other = home->branches[i];
		if (!other || other == p)
			continue;
		other->restarted.fn = on_restart;
		worker_post(other->owner, &other->restarted);
	}
	uv_mutex_unlock(&home->lock);
}

bool
branch_is_earlier(struct peer *p, const uint8_t instance[HELLO_INSTANCE_SIZE])
{
	struct peer *home = p->home;

	uv_mutex_lock(&home->lock);
	bool other =
		home->has_instance && memcmp(home->instance, instance, HELLO_INSTANCE_SIZE) != 0;
	uv_mutex_unlock(&home->lock);
	return other;
}

/* On the home's thread. */
static void
on_error(struct worker *w, struct post *post)
{
	struct peer *p = container_of(post, struct peer, failed), *home = p->home;

	(void)w;
	uv_mutex_lock(&home->lock);
	memcpy(home->counts.error, p->counts.error, sizeof(p->counts.error));
	uv_mutex_unlock(&home->lock);
	home->counts.error_at = node_now();
}

void
branch_error(struct peer *p, const char *where, const char *what)
{
	uv_mutex_lock(&p->home->lock);
	snprintf(p->counts.error, sizeof(p->counts.error), "%s: %s", where, what);
	uv_mutex_unlock(&p->home->lock);
	p->failed.fn = on_error;
	worker_post(p->home->owner, &p->failed);
}

/* ---- which one ---- */

/* On the home's lock. NULL: out of memory. */
static struct peer *
branch_on(struct peer *home, struct worker *w)
{
	struct peer **place = &home->branches[w->number];

	if (!*place)
		*place = peer_branch(home, w);
	return *place;
}

void
branches_make(struct peer *home)
{
	struct node *n = home->owner->node;

	uv_mutex_lock(&home->lock);
	for (unsigned i = 0; i < home->n_branches; i++)
		branch_on(home, &n->workers[i]);
	uv_mutex_unlock(&home->lock);
}

/* Of two that have as many, the one with fewer connections of other kinds. */
static bool
has_less(struct worker *a, struct worker *b)
{
	unsigned own_a = atomic_load(&a->own), own_b = atomic_load(&b->own);

	if (own_a != own_b)
		return own_a < own_b;
	return atomic_load(&a->connections) < atomic_load(&b->connections);
}

struct peer *
branch_enter(struct peer *home, const struct worker *from)
{
	struct node *n = home->owner->node;
	struct worker *best = home->owner;

	for (unsigned i = 0; i < home->n_branches; i++)
		if (has_less(&n->workers[i], best))
			best = &n->workers[i];
	uv_mutex_lock(&home->lock);
	struct peer *p = branch_on(home, best);
	uv_mutex_unlock(&home->lock);
	return branch_enter_at(p ? p : home, from);
}

struct peer *
branch_enter_at(struct peer *p, const struct worker *from)
{
	if (p->owner == from) /* it does not wait for its post */
		peer_begin(p);
	atomic_fetch_add(&p->owner->own, 1);
	return p;
}

void
branch_leave(struct peer *p)
{
	atomic_fetch_sub(&p->owner->own, 1);
}
