/* Knows how sections depend on each other; knows nothing of the text they were read from. */
#include "config/checks.h"

#include <stdio.h>
#include <string.h>

#include "config/nearest.h"
#include "config/read.h"
#include "config/value.h"

static enum sc_error
check_peer_name(const struct config *config, struct place at, const char *where, const char *name,
	struct errmsg *err)
{
	const char *near = NULL;

	if (config_peer_find(config, name))
		return SC_OK;
	for (size_t i = 0; i < config->n_peers; i++)
		nearest_consider(&near, name, config->peers[i].name);
	if (near)
		return place_error(err, SC_ERR_INVALID, at,
			"%s: there is no [peer %s]; did you mean \"%s\"?", where, name, near);
	return place_error(err, SC_ERR_INVALID, at, "%s: there is no [peer %s]; add that section",
		where, name);
}

static enum sc_error
check_local(const struct endpoint_list *list, const char *where, struct errmsg *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (!endpoint_is_local(&list->at[i]))
			return place_error(err, SC_ERR_INVALID,
				(struct place){list->file, list->line},
				"%s: %s is not on this host, and what goes there is not encrypted; "
				"use a loopback address, or add plaintext = allow to this section",
				where, list->at[i].text);
	return SC_OK;
}

static enum sc_error
check_listen_once(const struct endpoint_list *list, const struct endpoint_list *other,
	const char *where, const char *other_name, struct errmsg *err)
{
	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < other->n; k++)
			if (endpoint_same(&list->at[i], &other->at[k]))
				return place_error(err, SC_ERR_INVALID,
					(struct place){list->file, list->line},
					"%s: %s is taken by %s, %s:%u; choose another port", where,
					list->at[i].text, other_name, other->file, other->line);
	return SC_OK;
}

/* No route before it listens there. */
static enum sc_error
check_listen_first(const struct config *config, const struct config_route *route,
	const char *where, struct errmsg *err)
{
	enum sc_error error = SC_OK;
	char other[96];

	for (size_t i = 0; error == SC_OK && i < route->listen.n; i++) {
		const struct config_route *first = config_listener(config, &route->listen.at[i]);
		if (first == route)
			continue;
		snprintf(other, sizeof(other), "[route %s]", first->name);
		error = check_listen_once(&route->listen, &first->listen, where, other, err);
	}
	return error;
}

static enum sc_error
check_route_peers(const struct config *config, const struct name_list *peers, const char *where,
	struct errmsg *err)
{
	const struct place at = {peers->file, peers->line};
	enum sc_error error = SC_OK;

	if (peers->n > CONFIG_ROUTE_PEERS)
		return place_error(err, SC_ERR_INVALID, at, "%s: there are %zu; at most %d are "
			"possible", where, peers->n, CONFIG_ROUTE_PEERS);
	for (size_t i = 0; error == SC_OK && i < peers->n; i++) {
		if (strcmp(peers->at[i], "*") == 0)
			error = place_error(err, SC_ERR_INVALID, at,
				"%s: \"*\" is no peer; write the names of those that have the "
				"service",
				where);
		else
			error = check_peer_name(config, at, where, peers->at[i], err);
	}
	return error;
}

/* link = own: this node dials a link for each connection. */
static enum sc_error
check_route_own(
	const struct config *config, const struct config_route *route, struct errmsg *err)
{
	const struct place at = {route->peers.file, route->peers.line};

	for (size_t i = 0; route->own && i < route->peers.n; i++)
		if (config_peer_find(config, route->peers.at[i])->address.n == 0)
			return place_error(err, SC_ERR_INVALID, at,
				"[route %s] link: own means that this node dials, but [peer %s] "
				"has no address; give it one, or use link = shared",
				route->name, route->peers.at[i]);
	return SC_OK;
}

static enum sc_error
check_route(const struct config *config, const struct config_route *route, struct errmsg *err)
{
	char where[96];
	enum sc_error error;

	snprintf(where, sizeof(where), "[route %s] peer", route->name);
	if ((error = check_route_peers(config, &route->peers, where, err)) != SC_OK ||
		(error = check_route_own(config, route, err)) != SC_OK)
		return error;
	snprintf(where, sizeof(where), "[route %s] listen", route->name);
	if (!route->plaintext && (error = check_local(&route->listen, where, err)) != SC_OK)
		return error;
	error = check_listen_once(&route->listen, &config->node.listen, where, "[node]", err);
	if (error == SC_OK)
		error = check_listen_once(
			&route->listen, &config->node.metrics, where, "[node] metrics", err);
	return error == SC_OK ? check_listen_first(config, route, where, err) : error;
}

/* source = original: the target is to see a client's address, and some peer must be believed. */
static enum sc_error
check_original(
	const struct config *config, const struct config_service *service, struct errmsg *err)
{
	const struct endpoint_list *connect = &service->connect;
	const struct name_list *allow = &service->allow;

	for (size_t i = 0; i < connect->n; i++)
		if (connect->at[i].is_unix)
			return place_error(err, SC_ERR_INVALID,
				(struct place){connect->file, connect->line},
				"[service %s] connect: %s: a Unix socket has no addresses to show; "
				"connect to host:port, or use source = node and send_proxy",
				service->name, connect->at[i].text);
	for (size_t i = 0; i < config->n_peers; i++)
		if (config_service_allows(service, config->peers[i].name) &&
			config->peers[i].sources.n > 0)
			return SC_OK;
	return place_error(err, SC_ERR_INVALID, (struct place){allow->file, allow->line},
		"[service %s] source: original refuses clients whose addresses their peer may not "
		"claim, and no peer that this service allows may claim any; add sources = PREFIX "
		"to its section",
		service->name);
}

static enum sc_error
check_service(const struct config *config, const struct config_service *service, struct errmsg *err)
{
	const struct name_list *allow = &service->allow;
	const struct place at = {allow->file, allow->line};
	char where[288];
	enum sc_error error = SC_OK;

	snprintf(where, sizeof(where), "[service %s] connect", service->name);
	if (!service->plaintext && (error = check_local(&service->connect, where, err)) != SC_OK)
		return error;
	snprintf(where, sizeof(where), "[service %s] allow", service->name);
	for (size_t i = 0; error == SC_OK && i < allow->n; i++) {
		if (strcmp(allow->at[i], "*") != 0)
			error = check_peer_name(config, at, where, allow->at[i], err);
		else if (allow->n > 1)
			error = place_error(err, SC_ERR_INVALID, at,
				"%s: \"*\" is every verified peer; write it alone, or the names "
				"alone",
				where);
	}
	if (error == SC_OK && service->original)
		error = check_original(config, service, err);
	return error;
}

/* Figures are served in the clear, and to everybody who asks. */
static enum sc_error
check_metrics(const struct config_node *node, struct errmsg *err)
{
	const struct endpoint_list *list = &node->metrics;

	for (size_t i = 0; i < list->n; i++)
		if (!endpoint_is_local(&list->at[i]))
			return place_error(err, SC_ERR_INVALID,
				(struct place){list->file, list->line},
				"[node] metrics: %s is not on this host; use a loopback address (a "
				"[service] can lead the peer there that collects them)",
				list->at[i].text);
	return check_listen_once(list, &node->listen, "[node] metrics", "[node] listen", err);
}

enum sc_error
config_check(const struct config *config, struct errmsg *err)
{
	enum sc_error error = check_metrics(&config->node, err);
	for (size_t i = 0; error == SC_OK && i < config->n_routes; i++)
		error = check_route(config, &config->routes[i], err);
	for (size_t i = 0; error == SC_OK && i < config->n_services; i++)
		error = check_service(config, &config->services[i], err);
	return error;
}
