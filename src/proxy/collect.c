/* Knows where the facts of `status` stand in a node and its workers. */
#include "proxy/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_writer.h"
#include "proxy/branch.h"
#include "proxy/session.h"
#include "proxy/tally.h"

#define AT_ONCE 16 /* peers, before the time is looked at */

/* A time that is to come, from now. */
static uint64_t
until(uint64_t time, uint64_t now)
{
	return time > now ? time - now : 0;
}

/* ---- on each worker ---- */

/* What one worker has. */
struct part {
	struct arena memory;
	struct list peers;   /* struct status_peer */
	struct list tallies; /* struct tally */
	size_t n_peers;
	uint64_t reached[REACHED_COUNT], handshakes_failed;
	bool begun, failed;
	/* those looked at last: peers and tallies stay on their lists as long as the worker
	   turns */
	const struct list *peer, *tally;
};

/* False: out of memory. */
static bool
fill_link(struct arena *memory, struct status_link *out, const struct link *l, uint64_t now)
{
	struct conn_keys keys = conn_get_keys(l->conn);
	struct conn_info info;

	conn_get_info(l->conn, &info);
	out->address = arena_text(memory, l->address);
	out->name = arena_text(memory, conn_peer_hello(l->conn)->name);
	out->dialed = l->dialed;
	out->goaway = l->goaway;
	out->protocol = info.protocol;
	out->asymmetric = info.asym->algorithm->name;
	out->symmetric = info.bulk->algorithm->name;
	out->implementation = info.bulk->name;
	out->age = now - l->since;
	out->keys_age = now - keys.since;
	out->renewal_in = until(keys.next, now);
	out->renewals = keys.renewals;
	out->rtt = trunk_rtt(l->session->trunk);
	out->streams = trunk_streams(l->session->trunk);
	out->bytes_in = l->bytes_in;
	out->bytes_out = l->bytes_out;
	return out->address && out->name;
}

static enum status_peer_state
state_of(const struct peer *p)
{
	const struct dialer *d = &p->dialer;

	if (!list_empty(&p->links))
		return STATUS_UP;
	if (!p->config || p->config->address.n == 0)
		return STATUS_ABSENT;
	if (d->last == SC_ERR_KEY_REJECTED)
		return STATUS_REJECTED;
	if (d->connector || d->link)
		return STATUS_CONNECTING;
	return d->waiting ? STATUS_WAITING : STATUS_IDLE;
}

static void
fill_counts(struct status_peer *out, const struct peer_counts *c, uint64_t now)
{
	out->links_total = c->links;
	out->streams_total = c->streams;
	out->renewals = c->renewals;
	out->resumed = c->resumed;
	out->bytes_in = c->bytes_in;
	out->bytes_out = c->bytes_out;
	out->rate_in = c->rate_in;
	out->rate_out = c->rate_out;
	out->error_age = now - c->error_at;
}

/* NULL: out of memory. */
static struct status_peer *
look_at(struct arena *memory, const struct peer *p, uint64_t now)
{
	size_t n_links = 0, n_addresses = p->config ? p->config->address.n : 0;

	list_for_each (it, &p->links)
		n_links++;
	struct status_peer *out = status_peer_new(memory, p->name, n_links, n_addresses);
	bool ok = out != NULL;
	for (size_t i = 0; ok && i < n_addresses; i++) {
		out->addresses[i] = arena_text(memory, p->config->address.at[i].text);
		ok = out->addresses[out->n_addresses++] != NULL;
	}
	for (const struct list *it = p->links.next; ok && it != &p->links; it = it->next)
		ok = fill_link(memory, &out->links[out->n_links++],
			container_of(it, struct link, up), now);
	ok = ok && (out->error = arena_text(memory, p->counts.error));
	if (!ok)
		return NULL;
	out->configured = p->config != NULL;
	out->state = state_of(p);
	out->retry_in = until(p->dialer.retry_at, now);
	list_for_each (it, &p->waiting)
		out->waiting++;
	out->suspended = atomic_load(&p->suspended);
	fill_counts(out, &p->counts, now);
	return out;
}

/* The next one of a worker's list; false: there is none. */
static bool
next(const struct list **at, const struct list *head)
{
	bool more = (*at)->next != head;

	if (more)
		*at = (*at)->next;
	return more;
}

static void
add_peer(struct part *part, const struct peer *p, uint64_t now)
{
	if (peer_is_branch(p))
		return;
	struct status_peer *out = look_at(&part->memory, p, now);

	part->failed = !out;
	if (!out)
		return;
	list_insert_tail(&part->peers, &out->node);
	part->n_peers++;
}

static void
add_tally(struct part *part, const struct tally *t)
{
	struct tally *copy = arena_take(&part->memory, sizeof(*copy));

	part->failed = !copy;
	if (!copy)
		return;
	*copy = *t;
	list_insert_tail(&part->tallies, &copy->node);
}

static void
begin(struct part *part, const struct worker *w)
{
	arena_init(&part->memory);
	list_init(&part->peers);
	list_init(&part->tallies);
	part->peer = &w->peers;
	part->tally = &w->tallies.all;
	memcpy(part->reached, w->reached, sizeof(part->reached));
	part->handshakes_failed = w->floods[FLOOD_HANDSHAKE].total;
	part->begun = true;
}

/* Some peers and tallies. */
static bool
on_ask(struct worker *w, void *arg, const char *text)
{
	struct part *part = arg;
	const uint64_t now = node_now();

	(void)text;
	if (!part->begun && w->news)
		return true; /* what was reloaded is shown whole: it is in its slices, too */
	if (!part->begun)
		begin(part, w);
	for (unsigned i = 0; i < AT_ONCE && !part->failed; i++) {
		if (next(&part->peer, &w->peers))
			add_peer(part, container_of(part->peer, struct peer, at), now);
		else if (next(&part->tally, &w->tallies.all))
			add_tally(part, container_of(part->tally, struct tally, node));
		else
			return false;
	}
	return !part->failed;
}

/* ---- all of it together ---- */

/* On the first worker, in slices. */
struct gathering {
	struct slice slice;
	struct collector *owner;
	struct list peers, tallies; /* of all workers, not yet in the picture */
	struct status_sorter sorter;
	struct status *status;
};

static void
gathering_free(struct gathering *g)
{
	if (!g)
		return;
	slice_stop(&g->slice);
	status_free(g->status);
	free(g);
}

/* Resident bytes of the process, 0 if the system does not tell. */
static uint64_t
memory_used(void)
{
	unsigned long long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
fill_node(struct status *s, const struct node *n)
{
	static const enum status_node_state states[] = {[WORKER_RUNNING] = STATUS_RUNNING,
		[WORKER_DRAINING] = STATUS_DRAINING,
		[WORKER_STOPPING] = STATUS_STOPPING};

	s->state = states[n->workers[0].state];
	s->age = node_now() - n->since;
	s->memory = memory_used();
	s->workers = n->n_workers;
	s->unauthenticated = limits_used(n->limits);
	s->places = n->config->limits.unauthenticated;
	s->callers_refused = n->floods[FLOOD_REFUSED].total;
	s->log_level = log_level_name(log_get_level());
	s->log_dropped = log_writer_dropped();
}

static void
give(struct collector *c, struct status *status)
{
	gathering_free(c->gathering);
	c->gathering = NULL;
	c->fn(c->owner, status);
}

static void
place_peer(struct gathering *g, struct status_peer *p)
{
	const struct node *n = g->owner->node;

	list_remove(&p->node);
	/* The ring is this thread's. */
	if (p->state != STATUS_UP &&
		!keyring_has_verified(shared_ring_own(&n->ring), p->name, NULL))
		p->state = STATUS_NO_KEY;
	status_sorter_add(&g->sorter, p);
}

/* Some peers, or a tally. */
static bool
on_slice(struct slice *slice)
{
	struct gathering *g = container_of(slice, struct gathering, slice);
	struct list *first;
	bool ok = true;

	if (!list_empty(&g->peers)) {
		for (unsigned i = 0; i < AT_ONCE && (first = list_first(&g->peers)); i++)
			place_peer(g, container_of(first, struct status_peer, node));
	} else if ((first = list_first(&g->tallies))) {
		list_remove(first);
		ok = tally_merge(&g->status->tallies, container_of(first, struct tally, node));
	} else {
		struct status *status = g->status;
		g->status = NULL;
		status_sorter_end(&g->sorter);
		fill_node(status, g->owner->node);
		give(g->owner, status);
		return false;
	}
	if (!ok)
		give(g->owner, NULL);
	return ok;
}

/* Takes over what the parts hold. NULL: out of memory, and nothing is taken. */
static struct gathering *
gather(struct collector *c, struct part *parts, unsigned n)
{
	struct gathering *g = calloc(1, sizeof(*g));
	size_t n_peers = 0;
	bool ok = g != NULL;

	if (!g)
		return NULL;
	slice_init(&g->slice, on_slice);
	g->owner = c;
	g->status = status_new(c->node->config);
	for (unsigned i = 0; i < n; i++) {
		ok = ok && !parts[i].failed;
		n_peers += parts[i].n_peers;
	}
	if (!ok || !g->status || !status_sorter_init(&g->sorter, g->status, n_peers)) {
		gathering_free(g);
		return NULL;
	}
	list_init(&g->peers);
	list_init(&g->tallies);
	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < REACHED_COUNT; k++)
			g->status->reached[k] += parts[i].reached[k];
		g->status->handshakes_failed += parts[i].handshakes_failed;
		arena_join(&g->status->memory_of, &parts[i].memory);
		list_take(&g->peers, &parts[i].peers);
		list_take(&g->tallies, &parts[i].tallies);
	}
	return g;
}

static void
on_done(void *owner, void *parts, unsigned n)
{
	struct collector *c = owner;

	if (c)
		c->gathering = gather(c, parts, n);
	for (unsigned i = 0; i < n; i++)
		arena_fini(&((struct part *)parts)[i].memory);
	if (c && c->gathering)
		slice_start(&node_main(c->node)->slices, &c->gathering->slice);
	else if (c)
		give(c, NULL);
}

bool
collect_start(struct collector *c)
{
	static const struct round_question question = {sizeof(struct part), on_ask, on_done};

	return round_start(c->node, &question, "", c, &c->round);
}

void
collect_stop(struct collector *c)
{
	round_forget(c->round);
	c->round = NULL;
	gathering_free(c->gathering);
	c->gathering = NULL;
}
