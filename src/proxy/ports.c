/* Knows which endpoint is for whom; how one is opened is listen_open.c's, what happens to those who
   connect route.c's and callers.c's. */
#include "proxy/ports.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "config/value.h"
#include "proxy/callers.h"
#include "proxy/node.h"
#include "proxy/route.h"
#include "proxy/worker.h"

static bool
names(const struct endpoint_list *list, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < list->n; i++)
		if (endpoint_same(&list->at[i], endpoint))
			return true;
	return false;
}

static bool
config_names(const struct config *config, const struct endpoint *endpoint)
{
	return names(&config->node.listen, endpoint) || config_listener(config, endpoint);
}

/* ---- what is open ---- */

static int
compare(const void *a, const void *b)
{
	const struct port_known *x = a, *y = b;

	return endpoint_order(&x->endpoint, &y->endpoint);
}

bool
ports_look(struct ports_known *known, const struct node *n)
{
	size_t count = 0;

	list_for_each (it, &n->ports)
		count++;
	known->n = 0;
	known->at = calloc(count + 1, sizeof(*known->at));
	if (!known->at)
		return false;
	list_for_each (it, &n->ports) {
		const struct listener *l = container_of(it, struct listener, node);
		struct port_known *k = &known->at[known->n];
		k->endpoint = l->endpoint;
		k->fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
		if (k->fd < 0)
			return false;
		known->n++;
	}
	qsort(known->at, known->n, sizeof(*known->at), compare);
	return true;
}

void
ports_forget(struct ports_known *known)
{
	for (size_t i = 0; i < known->n; i++)
		close(known->at[i].fd);
	free(known->at);
	*known = (struct ports_known){.at = NULL};
}

static bool
is_known(const struct ports_known *known, const struct endpoint *endpoint)
{
	const struct port_known key = {.endpoint = *endpoint};

	return known->n > 0 && bsearch(&key, known->at, known->n, sizeof(key), compare) != NULL;
}

/* ---- opening ---- */

/* Linux lets two sockets of one user have 127.0.0.1:80 and 0.0.0.0:80 if both allow it in the
   moment of binding. */
static void
allow_sharing(const struct ports_known *known, const struct config *config, bool allow)
{
	const int on = allow;
	for (size_t i = 0; i < known->n; i++)
		if (!config_names(config, &known->at[i].endpoint))
			setsockopt(known->at[i].fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

static enum sc_error
open_list(struct list *fresh, const struct endpoint_list *list, const struct ports_known *known,
	struct inherited *inherited, struct errmsg *err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (is_known(known, &list->at[i]))
			continue;
		enum sc_error error =
			listeners_open(fresh, &list->at[i], inherited, known->n > 0, err);
		if (error != SC_OK)
			return error;
	}
	return SC_OK;
}

enum sc_error
ports_open(struct list *fresh, const struct config *config, const struct ports_known *known,
	struct inherited *inherited, struct errmsg *err)
{
	const struct endpoint_list *list = &config->node.listen;
	const struct config_route *route = NULL;
	struct errmsg why;

	allow_sharing(known, config, true);
	enum sc_error error = open_list(fresh, list, known, inherited, &why);
	for (size_t i = 0; error == SC_OK && i < config->n_routes; i++) {
		route = &config->routes[i];
		list = &route->listen;
		error = open_list(fresh, list, known, inherited, &why);
	}
	allow_sharing(known, config, false);
	if (error == SC_OK)
		return SC_OK;
	listeners_close(fresh);
	return errmsg_set(err, error, "%s:%u: [%s%s] %s", list->file, list->line,
		route ? "route " : "node", route ? route->name : "", why.text);
}

/* ---- whose they are ---- */

static void
log_listening(const struct listener *l, const struct config_route *route)
{
	struct log_line line =
		log_begin(LOG_LEVEL_INFO, route ? "route_listening" : "peer_listening");
	if (route)
		log_str(&line, "route", route->name);
	log_str(&line, "address", l->text);
	if (route)
		log_str(&line, "peer", route->peers.at[0]);
	if (route && route->peers.n > 1)
		log_u64(&line, "peers", route->peers.n);
	log_end(&line);
}

/* The route that listens there, or NULL. */
static struct route *
route_of(const struct node *n, const struct endpoint *endpoint)
{
	const struct config_route *route = config_listener(n->config, endpoint);

	return route ? n->routes.at[route - n->config->routes] : NULL;
}

/* False: it is for nobody. news: say so in any case. */
static bool
give(struct node *n, struct listener *l, bool news)
{
	struct route *route = route_of(n, &l->endpoint);

	if (!route && !names(&n->config->node.listen, &l->endpoint))
		return false;
	if (route)
		listener_give(l, route_accept, route);
	else
		listener_give(l, callers_accept, n);
	const char *name = route ? route->config->name : "";
	if (news || strcmp(l->owner_name, name) != 0)
		log_listening(l, route ? route->config : NULL);
	snprintf(l->owner_name, sizeof(l->owner_name), "%s", name);
	return true;
}

static void
log_closed(const struct listener *l)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "port_closed");
	log_str(&line, "address", l->text);
	log_end(&line);
}

static void
start(struct node *n, struct listener *l)
{
	if (listener_start(l, &node_main(n)->loop, &n->floods[FLOOD_ACCEPT]))
		return;
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "listen_failed");
	log_str(&line, "address", l->text);
	log_str(&line, "error", "out of memory");
	log_end(&line);
	listener_close(l);
}

void
ports_settle(struct node *n, struct list *fresh)
{
	struct list *first;

	list_for_each_safe (it, &n->ports) {
		struct listener *l = container_of(it, struct listener, node);
		if (give(n, l, false))
			continue;
		log_closed(l);
		listener_close(l);
	}
	while ((first = list_first(fresh))) {
		struct listener *l = container_of(first, struct listener, node);
		list_remove(first);
		list_insert_tail(&n->ports, first);
		give(n, l, true);
		start(n, l);
	}
}

void
ports_close_routes(struct node *n)
{
	list_for_each_safe (it, &n->ports) {
		struct listener *l = container_of(it, struct listener, node);
		if (l->fn != callers_accept)
			listener_close(l);
	}
}

void
ports_close(struct node *n)
{
	listeners_close(&n->ports);
}
