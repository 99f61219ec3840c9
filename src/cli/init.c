/* secureconn init: configuration, state folder and key pairs of a new node. Creates what is
   missing, changes nothing that is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/user.h"
#include "config/template.h"
#include "config/value.h"

/* Where the state of a node goes whose configuration is at path: beside it, under its name, so that
   two in one folder do not share it. NULL, which leaves the default, for the system's own node. To
   be freed. */
static char *
state_for(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	char *state;

	if (strcmp(path, CONFIG_DEFAULT_FILE) == 0)
		return NULL;
	if (asprintf(&state, "./state-%.*s",
		    (int)(dot && dot != name ? dot - name : (long)strlen(name)), name) < 0)
		return NULL;
	return state;
}

/* Writes the configuration; a half-written one is removed. Fails with EEXIST if there is one. */
static bool
write_config(const char *path, const struct template_values *values)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = cli_make_parents(path) ? open(path, flags, 0644) : -1;
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!file)
		return false;
	config_template(file, values);
	bool ok = fflush(file) == 0 && fsync(fd) == 0;
	ok = fclose(file) == 0 && ok;
	if (!ok)
		unlink(path);
	return ok;
}

/* The values that were given must be right before a file is written with them. */
static bool
check_values(const struct cli *cli, const struct template_values *values)
{
	char *list = values->asymmetric ? strdup(values->asymmetric) : NULL, *rest = list;
	bool ok = true;
	struct errmsg err;

	if (values->name && !config_name_valid(values->name)) {
		cli_fail(cli, CLI_USAGE,
			"init: --name must be 1 to 64 letters, digits, \".\", \"_\" and \"-\", no "
			"\".\" first");
		ok = false;
	}
	while (ok && rest) {
		char *word = strsep(&rest, ",");
		word += strspn(word, " ");
		size_t n = strlen(word);
		while (n > 0 && word[n - 1] == ' ')
			word[--n] = '\0';
		if (!settings_find_asym(word, false, &err)) {
			cli_fail(cli, CLI_USAGE, "init: --asymmetric: %s", err.text);
			ok = false;
		}
	}
	free(list);
	return ok;
}

/* True if each name of a list as --asymmetric has it, with commas, is among names. */
static bool
all_named(const struct name_list *names, const char *list)
{
	while (*list) {
		size_t skip = strspn(list, ", \t"), n = strcspn(list + skip, ",");
		const char *name = list + skip;
		bool found = n == 0;

		list = name + n;
		while (n > 0 && (name[n - 1] == ' ' || name[n - 1] == '\t'))
			n--;
		for (size_t i = 0; !found && i < names->n; i++)
			found = strlen(names->at[i]) == n && memcmp(names->at[i], name, n) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* What was asked for must not differ from what is there: init changes no configuration. */
static int
check_agrees(
	const struct cli *cli, const struct config *config, const struct template_values *values)
{
	if (values->name && strcmp(values->name, config->node.name) != 0)
		return cli_fail(cli, CLI_USAGE,
			"init: %s is there already, and its node is \"%s\"; change [node] name in "
			"it",
			cli->config_path, config->node.name);
	if (values->asymmetric && !all_named(&config->node.asymmetric, values->asymmetric))
		return cli_fail(cli, CLI_USAGE,
			"init: %s is there already; add %s to [node] asymmetric in it, and run "
			"init again",
			cli->config_path, values->asymmetric);
	return CLI_GO_ON;
}

/* Makes sure that there is a configuration, and loads it. */
static int
prepare_config(const struct cli *cli, const struct template_values *given, struct config **config)
{
	struct template_values values = *given;
	char *state = state_for(cli->config_path);
	char host[CONFIG_NAME_SIZE] = "";
	int status;

	if (!check_values(cli, given)) {
		free(state);
		return CLI_USAGE;
	}
	if (!values.name && gethostname(host, sizeof(host) - 1) == 0 && config_name_valid(host))
		values.name = host;
	if (!values.name)
		values.name = "node";
	values.state = state;
	bool there = access(cli->config_path, F_OK) == 0;
	bool written = !there && write_config(cli->config_path, &values);
	int reason = errno;
	free(state);
	if (!there && !written)
		return cli_fail(cli, CLI_FAILED,
			"%s: cannot be written: %s; give another place with -c FILE, or run this "
			"as root",
			cli->config_path, strerror(reason));
	if (written)
		fprintf(cli->out, "Wrote the configuration %s; look through it.\n",
			cli->config_path);
	status = cli_load(cli, config, NULL);
	if (status == CLI_GO_ON && !written)
		status = check_agrees(cli, *config, given);
	return status;
}

static int
make_keys(const struct cli *cli, const struct config *config, struct keyring *ring,
	const char *identity)
{
	const struct name_list *names = &config->node.asymmetric;
	struct errmsg err;

	for (size_t i = 0; i < names->n; i++) {
		const struct asym_impl *asym = asym_find(names->at[i]);
		bool created;
		if (keyring_make(ring, identity, asym, PAIR_CURRENT, &random_system, &created,
			    &err) != SC_OK)
			return cli_fail(cli, CLI_FAILED, "%s", err.text);
		const struct key_pair *pair = keyring_pair(ring, identity, asym, PAIR_CURRENT);
		if (!pair)
			return cli_fail(cli, CLI_FAILED, "%s: the new key cannot be read back",
				config->node.state);
		cli_say(cli, 0, "%s %s key of this node (%s)%s%s:\n    %s\n",
			created ? "Made the" : "There is the", names->at[i], config->node.name,
			identity[0] ? ", identity " : "", identity, pair->fingerprint);
	}
	return CLI_GO_ON;
}

/* The keys of the node itself, and those that are for some peers only. */
static int
make_all_keys(const struct cli *cli, const struct config *config, struct keyring *ring)
{
	int status = make_keys(cli, config, ring, "");

	for (size_t i = 0; status == CLI_GO_ON && i < config->n_peers; i++) {
		const char *identity = config_identity_at(config, i);
		if (identity)
			status = make_keys(cli, config, ring, identity);
	}
	return status;
}

static void
show_next(const struct cli *cli, const struct config *config)
{
	char name[600];

	cli_name(cli, name, sizeof(name));
	if (config->n_peers == 0)
		cli_say(cli, 0,
			"\n"
			"Next: name the other site in %s with a [peer NAME] section, and what is "
			"to be reached with [route NAME] or [service NAME]; `%s check` shows how "
			"it is understood. Then:\n",
			cli->config_path, name);
	else
		fputs("\nNext:\n", cli->out);
	fprintf(cli->out, "    %s run\n    %s verify %s\n", name, name,
		config->n_peers == 1 ? config->peers[0].name : "NAME");
}

int
cmd_init(const struct cli *cli, int argc, char **argv)
{
	struct template_values values = {.name = NULL};
	const struct cli_option options[] = {
		{"--name", "N", &values.name, NULL, "the node's name; default: this host's"},
		{"--asymmetric", "A", &values.asymmetric, NULL,
			"kinds of keys; default: ElGamal 3072"},
		{.name = NULL}};
	const struct cli_usage usage = {"init", "[--name N] [--asymmetric A]",
		"Makes a new node: a commented configuration (where there is none), the state\n"
		"folder, and a key pair for each name at `asymmetric`. Changes nothing that is\n"
		"there: safe to repeat.\n",
		options, 0, 0};
	const char *args[1];
	struct config *config = NULL;
	struct keyring *ring = NULL;
	struct user user;
	struct errmsg err;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status == CLI_GO_ON)
		status = prepare_config(cli, &values, &config);
	if (status == CLI_GO_ON)
		status = user_find(&user, cli, config);
	if (status == CLI_GO_ON)
		status = user_give_state(&user, cli, config);
	if (status == CLI_GO_ON)
		status = user_become(&user, cli, config, false);
	if (status == CLI_GO_ON && keyring_create(config->node.state, &err) != SC_OK)
		status = cli_fail(cli, CLI_FAILED, "%s", err.text);
	if (status == CLI_GO_ON)
		status = cli_open_ring(cli, config, &ring);
	if (status == CLI_GO_ON)
		status = make_all_keys(cli, config, ring);
	if (status == CLI_GO_ON) {
		show_next(cli, config);
		status = CLI_DONE;
	}
	keyring_free(ring);
	config_free(config);
	return status;
}
