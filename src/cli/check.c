/* secureconn check: what the configuration means, before anything runs. */
#include <json.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "cli/user.h"
#include "config/value.h"

#define LABEL 21 /* columns of a label and the space around it */

static const char *const proxy_words[] = {
	[PROXY_OFF] = "off", [PROXY_V1] = "v1", [PROXY_V2] = "v2"};

static const char *
join_endpoints(struct names *n, const struct endpoint_list *list, const char *none)
{
	names_init(n);
	for (size_t i = 0; i < list->n; i++)
		names_add(n, list->at[i].text);
	return list->n ? names_text(n) : none;
}

static const char *
join_names(struct names *n, const struct name_list *list)
{
	names_init(n);
	for (size_t i = 0; i < list->n; i++)
		names_add(n, list->at[i]);
	return names_text(n);
}

static const char *
join_prefixes(struct names *n, const struct prefix_list *list)
{
	names_init(n);
	for (size_t i = 0; i < list->n; i++)
		names_add(n, list->at[i].text);
	return names_text(n);
}

static const char *
join_ciphers(struct names *n, const struct settings *s)
{
	char name[80];

	names_init(n);
	for (size_t i = 0; i < s->n_bulk; i++) {
		snprintf(name, sizeof(name), "%s (%s)", s->bulk[i]->algorithm->name,
			s->bulk[i]->name);
		names_add(n, name);
	}
	return names_text(n);
}

/* --- text --- */

static void
show_node(const struct cli *cli, const struct config *config, const struct settings *s)
{
	const struct config_node *node = &config->node;
	struct names list;

	cli_say(cli, LABEL, "\nNode %s\n", node->name);
	cli_say(cli, LABEL, "  peers reach it at  %s\n",
		join_endpoints(&list, &node->listen, "nothing: it only dials out"));
	cli_say(cli, LABEL, "  keys and peers in  %s\n", node->state);
	if (node->user[0])
		cli_say(cli, LABEL, "  becomes user       %s, if root starts it\n", node->user);
	cli_say(cli, LABEL, "  workers            %u\n", config_workers(config));
	cli_say(cli, LABEL, "  commands reach it  %s\n",
		node->control[0] ? node->control : "nowhere");
	if (node->metrics.n > 0)
		cli_say(cli, LABEL, "  metrics at         %s\n",
			join_endpoints(&list, &node->metrics, ""));
	cli_say(cli, LABEL, "  kinds of keys      %s\n", join_names(&list, &node->asymmetric));
	cli_say(cli, LABEL, "  ciphers            %s\n", join_ciphers(&list, s));
}

static void
show_peers(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	struct names list;

	for (size_t i = 0; i < config->n_peers; i++) {
		const struct config_peer *p = &config->peers[i];
		const char *key = !ring ? "its key cannot be seen"
			: keyring_has_verified(ring, p->name, NULL) ? "its key is verified"
								     : "no key is verified";
		cli_say(cli, LABEL, "\nPeer %s: %s\n", p->name, key);
		if (p->address.n == 0)
			cli_say(cli, LABEL, "  it dials us%s\n",
				config->node.listen.n == 0 ? ", which it cannot" : "");
		else
			cli_say(cli, LABEL, "  dialed at          %s, %s\n",
				join_endpoints(&list, &p->address, ""),
				p->on_demand ? "when a connection needs it" : "a link is kept up");
		if (p->sources.n > 0)
			cli_say(cli, LABEL, "  its clients        may come from %s\n",
				join_prefixes(&list, &p->sources));
	}
}

static void
show_routes(const struct cli *cli, const struct config *config)
{
	static const char *const where[] = {
		[ROUTE_FAILOVER] = "the first peer that is there of",
		[ROUTE_BALANCE] = "the peer with the fewest connections of"};
	struct names list;
	char wait[32], idle[32];

	for (size_t i = 0; i < config->n_routes; i++) {
		const struct config_route *r = &config->routes[i];
		time_format(wait, r->connect_timeout);
		time_format(idle, r->idle);
		cli_say(cli, LABEL, "\nRoute %s\n  what connects to   %s\n", r->name,
			join_endpoints(&list, &r->listen, ""));
		cli_say(cli, LABEL, "  reaches            service %s at %s %s\n", r->service,
			r->peers.n == 1 ? "peer" : where[r->policy], join_names(&list, &r->peers));
		if (r->own)
			cli_say(cli, LABEL,
				"  link               one for each connection, %u kept ready\n",
				r->spare);
		cli_say(cli, LABEL, "  limits             %u connections, %s to connect, idle %s\n",
			r->max_connections, wait, r->idle ? idle : "for ever");
	}
}

static void
show_services(const struct cli *cli, const struct config *config)
{
	struct names list;

	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_service *s = &config->services[i];
		bool all = s->allow.n == 1 && strcmp(s->allow.at[0], "*") == 0;
		cli_say(cli, LABEL, "\nService %s\n", s->name);
		cli_say(cli, LABEL, "  may be used by     %s\n",
			all ? "every verified peer" : join_names(&list, &s->allow));
		cli_say(cli, LABEL, "  leads to           %s\n",
			join_endpoints(&list, &s->connect, ""));
		if (s->send_proxy != PROXY_OFF)
			cli_say(cli, LABEL,
				"  says first         who the client is (PROXY protocol %s)\n",
				proxy_words[s->send_proxy]);
		if (s->original)
			cli_say(cli, LABEL,
				"  comes from         the client's own address; others are "
				"refused\n");
	}
}

static void
note_missing_keys(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const char *identity)
{
	const struct name_list *names = &config->node.asymmetric;
	char name[600];

	for (size_t i = 0; i < names->n; i++)
		if (!keyring_pair(ring, identity, asym_find(names->at[i]), PAIR_CURRENT))
			cli_say(cli, 0,
				"\nNote: there is no %s key%s%s yet; make it with: %s init\n",
				names->at[i], identity[0] ? " of the identity " : "", identity,
				cli_name(cli, name, sizeof(name)));
}

/* What does not stop the node from being understood, but from working. */
static void
show_notes(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const struct errmsg *ring_error)
{
	if (ring)
		note_missing_keys(cli, config, ring, "");
	else
		cli_say(cli, 0, "\nNote: %s\n", ring_error->text);
	for (size_t i = 0; ring && i < config->n_peers; i++) {
		const char *identity = config_identity_at(config, i);
		if (identity)
			note_missing_keys(cli, config, ring, identity);
	}
	for (size_t i = 0; i < config->n_peers; i++)
		if (config->peers[i].address.n == 0 && config->node.listen.n == 0)
			cli_say(cli, 0,
				"\n"
				"Note: neither side can dial: [peer %s] has no address, and [node] "
				"has no listen; %s:%u\n",
				config->peers[i].name, config->peers[i].file,
				config->peers[i].line);
	if (config->n_routes == 0 && config->n_services == 0)
		cli_say(cli, 0,
			"\n"
			"Note: there is no [route NAME] and no [service NAME]: nothing will be "
			"carried\n");
}

/* --- JSON --- */

static struct json_object *
json_endpoints(const struct endpoint_list *list)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(array, json_object_new_string(list->at[i].text));
	return array;
}

static struct json_object *
json_names(const struct name_list *list)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(array, json_object_new_string(list->at[i]));
	return array;
}

static struct json_object *
json_prefixes(const struct prefix_list *list)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(array, json_object_new_string(list->at[i].text));
	return array;
}

static struct json_object *
json_node(const struct config *config, const struct settings *s)
{
	const struct config_node *node = &config->node;
	struct json_object *o = json_object_new_object(), *ciphers = json_object_new_array();

	json_object_object_add(o, "name", json_object_new_string(node->name));
	json_object_object_add(o, "listen", json_endpoints(&node->listen));
	json_object_object_add(o, "state", json_object_new_string(node->state));
	json_object_object_add(o, "user", json_object_new_string(node->user));
	json_object_object_add(o, "workers", json_object_new_int((int)config_workers(config)));
	json_object_object_add(o, "control", json_object_new_string(node->control));
	json_object_object_add(o, "metrics", json_endpoints(&node->metrics));
	json_object_object_add(o, "asymmetric", json_names(&node->asymmetric));
	json_object_object_add(o, "symmetric", ciphers);
	for (size_t i = 0; i < s->n_bulk; i++) {
		struct json_object *cipher = json_object_new_object();
		json_object_object_add(
			cipher, "name", json_object_new_string(s->bulk[i]->algorithm->name));
		json_object_object_add(
			cipher, "implementation", json_object_new_string(s->bulk[i]->name));
		json_object_array_add(ciphers, cipher);
	}
	return o;
}

static struct json_object *
json_peers(const struct config *config, const struct keyring *ring)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < config->n_peers; i++) {
		const struct config_peer *p = &config->peers[i];
		struct json_object *o = json_object_new_object();
		struct json_object *verified = ring
			? json_object_new_boolean(keyring_has_verified(ring, p->name, NULL)) : NULL;
		json_object_object_add(o, "name", json_object_new_string(p->name));
		json_object_object_add(o, "address", json_endpoints(&p->address));
		json_object_object_add(
			o, "connect", json_object_new_string(p->on_demand ? "demand" : "always"));
		json_object_object_add(o, "verified", verified);
		json_object_object_add(o, "sources", json_prefixes(&p->sources));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *
json_routes(const struct config *config)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < config->n_routes; i++) {
		const struct config_route *r = &config->routes[i];
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "name", json_object_new_string(r->name));
		json_object_object_add(o, "listen", json_endpoints(&r->listen));
		json_object_object_add(o, "peers", json_names(&r->peers));
		json_object_object_add(o, "policy",
			json_object_new_string(
				r->policy == ROUTE_BALANCE ? "balance" : "failover"));
		json_object_object_add(o, "service", json_object_new_string(r->service));
		json_object_object_add(
			o, "link", json_object_new_string(r->own ? "own" : "shared"));
		json_object_object_add(
			o, "max_connections", json_object_new_int64(r->max_connections));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *
json_services(const struct config *config)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_service *s = &config->services[i];
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "name", json_object_new_string(s->name));
		json_object_object_add(o, "connect", json_endpoints(&s->connect));
		json_object_object_add(o, "allow", json_names(&s->allow));
		json_object_object_add(
			o, "send_proxy", json_object_new_string(proxy_words[s->send_proxy]));
		json_object_object_add(
			o, "source", json_object_new_string(s->original ? "original" : "node"));
		json_object_array_add(array, o);
	}
	return array;
}

static void
show_json(FILE *out, const struct config *config, const struct settings *s,
	const struct keyring *ring)
{
	struct json_object *top = json_object_new_object();

	json_object_object_add(top, "node", json_node(config, s));
	json_object_object_add(top, "peers", json_peers(config, ring));
	json_object_object_add(top, "routes", json_routes(config));
	json_object_object_add(top, "services", json_services(config));
	fprintf(out, "%s\n", json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

int
cmd_check(const struct cli *cli, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &json, "the same for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"check", "",
		"Reads the configuration and shows what each route and service would do. Starts\n"
		"nothing. If something is wrong, says where, and what would be right, and ends\n"
		"with status 2.\n",
		options, 0, 0};
	const char *args[1];
	struct config *config = NULL;
	struct keyring *ring = NULL;
	struct settings settings;
	struct errmsg err = {""};
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status == CLI_GO_ON)
		status = cli_load(cli, &config, &settings);
	if (status == CLI_GO_ON)
		status = user_switch(cli, config); /* as the node will see it */
	if (status != CLI_GO_ON) {
		config_free(config);
		return status;
	}
	cli_ring_advice(cli, keyring_open(&ring, config->node.state, NULL, NULL, &err), &err);
	if (json) {
		show_json(cli->out, config, &settings, ring);
	} else {
		cli_say(cli, 0, "%s: nothing is wrong with it.\n", cli->config_path);
		show_node(cli, config, &settings);
		show_peers(cli, config, ring);
		show_routes(cli, config);
		show_services(cli, config);
		show_notes(cli, config, ring, &err);
	}
	keyring_free(ring);
	config_free(config);
	return CLI_DONE;
}
