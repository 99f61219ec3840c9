/* Knows how a client passes from one thread to another and what it takes along; knows nothing of
   links. */
#include "proxy/client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/listen.h"
#include "proxy/local.h"
#include "proxy/workers.h"

/* On its way. */
struct parcel {
	struct post post;
	struct client client;
	struct peer *peer;
};

/* Counts it, and logs why, within bounds. */
static void
note_refused(const struct client *c, struct worker *w, enum tally_reason why, const char *reason)
{
	struct tally *tally = tally_get(&w->tallies, TALLY_ROUTE, c->route->config->name);
	char source[ADDRESS_TEXT_SIZE];

	if (tally) {
		tally->total++;
		tally->refused[why]++;
	}
	if (!flood_pass(&w->floods[FLOOD_ROUTE], node_now()))
		return;
	stream_address_text(source, &c->source);
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "connection_refused");
	log_str(&line, "route", c->route->config->name);
	log_str(&line, "service", c->route->config->service);
	log_str(&line, "peer", c->route->config->peers.at[0]);
	log_str(&line, "source", source[0] ? source : "unix");
	log_str(&line, "reason", reason);
	log_end(&line);
}

void
client_refuse(const struct client *c, struct worker *w, enum tally_reason why, const char *reason)
{
	note_refused(c, w, why, reason);
	accepted_reset(c->fd);
}

/* It counts among those of the peer, and goes to the worker of what this returns. */
static struct peer *
enter(const struct route *route, struct peer *peer, const struct worker *from)
{
	atomic_fetch_add(&peer->home->clients, 1);
	return route->config->own ? branch_enter(peer->home, from) : peer->home;
}

void
client_left(const struct route *route, struct peer *peer)
{
	atomic_fetch_sub(&peer->home->clients, 1);
	if (route->config->own)
		branch_leave(peer);
}

/* It counts, and is refused. */
static void
give_up(struct client *c, struct peer *peer, struct worker *w, enum tally_reason why,
	const char *reason)
{
	note_refused(c, w, why, reason);
	client_left(c->route, peer);
	route_left(c->route); /* which may be gone now */
	carry_fini(&c->carry);
	accepted_reset(c->fd);
}

/* On the peer's worker. */
static void
arrive(struct client *c, struct peer *peer)
{
	struct worker *w = peer->owner;
	struct local *l = local_new(w, peer);

	if (!l) {
		give_up(c, peer, w, TALLY_OTHER, "out of memory");
		return;
	}
	l->route = c->route;
	l->idle = c->route->config->idle;
	l->source = c->source;
	l->destination = c->destination;
	l->began = c->began;
	l->carry = c->carry;
	l->bytes_in = c->bytes_in;
	l->eof = c->eof;
	l->tried = c->tried;
	l->sock = sock_open(&w->loop, c->fd, c->is_unix, l);
	if (!local_tally(l, TALLY_ROUTE, c->route->config->name) || !l->sock) {
		local_finish(l, LOCAL_REFUSED, "out of memory", NULL);
		return;
	}
	route_begin(l);
}

static void
on_arrival(struct worker *w, struct post *post)
{
	struct parcel *p = container_of(post, struct parcel, post);

	if (workers_client_comes(w))
		arrive(&p->client, p->peer);
	else
		give_up(&p->client, p->peer, w, TALLY_STOPPING, "this node is stopping");
	free(p);
	workers_client_came(w);
}

/* It has entered there. */
static void
send_to(const struct client *c, struct peer *peer, struct worker *from)
{
	struct client client = *c;
	struct parcel *p;

	if (peer->owner == from) {
		arrive(&client, peer);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		give_up(&client, peer, from, TALLY_OTHER, "out of memory");
		return;
	}
	p->post.fn = on_arrival;
	p->client = client;
	p->peer = peer;
	workers_client_goes(from->node);
	worker_post(peer->owner, &p->post);
}

void
client_send(const struct client *c, struct peer *peer, struct worker *from)
{
	send_to(c, enter(c->route, peer, from), from);
}

void
client_move(struct local *l, struct peer *peer)
{
	struct worker *from = l->owner;
	struct peer *to = enter(l->route, peer, from);

	if (to->owner == from) {
		list_remove(&l->at);
		client_left(l->route, l->peer);
		l->peer = to;
		route_begin(l);
		return;
	}
	struct client c = {.route = l->route,
		.is_unix = l->sock->is_unix,
		.source = l->source,
		.destination = l->destination,
		.began = l->began,
		.carry = l->carry,
		.bytes_in = l->bytes_in,
		.eof = l->eof,
		.tried = l->tried};
	c.fd = sock_take(l->sock);
	l->sock = NULL;
	if (c.fd < 0) {
		client_left(l->route, to);
		local_finish(l, LOCAL_REFUSED, "out of descriptors", NULL);
		return;
	}
	l->carry = (struct carry){.data = NULL};
	client_left(l->route, l->peer);
	local_forget(l);
	send_to(&c, to, from);
}
