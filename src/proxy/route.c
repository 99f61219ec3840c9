/* Knows how a client's connection waits for a link and becomes a stream; what happens on it then
   is local.c's. */
#include "proxy/route.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "proxy/client.h"
#include "proxy/failover.h"
#include "proxy/listen.h"
#include "proxy/local.h"

bool
routes_open(struct node *n, struct inherited *inherited, struct errmsg *err)
{
	const struct config *c = n->config;

	n->routes = calloc(c->n_routes + 1, sizeof(*n->routes));
	if (!n->routes) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	for (size_t i = 0; i < c->n_routes; i++) {
		struct route *r = &n->routes[i];
		r->owner = n;
		r->config = &c->routes[i];
		failover_init(r);
		list_init(&r->listeners);
	}
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct endpoint_list *listen = &c->routes[i].listen;
		for (size_t k = 0; k < listen->n; k++)
			if (listeners_open(&n->routes[i].listeners, &listen->at[k], inherited,
				    err) != SC_OK)
				return false;
	}
	return true;
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
	struct stream *s = trunk_open(link->trunk, &request, l);
	if (!s)
		return false;
	list_remove(&l->at);
	alarm_set(l->alarm, deadline(l));
	local_attach(l, link, s);
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
	uint64_t next = l->route->n_peers > 1 ? node_now() + FAILOVER_LOOK : UINT64_MAX;
	alarm_set(l->alarm, min_u64(deadline(l), next));
}

void
route_begin(struct local *l)
{
	bool own = l->route->config->own;

	alarm_set(l->alarm, deadline(l));
	if (route_open(l) || failover_look(l))
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
		if (!failover_look(l))
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

static void
on_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	struct route *r = owner;
	struct worker *w = node_main(r->owner);
	const struct client c = {.route = r,
		.fd = fd,
		.is_unix = is_unix,
		.source = address_to_stream(address),
		.destination = own_address(fd, is_unix),
		.began = node_now()};

	/* Only this thread makes it more. */
	if (atomic_load(&r->connections) >= r->config->max_connections) {
		client_refuse(&c, w, TALLY_LIMIT, "the route has its max_connections");
		return;
	}
	atomic_fetch_add(&r->connections, 1);
	client_send(&c, failover_choose(r), w);
}

void
routes_start(struct node *n)
{
	for (size_t i = 0; i < n->config->n_routes; i++) {
		struct route *r = &n->routes[i];
		list_for_each (it, &r->listeners) {
			struct listener *listener = container_of(it, struct listener, node);
			struct log_line line = log_begin(LOG_LEVEL_INFO, "route_listening");
			log_str(&line, "route", r->config->name);
			log_str(&line, "address", listener->text);
			log_str(&line, "peer", r->config->peers.at[0]);
			if (r->n_peers > 1)
				log_u64(&line, "peers", r->n_peers);
			log_end(&line);
			listener_give(listener, on_accept, r);
			listener_start(listener, &node_main(n)->loop, &n->floods[FLOOD_ACCEPT]);
		}
	}
}

void
routes_stop(struct node *n)
{
	for (size_t i = 0; n->routes && i < n->config->n_routes; i++)
		listeners_close(&n->routes[i].listeners);
}

void
routes_free(struct node *n)
{
	free(n->routes);
}

void
route_left(struct route *r)
{
	atomic_fetch_sub(&r->connections, 1);
}
