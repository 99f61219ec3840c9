/* Knows how the picture of a node is written as JSON. */
#include "admin/status_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "proxy/tally.h"

/* Keys are literals, each there once: nothing is copied or looked up. */
static void
add(struct json_object *o, const char *key, struct json_object *value)
{
	const unsigned literal = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;
	json_object_object_add_ex(o, key, value, literal);
}

static void
add_text(struct json_object *o, const char *key, const char *text)
{
	add(o, key, text ? json_object_new_string(text) : NULL);
}

static void
add_number(struct json_object *o, const char *key, uint64_t value)
{
	add(o, key, json_object_new_uint64(value));
}

static void
add_flag(struct json_object *o, const char *key, bool value)
{
	add(o, key, json_object_new_boolean(value));
}

static void
add_endpoints(struct json_object *o, const char *key, const struct endpoint_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(array, json_object_new_string(list->at[i].text));
	add(o, key, array);
}

static void
add_names(struct json_object *o, const char *key, const struct name_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(array, json_object_new_string(list->at[i]));
	add(o, key, array);
}

/* ---- the node ---- */

static struct json_object *
node_json(const struct status *s, const struct config_node *node)
{
	static const char *const states[] = {"running", "draining", "stopping"};
	struct json_object *o = json_object_new_object();

	add_text(o, "name", node->name);
	add_text(o, "version", SC_VERSION);
	add_number(o, "pid", (uint64_t)getpid());
	add_text(o, "state", states[s->state]);
	add_number(o, "age_s", s->age / NS_PER_S);
	add_endpoints(o, "listen", &node->listen);
	add_number(o, "workers", s->workers);
	add_number(o, "memory_bytes", s->memory);
	add_number(o, "unauthenticated", s->unauthenticated);
	add_number(o, "unauthenticated_max", s->places);
	add_number(o, "callers_refused", s->callers_refused);
	add_number(o, "handshakes_failed", s->handshakes_failed);
	return o;
}

/* ---- peers ---- */

static struct json_object *
link_json(const struct status_link *l)
{
	struct json_object *o = json_object_new_object();
	char name[4 * HELLO_NAME_SIZE];

	escape_text(name, sizeof(name), l->name, strlen(l->name));
	add_text(o, "address", l->address);
	add_flag(o, "dialed", l->dialed);
	add_text(o, "name", name);
	add_text(o, "protocol", l->protocol);
	add_text(o, "asymmetric", l->asymmetric);
	add_text(o, "symmetric", l->symmetric);
	add_text(o, "implementation", l->implementation);
	add_number(o, "age_s", l->age / NS_PER_S);
	add_number(o, "keys_age_s", l->keys_age / NS_PER_S);
	add_number(o, "renewal_in_s", l->renewal_in / NS_PER_S);
	add_number(o, "renewals", l->renewals);
	add_number(o, "rtt_us", l->rtt / 1000);
	add_number(o, "streams", l->streams);
	add_number(o, "bytes_in", l->bytes_in);
	add_number(o, "bytes_out", l->bytes_out);
	add_flag(o, "goaway", l->goaway);
	return o;
}

static struct json_object *
peer_json(const struct status_peer *p, const struct config_peer *section)
{
	static const struct endpoint_list none;
	struct json_object *o = json_object_new_object(), *links = json_object_new_array();
	bool waits = p->state == STATUS_WAITING || p->state == STATUS_REJECTED;

	add_text(o, "name", p->name);
	add_text(o, "state", status_peer_state_name(p->state));
	add_flag(o, "configured", section != NULL);
	add_endpoints(o, "address", section ? &section->address : &none);
	add_text(o, "error", p->error[0] ? p->error : NULL);
	if (p->error[0])
		add_number(o, "error_age_s", p->error_age / NS_PER_S);
	if (waits)
		add_number(o, "retry_in_ms", p->retry_in / NS_PER_MS);
	add_number(o, "waiting", p->waiting);
	for (size_t i = 0; i < p->n_links; i++)
		json_object_array_add(links, link_json(&p->links[i]));
	add(o, "links", links);
	add_number(o, "links_total", p->links_total);
	add_number(o, "streams_total", p->streams_total);
	add_number(o, "renewals", p->renewals);
	add_number(o, "resumed", p->resumed);
	add_number(o, "bytes_in", p->bytes_in);
	add_number(o, "bytes_out", p->bytes_out);
	add_number(o, "rate_in", p->rate_in);
	add_number(o, "rate_out", p->rate_out);
	return o;
}

/* ---- routes and services ---- */

static void
add_tally(struct json_object *o, const struct status *s, enum tally_kind kind, const char *name)
{
	static const struct tally nothing;
	const struct tally *t = &nothing;
	struct json_object *refused = json_object_new_object();

	list_for_each (it, &s->tallies) {
		const struct tally *other = container_of(it, struct tally, node);
		if (other->kind == kind && strcmp(other->name, name) == 0)
			t = other;
	}
	add_number(o, "connections", t->now);
	add_number(o, "total", t->total);
	for (unsigned i = 0; i < TALLY_REASON_COUNT; i++)
		if (t->refused[i] > 0)
			add_number(refused, tally_reason_name(i), t->refused[i]);
	add(o, "refused", refused);
	if (kind == TALLY_ROUTE)
		add_number(o, "moved", t->moved);
	add_number(o, "bytes_in", t->bytes_in);
	add_number(o, "bytes_out", t->bytes_out);
}

static struct json_object *
routes_json(const struct status *s, const struct config *config)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < config->n_routes; i++) {
		const struct config_route *r = &config->routes[i];
		struct json_object *o = json_object_new_object();
		add_text(o, "name", r->name);
		add_endpoints(o, "listen", &r->listen);
		add_names(o, "peers", &r->peers);
		add_text(o, "service", r->service);
		add_tally(o, s, TALLY_ROUTE, r->name);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *
services_json(const struct status *s, const struct config *config)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_service *service = &config->services[i];
		struct json_object *o = json_object_new_object();
		add_text(o, "name", service->name);
		add_endpoints(o, "connect", &service->connect);
		add_tally(o, s, TALLY_SERVICE, service->name);
		json_object_array_add(array, o);
	}
	return array;
}

/* ---- all of it ---- */

static int
by_name(const void *a, const void *b)
{
	const struct status_peer *const *p = a, *const *q = b;
	return strcmp((*p)->name, (*q)->name);
}

/* Those of the status, by name; NULL: out of memory. To be freed. */
static const struct status_peer **
sort_peers(const struct status *s, size_t *n)
{
	const struct status_peer **sorted;

	*n = 0;
	list_for_each (it, &s->peers)
		++*n;
	sorted = calloc(*n + 1, sizeof(*sorted));
	if (!sorted)
		return NULL;
	*n = 0;
	list_for_each (it, &s->peers)
		sorted[(*n)++] = container_of(it, struct status_peer, node);
	qsort(sorted, *n, sizeof(*sorted), by_name);
	return sorted;
}

/* Those of the configuration in its order, then the others. False: out of memory. */
static bool
add_peers(struct json_object *array, const struct status *s, const struct config *config)
{
	size_t n;
	const struct status_peer **sorted = sort_peers(s, &n);
	struct status_peer wanted;

	for (size_t i = 0; sorted && i < config->n_peers; i++) {
		const struct status_peer *key = &wanted, **found;
		snprintf(wanted.name, sizeof(wanted.name), "%s", config->peers[i].name);
		found = bsearch(&key, sorted, n, sizeof(*sorted), by_name);
		if (found)
			json_object_array_add(array, peer_json(*found, &config->peers[i]));
	}
	for (size_t i = 0; sorted && i < n; i++)
		if (!sorted[i]->configured)
			json_object_array_add(array, peer_json(sorted[i], NULL));
	free(sorted);
	return sorted != NULL;
}

struct json_object *
status_json(const struct status *s, const struct config *config)
{
	struct json_object *top = json_object_new_object(), *peers = json_object_new_array();
	struct json_object *unknown = json_object_new_object();

	add(top, "node", node_json(s, &config->node));
	add(top, "peers", peers);
	add(top, "routes", routes_json(s, config));
	add(top, "services", services_json(s, config));
	add_tally(unknown, s, TALLY_SERVICE, "");
	add(top, "unknown_services", unknown);
	if (add_peers(peers, s, config))
		return top;
	json_object_put(top);
	return NULL;
}
