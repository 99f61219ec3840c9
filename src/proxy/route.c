/* Knows how a client's connection waits for a link and becomes a stream; what happens on it then
   is local.c's. */
#include "proxy/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/ceiling.h"
#include "proxy/client.h"
#include "proxy/failover.h"
#include "proxy/handover.h"
#include "proxy/local.h"

/* The connections of all routes of one name. */
struct route_load {
	atomic_uint connections; /* more by the listener's thread, less by any */
	atomic_uint holders;     /* routes */
};

static void
load_drop(struct route_load *load)
{
	if (atomic_fetch_sub(&load->holders, 1) == 1)
		free(load);
}

static void
route_drop(struct route *r)
{
	if (atomic_fetch_sub(&r->holders, 1) > 1)
		return;
	load_drop(r->load);
	config_free(r->source);
	free(r);
}

/* The node's present route of that name, or NULL. */
static const struct route *
present(const struct node *n, const char *name)
{
	const struct config_route *section =
		n->routes.n > 0 ? config_route_find(n->config, name) : NULL;

	return section ? n->routes.at[section - n->config->routes] : NULL;
}

/* Goes on where the route before it was. */
static void
succeed(struct route *r, const struct route *before)
{
	bool same = before->n_peers == r->n_peers &&
		memcmp(before->peers, r->peers, r->n_peers * sizeof(r->peers[0])) == 0;

	r->load = before->load;
	atomic_fetch_add(&r->load->holders, 1);
	if (!same)
		return;
	atomic_store(&r->turn, atomic_load(&before->turn));
	atomic_store(&r->current, atomic_load(&before->current));
}

/* NULL: out of memory. */
static struct route *
route_new(struct node *n, const struct config *source, const struct config_route *config)
{
	const struct route *before = present(n, config->name);
	struct route *r = calloc(1, sizeof(*r));
	struct route_load *load = before ? NULL : calloc(1, sizeof(*load));

	if (!r || (!before && !load)) {
		free(r);
		free(load);
		return NULL;
	}
	r->owner = n;
	r->source = config_hold(source);
	r->config = config;
	atomic_init(&r->holders, 1);
	failover_init(r);
	for (size_t i = 0; config->own && i < r->n_peers; i++)
		branches_make(r->peers[i]);
	if (before) {
		succeed(r, before);
	} else {
		r->load = load;
		atomic_init(&load->holders, 1);
	}
	return r;
}

bool
routes_make(struct routes *routes, struct node *n, const struct config *config)
{
	*routes = (struct routes){calloc(config->n_routes + 1, sizeof(*routes->at)), 0};
	for (size_t i = 0; routes->at && i < config->n_routes; i++) {
		struct route *r = route_new(n, config, &config->routes[i]);
		if (!r) {
			routes_free(routes);
			return false;
		}
		routes->at[routes->n++] = r;
	}
	return routes->at != NULL;
}

void
routes_free(struct routes *routes)
{
	for (size_t i = 0; i < routes->n; i++)
		route_drop(routes->at[i]);
	free(routes->at);
	*routes = (struct routes){.at = NULL};
}

/* When it has waited long enough. */
static uint64_t
deadline(const struct local *l)
{
	return l->began + l->route->config->connect_timeout;
}

bool
route_open_on(struct local *l, struct link *link)
{
	const struct config_route *c = l->route->config;
	struct stream_request request = {.source = l->source, .destination = l->destination};

	request.service_size = (uint8_t)strlen(c->service);
	memcpy(request.service, c->service, request.service_size);
	struct stream *s = trunk_open(link->session->trunk, &request, l);
	if (!s)
		return false;
	list_remove(&l->at);
	alarm_set(l->alarm, deadline(l));
	local_attach(l, link->session, s);
	local_start(l);
	return true;
}

bool
route_open(struct local *l)
{
	if (l->route->config->own)
		return own_open(l);
	for (struct list *it = l->peer->links.prev; it != &l->peer->links; it = it->prev) {
		struct link *link = container_of(it, struct link, up);
		if (!link->goaway && route_open_on(l, link))
			return true;
	}
	return false;
}

static void
look_again(struct local *l)
{
	bool elsewhere = l->route->n_peers > 1 || handover_has_heir(l->owner->node);
	uint64_t next = elsewhere ? node_now() + FAILOVER_LOOK : UINT64_MAX;

	alarm_set(l->alarm, min_u64(deadline(l), next));
}

void
route_begin(struct local *l)
{
	bool own = l->route->config->own;

	alarm_set(l->alarm, deadline(l));
	if (route_open(l) || handover_client(l) || failover_look(l))
		return;
	look_again(l);
	list_insert_tail(own ? &l->peer->own.waiting : &l->peer->waiting, &l->at);
	local_wait(l);
	if (own)
		own_check(l->peer);
	else
		peer_want(l->peer);
}

void
route_look(struct local *l)
{
	char reason[256];

	if (node_now() < deadline(l)) {
		if (!handover_client(l) && !failover_look(l))
			look_again(l);
		return;
	}
	const char *error = l->peer->dialer.last_error;
	bool calls = !l->peer->config || l->peer->config->address.n == 0;
	if (calls)
		error = "it has not called, and there is no `address` to dial it at";
	snprintf(reason, sizeof(reason), "the peer is not connected: %s",
		error[0] ? error : "it does not answer");
	bool full = peer_link(l->peer) && !l->route->config->own;
	if (full)
		snprintf(reason, sizeof(reason), "the peer takes no more connections");
	l->why = full ? TALLY_LIMIT : TALLY_PEER_ABSENT;
	local_fail(l, LOCAL_REFUSED, CODE_CONNECT_TIMEOUT, NULL, reason);
}

/* Where the client wanted to go: the address that it connected to. */
static struct stream_address
own_address(int fd, bool is_unix)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (is_unix || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return (struct stream_address){0};
	return address_to_stream((struct sockaddr *)&address);
}

/* One more, if it may be. */
static void
take(struct route *r, struct client *c)
{
	struct worker *w = node_main(r->owner);
	const char *why = NULL;

	/* Only this thread makes it more. */
	if (w->state == WORKER_STOPPING)
		why = "this node is stopping";
	else if (atomic_load(&r->load->connections) >= r->config->max_connections)
		why = "the route has its max_connections";
	else if (ceiling_reached(w)) {
		w->reached[REACHED_CONNECTIONS]++;
		why = "the node has its `connections` of [limits]";
	}
	if (why) {
		bool stopping = w->state == WORKER_STOPPING;
		carry_fini(&c->carry);
		client_refuse(c, w, stopping ? TALLY_STOPPING : TALLY_LIMIT, why);
		return;
	}
	atomic_fetch_add(&r->load->connections, 1);
	atomic_fetch_add(&r->holders, 1);
	client_send(c, failover_choose(r), w);
}

bool
route_take(struct node *n, const char *name, struct client *c)
{
	for (size_t i = 0; i < n->routes.n; i++) {
		struct route *r = n->routes.at[i];
		if (strcmp(r->config->name, name) != 0)
			continue;
		c->route = r;
		take(r, c);
		return true;
	}
	return false;
}

void
route_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	struct route *r = owner;
	struct client c = {.route = r,
		.fd = fd,
		.is_unix = is_unix,
		.source = address_to_stream(address),
		.destination = own_address(fd, is_unix),
		.began = node_now()};

	take(r, &c);
}

void
route_left(struct route *r)
{
	atomic_fetch_sub(&r->load->connections, 1);
	route_drop(r);
}
