/* Knows how the picture of a node is written as JSON. */
#include "admin/status_json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/json_text.h"
#include "base/util.h"
#include "proxy/tally.h"

static void
write_endpoints(struct json_text *o, const char *key, size_t size, const struct endpoint_list *list)
{
	json_open(o, key, size, '[');
	for (size_t i = 0; i < list->n; i++)
		json_string(o, JSON_NO_KEY, list->at[i].text);
	json_close(o, ']');
}

static void
write_names(struct json_text *o, const char *key, size_t size, const struct name_list *list)
{
	json_open(o, key, size, '[');
	for (size_t i = 0; i < list->n; i++)
		json_string(o, JSON_NO_KEY, list->at[i]);
	json_close(o, ']');
}

/* The key is a name for programs: there is nothing to escape. */
static void
write_count(struct json_text *o, const char *name, uint64_t value)
{
	char key[64];
	int n = snprintf(key, sizeof(key), "\"%s\":", name);

	json_number(o, key, min_size((size_t)n, sizeof(key) - 1), value);
}

/* ---- the node ---- */

static void
write_node(struct json_text *o, const struct status *s)
{
	static const char *const states[] = {"running", "draining", "stopping"};
	const struct config_node *node = &s->config->node;

	json_string(o, JSON_KEY("name"), node->name);
	json_string(o, JSON_KEY("version"), SC_VERSION);
	json_number(o, JSON_KEY("pid"), (uint64_t)getpid());
	json_string(o, JSON_KEY("state"), states[s->state]);
	json_number(o, JSON_KEY("age_s"), s->age / NS_PER_S);
	write_endpoints(o, JSON_KEY("listen"), &node->listen);
	json_number(o, JSON_KEY("workers"), s->workers);
	json_number(o, JSON_KEY("memory_bytes"), s->memory);
	json_number(o, JSON_KEY("unauthenticated"), s->unauthenticated);
	json_number(o, JSON_KEY("unauthenticated_max"), s->places);
	json_number(o, JSON_KEY("callers_refused"), s->callers_refused);
	json_number(o, JSON_KEY("handshakes_failed"), s->handshakes_failed);
	json_open(o, JSON_KEY("limits_reached"), '{');
	for (unsigned i = 0; i < REACHED_COUNT; i++)
		if (s->reached[i] > 0)
			write_count(o, reached_key(i), s->reached[i]);
	json_close(o, '}');
	json_string(o, JSON_KEY("log"), s->log_level);
	json_number(o, JSON_KEY("log_dropped"), s->log_dropped);
}

/* ---- peers ---- */

static void
write_link(struct json_text *o, const struct status_link *l)
{
	char name[4 * HELLO_NAME_SIZE];

	json_open(o, JSON_NO_KEY, '{');
	escape_text(name, sizeof(name), l->name, strlen(l->name));
	json_string(o, JSON_KEY("address"), l->address);
	json_flag(o, JSON_KEY("dialed"), l->dialed);
	json_string(o, JSON_KEY("name"), name);
	json_string(o, JSON_KEY("protocol"), l->protocol);
	json_string(o, JSON_KEY("asymmetric"), l->asymmetric);
	json_string(o, JSON_KEY("symmetric"), l->symmetric);
	json_string(o, JSON_KEY("implementation"), l->implementation);
	json_number(o, JSON_KEY("age_s"), l->age / NS_PER_S);
	json_number(o, JSON_KEY("keys_age_s"), l->keys_age / NS_PER_S);
	json_number(o, JSON_KEY("renewal_in_s"), l->renewal_in / NS_PER_S);
	json_number(o, JSON_KEY("renewals"), l->renewals);
	json_number(o, JSON_KEY("rtt_us"), l->rtt / 1000);
	json_number(o, JSON_KEY("streams"), l->streams);
	json_number(o, JSON_KEY("bytes_in"), l->bytes_in);
	json_number(o, JSON_KEY("bytes_out"), l->bytes_out);
	json_flag(o, JSON_KEY("goaway"), l->goaway);
	json_close(o, '}');
}

static void
write_peer(struct json_text *o, const struct status_peer *p)
{
	bool waits = p->state == STATUS_WAITING || p->state == STATUS_REJECTED;

	json_string(o, JSON_KEY("name"), p->name);
	json_string(o, JSON_KEY("state"), status_peer_state_name(p->state));
	json_flag(o, JSON_KEY("configured"), p->configured);
	json_open(o, JSON_KEY("address"), '[');
	for (size_t i = 0; i < p->n_addresses; i++)
		json_string(o, JSON_NO_KEY, p->addresses[i]);
	json_close(o, ']');
	json_string(o, JSON_KEY("error"), p->error[0] ? p->error : NULL);
	if (p->error[0])
		json_number(o, JSON_KEY("error_age_s"), p->error_age / NS_PER_S);
	if (waits)
		json_number(o, JSON_KEY("retry_in_ms"), p->retry_in / NS_PER_MS);
	json_number(o, JSON_KEY("waiting"), p->waiting);
	json_number(o, JSON_KEY("suspended"), p->suspended);
	json_open(o, JSON_KEY("links"), '[');
	for (size_t i = 0; i < p->n_links; i++)
		write_link(o, &p->links[i]);
	json_close(o, ']');
	json_number(o, JSON_KEY("links_total"), p->links_total);
	json_number(o, JSON_KEY("streams_total"), p->streams_total);
	json_number(o, JSON_KEY("renewals"), p->renewals);
	json_number(o, JSON_KEY("resumed"), p->resumed);
	json_number(o, JSON_KEY("bytes_in"), p->bytes_in);
	json_number(o, JSON_KEY("bytes_out"), p->bytes_out);
	json_number(o, JSON_KEY("rate_in"), p->rate_in);
	json_number(o, JSON_KEY("rate_out"), p->rate_out);
}

/* ---- routes and services ---- */

static void
write_tally(struct json_text *o, const struct status *s, enum tally_kind kind, const char *name)
{
	static const struct tally nothing;
	const struct tally *t = tally_find(&s->tallies, kind, name);

	if (!t)
		t = &nothing;
	json_number(o, JSON_KEY("connections"), t->now);
	json_number(o, JSON_KEY("total"), t->total);
	json_open(o, JSON_KEY("refused"), '{');
	for (unsigned i = 0; i < TALLY_REASON_COUNT; i++)
		if (t->refused[i] > 0)
			write_count(o, tally_reason_name(i), t->refused[i]);
	json_close(o, '}');
	if (kind == TALLY_ROUTE)
		json_number(o, JSON_KEY("moved"), t->moved);
	json_number(o, JSON_KEY("bytes_in"), t->bytes_in);
	json_number(o, JSON_KEY("bytes_out"), t->bytes_out);
}

static void
write_route(struct json_text *o, const struct status *s, const struct config_route *r)
{
	json_string(o, JSON_KEY("name"), r->name);
	write_endpoints(o, JSON_KEY("listen"), &r->listen);
	write_names(o, JSON_KEY("peers"), &r->peers);
	json_string(o, JSON_KEY("service"), r->service);
	write_tally(o, s, TALLY_ROUTE, r->name);
}

static void
write_service(struct json_text *o, const struct status *s, const struct config_service *service)
{
	json_string(o, JSON_KEY("name"), service->name);
	write_endpoints(o, JSON_KEY("connect"), &service->connect);
	write_tally(o, s, TALLY_SERVICE, service->name);
}

/* ---- all of it ---- */

static const char *const parts[] = {"node", "peers", "routes", "services", "unknown_services"};
enum part { PART_NODE, PART_PEERS, PART_ROUTES, PART_SERVICES, PART_UNKNOWN, PARTS };

static bool
is_array(unsigned part)
{
	return part == PART_PEERS || part == PART_ROUTES || part == PART_SERVICES;
}

/* How many objects there are in the part. */
static size_t
count(const struct status *s, unsigned part)
{
	switch (part) {
	case PART_PEERS:
		return s->n_peers;
	case PART_ROUTES:
		return s->config->n_routes;
	case PART_SERVICES:
		return s->config->n_services;
	default:
		return 1;
	}
}

static void
write_object(struct json_text *o, const struct status *s, unsigned part, size_t at)
{
	json_open(o, JSON_NO_KEY, '{');
	switch (part) {
	case PART_NODE:
		write_node(o, s);
		break;
	case PART_PEERS:
		write_peer(o, s->peers[at]);
		break;
	case PART_ROUTES:
		write_route(o, s, &s->config->routes[at]);
		break;
	case PART_SERVICES:
		write_service(o, s, &s->config->services[at]);
		break;
	default:
		write_tally(o, s, TALLY_SERVICE, "");
		break;
	}
	json_close(o, '}');
}

void
status_json_init(struct status_json *j, const struct status *status)
{
	*j = (struct status_json){.status = status};
}

bool
status_json_more(struct status_json *j, struct text *out)
{
	struct json_text o = {out, j->at > 0};

	if (j->at == 0)
		text_print(out, "%s\"%s\":%s", j->part == PART_NODE ? "{" : ",", parts[j->part],
			is_array(j->part) ? "[" : "");
	if (j->at < count(j->status, j->part)) {
		write_object(&o, j->status, j->part, j->at++);
		return true;
	}
	if (is_array(j->part))
		text_add(out, "]", 1);
	j->at = 0;
	if (++j->part < PARTS)
		return true;
	text_add(out, "}", 1);
	return false;
}
