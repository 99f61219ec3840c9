/* secureconn doctor: goes the way of a connection step by step, and says what is wrong with it. */
#include "cli/doctor.h"

#include <string.h>

#include "cli/client.h"
#include "cli/user.h"

/* Files of the state folder that cannot be used. */
static void
on_problem(void *arg, const char *text)
{
	struct doctor *d = arg;

	report_say(d->report, REPORT_FAIL, "state folder", "%s", text);
	d->damaged = true;
	d->damaged_key = d->damaged_key || strstr(text, "/keys/");
}

/* What the running node says of itself, or NULL. To be put. */
static struct json_object *
picture_of_node(const struct config *config)
{
	const struct request request = {.kind = REQUEST_STATUS};
	struct json_object *answer = client_question(config, &request), *picture = NULL;

	if (answer && json_object_object_get_ex(answer, "status", &picture))
		json_object_get(picture);
	json_object_put(answer);
	return picture;
}

/* The peers of the picture by their names, or NULL. To be put. */
static struct json_object *
peers_by_name(struct json_object *picture)
{
	struct json_object *peers, *name, *by_name = json_object_new_object();

	if (!by_name || !json_object_object_get_ex(picture, "peers", &peers) ||
		!json_object_is_type(peers, json_type_array))
		return by_name;
	for (size_t i = 0; i < json_object_array_length(peers); i++) {
		struct json_object *peer = json_object_array_get_idx(peers, i);
		if (json_object_object_get_ex(peer, "name", &name) &&
			json_object_is_type(name, json_type_string))
			json_object_object_add(by_name, json_object_get_string(name),
				json_object_get(peer));
	}
	return by_name;
}

static void
examine(struct doctor *d, const struct config_peer *only)
{
	d->picture = picture_of_node(d->config);
	d->peers = peers_by_name(d->picture);
	doctor_node(d);
	for (size_t i = 0; i < d->config->n_peers; i++)
		if (!only || only == &d->config->peers[i])
			doctor_peer(d, &d->config->peers[i]);
	json_object_put(d->peers);
	json_object_put(d->picture);
}

/* False after saying what is wrong. */
static bool
open_ring(struct doctor *d)
{
	struct errmsg err;

	enum sc_error error =
		keyring_open(&d->ring, d->config->node.state, on_problem, d, &err);
	if (error == SC_OK)
		return true;
	cli_ring_advice(d->report->cli, error, &err);
	report_say(d->report, REPORT_FAIL, "state folder", "%s", err.text);
	return false;
}

int
cmd_doctor(const struct cli *cli, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &json, "the same for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"doctor", "[PEER]",
		"Examines this node, and the way to PEER (or to every peer) step by step: name,\n"
		"TCP, protocol, algorithms, keys, session keys, and each service that a route\n"
		"leads to, where it opens a connection to the target and closes it at once.\n"
		"Says what is wrong at the first step that fails, and what mends it. Needs no\n"
		"running node.\n",
		options, 0, 1};
	const char *args[1];
	char program[600];
	struct settings settings;
	struct config *config = NULL;
	struct report report;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status == CLI_GO_ON)
		status = cli_load(cli, &config, &settings);
	if (status == CLI_GO_ON)
		status = user_switch(cli, config);
	if (status != CLI_GO_ON) {
		config_free(config);
		return status;
	}
	const struct config_peer *peer = args[0] ? cli_find_peer(cli, config, args[0]) : NULL;
	if (args[0] && !peer) {
		config_free(config);
		return CLI_FAILED;
	}
	report_init(&report, cli, json);
	report_part(&report, "This node,", config->node.name);
	report_say(&report, REPORT_OK, "configuration", "%s", config->files[0]);
	struct doctor d = {.report = &report, .config = config, .settings = &settings,
		.program = cli_name(cli, program, sizeof(program))};
	if (open_ring(&d))
		examine(&d, peer);
	status = report_end(&report);
	keyring_free(d.ring);
	config_free(config);
	return status;
}
