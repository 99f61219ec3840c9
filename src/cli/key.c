/* secureconn key: this node's keys and fingerprints, and the public half of one as a file. */
#include <json.h>

#include "cli/cli.h"

#define EXPORT_SIZE 4096

static int
export_key(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const char *algorithm)
{
	struct errmsg err;
	char text[EXPORT_SIZE], name[600];
	const struct asym_impl *asym = settings_find_asym(
		algorithm ? algorithm : config->node.asymmetric.at[0], true, &err);

	if (!asym)
		return cli_fail(cli, CLI_USAGE, "key export: %s", err.text);
	const struct key_pair *pair = keyring_own(ring, asym);
	if (!pair)
		return cli_fail(cli, CLI_FAILED,
			"this node has no %s key; name it at `asymmetric` in %s and run `%s init`",
			asym->algorithm->name, cli->config_path, cli_name(cli, name, sizeof(name)));
	if (key_file_export(text, sizeof(text), pair) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "the key is too long to be written");
	fputs(text, cli->out);
	return CLI_DONE;
}

static void
show_json(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	struct json_object *top = json_object_new_object(), *keys = json_object_new_array();
	char created[TIME_TEXT_SIZE];

	json_object_object_add(top, "node", json_object_new_string(config->node.name));
	json_object_object_add(top, "state", json_object_new_string(config->node.state));
	json_object_object_add(top, "keys", keys);
	for (size_t i = 0; asym_impls[i]; i++) {
		const struct key_pair *pair = keyring_own(ring, asym_impls[i]);
		if (!pair)
			continue;
		struct json_object *key = json_object_new_object();
		time_text(created, pair->created);
		json_object_object_add(
			key, "algorithm", json_object_new_string(pair->asym->algorithm->name));
		json_object_object_add(
			key, "fingerprint", json_object_new_string(pair->fingerprint));
		json_object_object_add(key, "created", json_object_new_string(created));
		json_object_array_add(keys, key);
	}
	fprintf(cli->out, "%s\n",
		json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

static void
show_text(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	char name[600], created[TIME_TEXT_SIZE];
	const struct name_list *wanted = &config->node.asymmetric;

	fprintf(cli->out, "Keys of this node (%s), in %s:\n\n", config->node.name,
		config->node.state);
	for (size_t i = 0; asym_impls[i]; i++) {
		const struct key_pair *pair = keyring_own(ring, asym_impls[i]);
		if (!pair)
			continue;
		time_text(created, pair->created);
		fprintf(cli->out, "  %-13s %s  since %.10s\n", pair->asym->algorithm->name,
			pair->fingerprint, created);
	}
	for (size_t i = 0; i < wanted->n; i++) {
		const struct asym_impl *asym = asym_find(wanted->at[i]);
		if (asym && !keyring_own(ring, asym))
			fprintf(cli->out, "  %-13s none yet; make it with: %s init\n",
				wanted->at[i], cli_name(cli, name, sizeof(name)));
	}
}

int
cmd_key(const struct cli *cli, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &json, "the same for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"key", "[export [ALGORITHM]]",
		"Shows the keys of this node with their fingerprints. With export, writes the "
		"public\n"
		"half of one (of the first at `asymmetric`, if no algorithm is named) to standard\n"
		"output, in the form that `secureconn trust PEER --key FILE` reads.\n",
		options, 0, 2};
	const char *args[2];
	struct config *config = NULL;
	struct keyring *ring = NULL;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	bool export = args[0] && strcmp(args[0], "export") == 0;
	if (args[0] && !export)
		return cli_fail(cli, CLI_USAGE, "key: there is no \"key %s\"; there is: key export",
			args[0]);
	status = cli_load(cli, &config, NULL);
	if (status == CLI_GO_ON)
		status = cli_open_ring(cli, config, &ring);
	if (status == CLI_GO_ON && export) {
		status = export_key(cli, config, ring, args[1]);
	} else if (status == CLI_GO_ON) {
		(json ? show_json : show_text)(cli, config, ring);
		status = CLI_DONE;
	}
	keyring_free(ring);
	config_free(config);
	return status;
}
