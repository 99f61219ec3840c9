/* Knows how options are read, and how configuration and key ring are opened for a command; knows no
   command. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/flow.h"
#include "cli/user.h"
#include "config/nearest.h"

/* Columns of the terminal that out is; 0: it is none, and lines may be as long as they are. */
static size_t
columns(FILE *out)
{
	struct winsize size;
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int
cli_fail(const struct cli *cli, int status, const char *format, ...)
{
	static const char program[] = "secureconn: ";
	const struct flow flow = {columns(cli->err), 2, sizeof(program) - 1};
	char text[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* What was typed, or stands in a file, is shown and does not steer the terminal. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fputs(program, cli->err);
	flow_text(cli->err, &flow, text);
	fputc('\n', cli->err);
	return status;
}

void
cli_say(const struct cli *cli, unsigned indent, const char *format, ...)
{
	const struct flow flow = {columns(cli->out), indent, 0};
	char text[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	flow_text(cli->out, &flow, text);
}

size_t
cli_columns(const struct cli *cli)
{
	return columns(cli->out);
}

/* Of what a shell would take for something else, or not for one word, a quoted form. */
static void
quote_word(char *out, size_t size, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "%+,-./:=@_";
	size_t n = 0;

	if (word[strspn(word, plain)] == '\0') {
		snprintf(out, size, "%s", word);
		return;
	}
	n += (size_t)snprintf(out, size, "'");
	for (; *word && n < size; word++) {
		const char letter[] = {*word, '\0'};
		n += (size_t)snprintf(out + n, size - n, "%s", *word == '\'' ? "'\\''" : letter);
	}
	if (n < size)
		snprintf(out + n, size - n, "'");
}

const char *
cli_name(const struct cli *cli, char *out, size_t size)
{
	size_t n;

	if (strcmp(cli->config_path, CONFIG_DEFAULT_FILE) == 0) {
		snprintf(out, size, "secureconn");
	} else {
		snprintf(out, size, "secureconn -c ");
		n = strlen(out);
		quote_word(out + n, size - n, cli->config_path);
	}
	return out;
}

/* --- options --- */

static void
show_help(const struct cli *cli, const struct cli_usage *u)
{
	fprintf(cli->out, "usage: secureconn [-c FILE] %s%s%s\n\n%s\n", u->command,
		u->arguments[0] ? " " : "", u->arguments, u->text);
	for (const struct cli_option *o = u->options; o->name; o++) {
		char left[40];
		snprintf(left, sizeof(left), "%s %s", o->name, o->argument ? o->argument : "");
		fprintf(cli->out, "  %-22s %s\n", left, o->help);
	}
	fprintf(cli->out, "  %-22s %s\n", "--help", "this text");
}

static int
wrong_usage(const struct cli *cli, const struct cli_usage *u, const char *what, const char *word)
{
	return cli_fail(cli, CLI_USAGE, "%s: %s%s; see: secureconn %s --help", u->command, what,
		word, u->command);
}

/* "--name", "--name=value" or "--name value"; *i moves on past a value. */
static int
parse_option(const struct cli *cli, const struct cli_usage *u, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *equals = strchr(word, '='), *near = NULL;
	size_t n = equals ? (size_t)(equals - word) : strlen(word);

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		show_help(cli, u);
		return CLI_DONE;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		fprintf(cli->out, "secureconn %s\n", SC_VERSION);
		return CLI_DONE;
	}
	if (strcmp(word, "-c") == 0)
		return cli_fail(cli, CLI_USAGE,
			"-c FILE stands before the command: secureconn -c FILE %s", u->command);
	for (const struct cli_option *o = u->options; o->name; o++) {
		nearest_consider(&near, word, o->name);
		if (strlen(o->name) != n || memcmp(o->name, word, n) != 0)
			continue;
		if (!o->argument && equals)
			return wrong_usage(cli, u, "takes no value: ", o->name);
		if (o->flag)
			*o->flag = true;
		if (!o->argument || (o->flag && !equals))
			return CLI_GO_ON;
		if (equals)
			*o->value = equals + 1;
		else if (*i + 1 == argc)
			return wrong_usage(cli, u, "a value is missing after ", o->name);
		else
			*o->value = argv[++*i];
		return CLI_GO_ON;
	}
	if (near)
		return cli_fail(cli, CLI_USAGE, "%s: there is no option %s; did you mean %s?",
			u->command, word, near);
	return wrong_usage(cli, u, "there is no option ", word);
}

int
cli_parse(
	const struct cli *cli, const struct cli_usage *u, int argc, char **argv, const char **args)
{
	bool options = true;
	int n = 0;

	for (int i = 0; i < u->most; i++)
		args[i] = NULL;
	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			int status = parse_option(cli, u, argc, argv, &i);
			if (status != CLI_GO_ON)
				return status;
		} else if (n == u->most) {
			return wrong_usage(cli, u, "too many arguments, from ", argv[i]);
		} else {
			args[n++] = argv[i];
		}
	}
	if (n < u->least)
		return wrong_usage(cli, u, "an argument is missing: ", u->arguments);
	return CLI_GO_ON;
}

/* --- configuration and key ring --- */

int
cli_load(const struct cli *cli, struct config **config, struct settings *settings)
{
	struct settings unused;
	struct errmsg err;
	char name[600];
	enum sc_error error = config_load(config, cli->config_path, &err);

	if (error == SC_ERR_NOT_FOUND)
		return cli_fail(cli, CLI_USAGE,
			"%s; `%s init` writes a configuration to start from", err.text,
			cli_name(cli, name, sizeof(name)));
	if (error != SC_OK)
		return cli_fail(cli, CLI_USAGE, "%s", err.text);
	error = settings_check(settings ? settings : &unused, *config, &err);
	if (error == SC_OK)
		return CLI_GO_ON;
	config_free(*config);
	*config = NULL;
	return cli_fail(cli, CLI_USAGE, "%s", err.text);
}

static void
show_problem(void *arg, const char *text)
{
	cli_fail(arg, CLI_FAILED, "%s", text);
}

bool
cli_make_parents(const char *path)
{
	char *copy = strdup(path);
	bool ok = copy != NULL;

	for (char *slash = ok ? strchr(copy + 1, '/') : NULL; ok && slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ok = mkdir(copy, 0755) == 0 || errno == EEXIST;
		*slash = '/';
	}
	free(copy);
	return ok;
}

void
cli_ring_advice(const struct cli *cli, enum sc_error error, struct errmsg *err)
{
	char name[600];
	size_t n = strlen(err->text);

	if (error == SC_ERR_NOT_FOUND)
		snprintf(err->text + n, sizeof(err->text) - n, "; make it with: %s init",
			cli_name(cli, name, sizeof(name)));
}

int
cli_open_ring_with(const struct cli *cli, const struct config *config, keyring_problem_fn *problem,
	void *arg, struct keyring **ring)
{
	struct errmsg err;
	int status = user_switch(cli, config);

	if (status != CLI_GO_ON)
		return status;
	enum sc_error error = keyring_open(ring, config->node.state, problem, arg, &err);
	if (error != SC_OK) {
		cli_ring_advice(cli, error, &err);
		return cli_fail(cli, CLI_FAILED, "%s", err.text);
	}
	const struct config_limits *limits = &config->limits;
	keyring_set_limits(*ring, &(struct keyring_limits){
		.callers = limits->pending_keys,
		.callers_source = limits->pending_keys_source,
		.expected = (int64_t)(limits->expected_keys / NS_PER_S),
	});
	return CLI_GO_ON;
}

int
cli_open_ring(const struct cli *cli, const struct config *config, struct keyring **ring)
{
	return cli_open_ring_with(cli, config, show_problem, (void *)cli, ring);
}

int
cli_open(const struct cli *cli, struct cli_state *s)
{
	*s = (struct cli_state){.config = NULL};
	int status = cli_load(cli, &s->config, NULL);
	return status == CLI_GO_ON ? cli_open_ring(cli, s->config, &s->ring) : status;
}

int
cli_close(struct cli_state *s, int status)
{
	keyring_free(s->ring);
	config_free(s->config);
	return status;
}

const struct config_peer *
cli_find_peer(const struct cli *cli, const struct config *config, const char *name)
{
	const struct config_peer *peer = config_peer_find(config, name);
	const char *near = NULL;
	char hint[120] = "", shown[80];

	if (peer)
		return peer;
	escape_text(shown, sizeof(shown), name, strlen(name));
	for (size_t i = 0; i < config->n_peers; i++)
		nearest_consider(&near, name, config->peers[i].name);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"? Otherwise ", near);
	cli_fail(cli, CLI_FAILED, "there is no [peer %s] in %s; %sadd that section", shown,
		cli->config_path, hint);
	return NULL;
}
