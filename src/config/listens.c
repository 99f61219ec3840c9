/* Knows which route listens where; knows nothing of sockets. */
#include "config/listens.h"

#include <stdlib.h>

#include "config/value.h"

/* Of one endpoint, the first route's first. */
static int
compare(const void *a, const void *b)
{
	const struct config_listen *x = a, *y = b;
	int order = endpoint_order(x->at, y->at);

	return order ? order : (x->route > y->route) - (x->route < y->route);
}

bool
listens_index(struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_routes; i++)
		n += config->routes[i].listen.n;
	config->listens = calloc(n + 1, sizeof(*config->listens));
	if (!config->listens)
		return false;
	for (size_t i = 0; i < config->n_routes; i++) {
		const struct config_route *route = &config->routes[i];
		for (size_t k = 0; k < route->listen.n; k++)
			config->listens[config->n_listens++] =
				(struct config_listen){&route->listen.at[k], route};
	}
	qsort(config->listens, n, sizeof(*config->listens), compare);
	return true;
}

const struct config_route *
config_listener(const struct config *config, const struct endpoint *endpoint)
{
	size_t from = 0, to = config->n_listens;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (endpoint_order(config->listens[middle].at, endpoint) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	const struct config_listen *l = from < config->n_listens ? &config->listens[from] : NULL;
	return l && endpoint_order(l->at, endpoint) == 0 ? l->route : NULL;
}
