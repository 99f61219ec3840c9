/* Knows where the facts of `status` stand in a node and its workers. */
#include "proxy/collect.h"

#include <stdio.h>
#include <unistd.h>

#include "proxy/session.h"
#include "proxy/peer.h"
#include "proxy/tally.h"

/* A time that is to come, from now. */
static uint64_t
until(uint64_t time, uint64_t now)
{
	return time > now ? time - now : 0;
}

/* ---- on each worker ---- */

static void
fill_link(struct status_link *out, const struct link *l, uint64_t now)
{
	struct conn_keys keys = conn_get_keys(l->conn);
	struct conn_info info;

	conn_get_info(l->conn, &info);
	memcpy(out->address, l->address, sizeof(out->address));
	memcpy(out->name, conn_peer_hello(l->conn)->name, sizeof(out->name));
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
	memcpy(out->error, c->error, sizeof(out->error));
	out->error_age = now - c->error_at;
}

/* False: out of memory. */
static bool
add_peer(struct status *s, const struct peer *p, uint64_t now)
{
	size_t n = 0;

	list_for_each (it, &p->links)
		n++;
	struct status_peer *out = status_add_peer(s, p->name, n);
	if (!out)
		return false;
	out->configured = p->config != NULL;
	out->state = state_of(p);
	out->retry_in = until(p->dialer.retry_at, now);
	list_for_each (it, &p->waiting)
		out->waiting++;
	fill_counts(out, &p->counts, now);
	list_for_each (it, &p->links)
		fill_link(&out->links[out->n_links++], container_of(it, struct link, up), now);
	return true;
}

struct part {
	struct status status;
	bool failed;
};

static void
on_ask(struct worker *w, void *arg, const char *text)
{
	struct part *part = arg;
	uint64_t now = node_now();

	(void)text;
	status_init(&part->status);
	list_for_each (it, &w->peers)
		if (!add_peer(&part->status, container_of(it, struct peer, at), now))
			part->failed = true;
	list_for_each (it, &w->tallies)
		if (!tally_merge(&part->status.tallies, container_of(it, struct tally, node)))
			part->failed = true;
}

/* ---- all of it together ---- */

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
	s->handshakes_failed = n->floods[FLOOD_HANDSHAKE].total;
	/* The ring is this thread's. */
	list_for_each (it, &s->peers) {
		struct status_peer *p = container_of(it, struct status_peer, node);
		if (p->state != STATUS_UP && !keyring_has_verified(shared_ring_own(&n->ring), p->name, NULL))
			p->state = STATUS_NO_KEY;
	}
}

/* False: out of memory. What the part holds is the whole's, or gone. */
static bool
take_part(struct status *whole, struct part *part)
{
	bool all = !part->failed;

	list_for_each_safe (it, &part->status.peers) {
		list_remove(it);
		list_insert_tail(&whole->peers, it);
	}
	list_for_each (it, &part->status.tallies)
		all = tally_merge(&whole->tallies, container_of(it, struct tally, node)) && all;
	status_fini(&part->status);
	return all;
}

static void
on_done(void *owner, void *parts, unsigned n)
{
	struct collector *c = owner;
	struct status whole;
	bool all = true;

	status_init(&whole);
	for (unsigned i = 0; i < n; i++)
		all = take_part(&whole, (struct part *)parts + i) && all;
	if (c) {
		fill_node(&whole, c->node);
		c->fn(c->owner, all ? &whole : NULL);
	}
	status_fini(&whole);
}

bool
collect_start(struct collector *c)
{
	static const struct round_question question = {sizeof(struct part), on_ask, on_done};

	return c->round || round_start(c->node, &question, "", c, &c->round);
}

void
collect_stop(struct collector *c)
{
	round_forget(c->round);
	c->round = NULL;
}
