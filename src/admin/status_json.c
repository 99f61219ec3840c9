/* Knows how the picture of a node is written as JSON. */
#include "admin/status_json.h"

#include <string.h>
#include <unistd.h>

#include <json.h>

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
	struct json_object *reached = json_object_new_object();
	for (unsigned i = 0; i < REACHED_COUNT; i++)
		if (s->reached[i] > 0)
			add_number(reached, reached_key(i), s->reached[i]);
	add(o, "limits_reached", reached);
	add_text(o, "log", s->log_level);
	add_number(o, "log_dropped", s->log_dropped);
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
peer_json(const struct status_peer *p)
{
	struct json_object *o = json_object_new_object(), *links = json_object_new_array();
	struct json_object *addresses = json_object_new_array();
	bool waits = p->state == STATUS_WAITING || p->state == STATUS_REJECTED;

	add_text(o, "name", p->name);
	add_text(o, "state", status_peer_state_name(p->state));
	add_flag(o, "configured", p->configured);
	for (size_t i = 0; i < p->n_addresses; i++)
		json_object_array_add(addresses, json_object_new_string(p->addresses[i]));
	add(o, "address", addresses);
	add_text(o, "error", p->error[0] ? p->error : NULL);
	if (p->error[0])
		add_number(o, "error_age_s", p->error_age / NS_PER_S);
	if (waits)
		add_number(o, "retry_in_ms", p->retry_in / NS_PER_MS);
	add_number(o, "waiting", p->waiting);
	add_number(o, "suspended", p->suspended);
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
route_json(const struct status *s, const struct config_route *r)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "name", r->name);
	add_endpoints(o, "listen", &r->listen);
	add_names(o, "peers", &r->peers);
	add_text(o, "service", r->service);
	add_tally(o, s, TALLY_ROUTE, r->name);
	return o;
}

static struct json_object *
service_json(const struct status *s, const struct config_service *service)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "name", service->name);
	add_endpoints(o, "connect", &service->connect);
	add_tally(o, s, TALLY_SERVICE, service->name);
	return o;
}

/* ---- all of it ---- */

static const char *const parts[] = {"node", "peers", "routes", "services", "unknown_services"};
enum part { PART_NODE, PART_PEERS, PART_ROUTES, PART_SERVICES, PART_UNKNOWN, PARTS };

static bool
is_array(unsigned part)
{
	return part == PART_PEERS || part == PART_ROUTES || part == PART_SERVICES;
}

/* The next object of the part; NULL: there is none. To be put. */
static struct json_object *
object(const struct status_json *j)
{
	const struct status *s = j->status;
	struct json_object *o;

	switch (j->part) {
	case PART_PEERS:
		return j->at < s->n_peers ? peer_json(s->peers[j->at]) : NULL;
	case PART_ROUTES:
		return j->at < s->config->n_routes ? route_json(s, &s->config->routes[j->at])
						   : NULL;
	case PART_SERVICES:
		return j->at < s->config->n_services ? service_json(s, &s->config->services[j->at])
						     : NULL;
	case PART_NODE:
		return j->at == 0 ? node_json(s, &s->config->node) : NULL;
	default:
		if (j->at > 0)
			return NULL;
		o = json_object_new_object();
		add_tally(o, s, TALLY_SERVICE, "");
		return o;
	}
}

void
status_json_init(struct status_json *j, const struct status *status)
{
	*j = (struct status_json){.status = status};
}

bool
status_json_more(struct status_json *j, struct text *out)
{
	const int form = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *o = object(j);
	size_t n = 0;

	if (j->at == 0)
		text_print(out, "%s\"%s\":%s", j->part == PART_NODE ? "{" : ",", parts[j->part],
			is_array(j->part) ? "[" : "");
	if (o) {
		const char *text = json_object_to_json_string_length(o, form, &n);
		text_print(out, "%s", j->at > 0 ? "," : "");
		text_add(out, text, text ? n : 0);
		out->failed = out->failed || !text;
		json_object_put(o);
		j->at++;
		return true;
	}
	text_print(out, "%s", is_array(j->part) ? "]" : "");
	j->at = 0;
	if (++j->part < PARTS)
		return true;
	text_add(out, "}", 1);
	return false;
}
