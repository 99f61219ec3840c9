/* Knows how a loaded configuration is looked up and freed. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/processors.h"
#include "config/index.h"
#include "config/value.h"

#define WORKERS_AUTO_MAX 4

static void
clear_section(void *base, enum section_id section)
{
	for (const struct option *o = config_options; o->key; o++)
		if (o->section == section)
			value_clear(base, o);
}

const struct config *
config_hold(const struct config *config)
{
	struct config *c = (struct config *)config;
	atomic_fetch_add(&c->owners, 1);
	return config;
}

void
config_free(const struct config *given)
{
	struct config *config = (struct config *)given;

	if (!config || atomic_fetch_sub(&config->owners, 1) > 1)
		return;
	for (size_t s = 0; s < SECTION_COUNT; s++) {
		size_t n;
		char *base = (char *)config_sections(config, (enum section_id)s, &n);
		for (size_t i = 0; i < n; i++)
			clear_section(base + i * section_forms[s].size, (enum section_id)s);
	}
	index_free(config);
	for (size_t i = 0; i < config->n_files; i++)
		free(config->files[i]);
	free(config->peers);
	free(config->routes);
	free(config->services);
	free(config->listens);
	free(config->files);
	free(config);
}

const void *
config_sections(const struct config *config, enum section_id section, size_t *n)
{
	*n = 1;
	switch (section) {
	case SECTION_PEER:
		*n = config->n_peers;
		return config->peers;
	case SECTION_ROUTE:
		*n = config->n_routes;
		return config->routes;
	case SECTION_SERVICE:
		*n = config->n_services;
		return config->services;
	case SECTION_LIMITS:
		return &config->limits;
	default:
		return &config->node;
	}
}

unsigned
config_workers(const struct config *config)
{
	unsigned n = config->node.workers;

	if (n > 0)
		return n;
	n = processors_available();
	return n < WORKERS_AUTO_MAX ? n : WORKERS_AUTO_MAX;
}

const struct config_peer *
config_peer_find(const struct config *config, const char *name)
{
	return config_find(config, SECTION_PEER, name);
}

const char *
config_identity_at(const struct config *config, size_t i)
{
	const char *identity = config->peers[i].identity;

	if (identity[0] == '\0')
		return NULL;
	for (size_t k = 0; k < i; k++)
		if (strcmp(config->peers[k].identity, identity) == 0)
			return NULL;
	return identity;
}

const struct config_peer *
config_peer_walk(const struct config *config, struct config_walk *walk, const char *name)
{
	size_t guess = walk->last + walk->stride;

	if (guess < config->n_peers && strcmp(config->peers[guess].name, name) == 0) {
		walk->last = guess;
		return &config->peers[guess];
	}
	const struct config_peer *section = config_peer_find(config, name);
	if (section) {
		size_t at = (size_t)(section - config->peers);
		walk->stride = at - walk->last; /* backwards too: it wraps */
		walk->last = at;
	}
	return section;
}

const struct config_route *
config_route_find(const struct config *config, const char *name)
{
	return config_find(config, SECTION_ROUTE, name);
}

const struct config_service *
config_service_find(const struct config *config, const char *name, size_t n)
{
	char text[sizeof(((struct config_service *)0)->name)];

	if (n >= sizeof(text) || memchr(name, '\0', n))
		return NULL;
	memcpy(text, name, n);
	text[n] = '\0';
	return config_find(config, SECTION_SERVICE, text);
}

bool
config_service_allows(const struct config_service *service, const char *peer)
{
	for (size_t i = 0; i < service->allow.n; i++)
		if (strcmp(service->allow.at[i], "*") == 0 ||
			strcmp(service->allow.at[i], peer) == 0)
			return true;
	return false;
}
