/* secureconn key: this node's keys and fingerprints, and the public half of one as a file. */
#include <json.h>

#include "cli/cli.h"
#include "cli/rotate.h"

#define EXPORT_SIZE 4096

static int
export_key(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const char *algorithm, const char *identity)
{
	struct errmsg err;
	char text[EXPORT_SIZE], name[600];
	const struct asym_impl *asym = settings_find_asym(
		algorithm ? algorithm : config->node.asymmetric.at[0], true, &err);

	if (!asym)
		return cli_fail(cli, CLI_USAGE, "key export: %s", err.text);
	const struct key_pair *pair = keyring_pair(ring, identity, asym, PAIR_CURRENT);
	if (!pair && identity[0])
		return cli_fail(cli, CLI_FAILED,
			"there is no %s key of identity \"%s\"; see: %s key", asym->algorithm->name,
			identity, cli_name(cli, name, sizeof(name)));
	if (!pair)
		return cli_fail(cli, CLI_FAILED,
			"this node has no %s key; name it at `asymmetric` in %s and run `%s init`",
			asym->algorithm->name, cli->config_path, cli_name(cli, name, sizeof(name)));
	if (key_file_export(text, sizeof(text), pair) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "the key is too long to be written");
	fputs(text, cli->out);
	return CLI_DONE;
}

static const char *
role_text(enum pair_role role)
{
	static const char *const texts[] = {"in use", "new", "former", "retired"};
	return texts[role];
}

static void
show_json(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	struct json_object *top = json_object_new_object(), *keys = json_object_new_array();
	char created[TIME_TEXT_SIZE];

	json_object_object_add(top, "node", json_object_new_string(config->node.name));
	json_object_object_add(top, "state", json_object_new_string(config->node.state));
	json_object_object_add(top, "keys", keys);
	const struct key_pair *pair;
	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++) {
		struct json_object *key = json_object_new_object();
		time_text(created, pair->created);
		json_object_object_add(
			key, "algorithm", json_object_new_string(pair->asym->algorithm->name));
		json_object_object_add(
			key, "fingerprint", json_object_new_string(pair->fingerprint));
		json_object_object_add(key, "created", json_object_new_string(created));
		json_object_object_add(key, "state", json_object_new_string(role_text(pair->role)));
		json_object_object_add(key, "identity",
			pair->identity[0] ? json_object_new_string(pair->identity) : NULL);
		json_object_array_add(keys, key);
	}
	fprintf(cli->out, "%s\n",
		json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

static const char *
role_since(enum pair_role role)
{
	static const char *const texts[] = {
		"since", "new, not in use:", "former, in use from", "retired"};
	return texts[role];
}

static void
show_text(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	char name[600], created[TIME_TEXT_SIZE];
	const struct name_list *wanted = &config->node.asymmetric;

	cli_say(cli, 0, "Keys of this node (%s), in %s:\n\n", config->node.name,
		config->node.state);
	const struct key_pair *pair;
	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++) {
		time_text(created, pair->created);
		cli_say(cli, 16, "  %-13s %s  %s %.10s%s%s\n", pair->asym->algorithm->name,
			pair->fingerprint, role_since(pair->role), created,
			pair->identity[0] ? ", identity " : "", pair->identity);
	}
	for (size_t i = 0; i < wanted->n; i++) {
		const struct asym_impl *asym = asym_find(wanted->at[i]);
		if (asym && !keyring_own(ring, asym))
			cli_say(cli, 16, "  %-13s none yet; make it with: %s init\n", wanted->at[i],
				cli_name(cli, name, sizeof(name)));
	}
}

/* word may be NULL. */
static bool
is(const char *word, const char *verb)
{
	return word && strcmp(word, verb) == 0;
}

static int
wrong(const struct cli *cli, const char *what)
{
	return cli_fail(cli, CLI_USAGE, "key: %s; see: secureconn key --help", what);
}

/* Which words and options go together. CLI_GO_ON, or CLI_USAGE after saying which do not. */
static int
check_wish(const struct cli *cli, const char *const args[2], const struct rotate_wish *wish)
{
	bool export = is(args[0], "export"), rotate = is(args[0], "rotate");

	if (args[0] && !export && !rotate)
		return cli_fail(cli, CLI_USAGE,
			"key: there is no \"key %s\"; there are: key export, key rotate", args[0]);
	if (rotate && args[1])
		return wrong(cli, "rotate takes only options");
	if (!rotate && (wish->algorithm || wish->status || wish->finish || wish->now))
		return wrong(cli, "that option belongs to `key rotate`");
	if (!args[0] && wish->identity[0])
		return wrong(cli, "--identity belongs to `key export` and `key rotate`; `key` "
				  "shows the keys of all");
	if (wish->status + wish->finish + wish->now > 1)
		return cli_fail(cli, CLI_USAGE,
			"key rotate: only one of --status, --finish and --now; see: secureconn key "
			"--help");
	if (wish->status && (wish->algorithm || wish->identity[0]))
		return wrong(cli, "rotate --status shows all keys: it takes no --asymmetric and no "
				  "--identity");
	if (wish->json && (export || (rotate && !wish->status)))
		return cli_fail(cli, CLI_USAGE,
			"key %s: there is no --json of it; `key` and `key rotate --status` have "
			"one",
			args[0]);
	return CLI_GO_ON;
}

int
cmd_key(const struct cli *cli, int argc, char **argv)
{
	struct rotate_wish wish = {.identity = ""};
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &wish.json, "the same for programs"},
		{"--identity", "I", &wish.identity, NULL,
			"export, rotate: the keys of that identity"},
		{"--asymmetric", "A", &wish.algorithm, NULL, "rotate: the key of that kind"},
		{"--status", NULL, NULL, &wish.status,
			"rotate: shows which peers know the new key"},
		{"--finish", NULL, NULL, &wish.finish, "rotate: uses the new key from now on"},
		{"--now", NULL, NULL, &wish.now, "rotate: makes a new key and uses it at once"},
		{.name = NULL}};
	const struct cli_usage usage = {"key", "[export [ALGORITHM] | rotate]",
		"Shows the keys of this node with their fingerprints. With export, writes the\n"
		"public half of one (of the first at `asymmetric`, if no algorithm is named) to\n"
		"standard output, in the form that `secureconn trust PEER --key FILE` reads.\n"
		"With rotate, makes a new key beside the old one: a running node tells its\n"
		"peers, and uses it when all know it.\n",
		options, 0, 2};
	const char *args[2];
	struct cli_state s;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	bool export = is(args[0], "export"), rotate = is(args[0], "rotate");
	status = check_wish(cli, args, &wish);
	if (status != CLI_GO_ON)
		return status;
	status = cli_open(cli, &s);
	if (status == CLI_GO_ON && export) {
		status = export_key(cli, s.config, s.ring, args[1], wish.identity);
	} else if (status == CLI_GO_ON && rotate) {
		status = rotate_keys(cli, s.config, s.ring, &wish);
	} else if (status == CLI_GO_ON) {
		(wish.json ? show_json : show_text)(cli, s.config, s.ring);
		status = CLI_DONE;
	}
	return cli_close(&s, status);
}
