/* What every command gets, and what commands share. */
#ifndef SC_CLI_CLI_H
#define SC_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/settings.h"
#include "config/config.h"
#include "keyring/keyring.h"

/* Exit status of every command. */
enum cli_status { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli {
	const char *config_path;
	FILE *in, *out, *err; /* standard input, output, error; tests give others */
};

/* A command: argv[0] is its name. Returns an enum cli_status. */
typedef int
cli_command_fn(const struct cli *cli, int argc, char **argv);

cli_command_fn cmd_init, cmd_run, cmd_check, cmd_key, cmd_peers, cmd_verify, cmd_trust, cmd_status,
	cmd_doctor, cmd_revoke, cmd_reload, cmd_drain, cmd_stop, cmd_renew, cmd_log;

/* An option of a command: "--key FILE" fills value, "--json" sets flag. */
struct cli_option {
	const char *name;     /* with its dashes */
	const char *argument; /* as shown in the help; NULL: a flag */
	const char **value;
	bool *flag; /* with a value too: that may be left out, and stands behind "=" */
	const char *help;
};

/* How a command is called. options ends with a NULL name. */
struct cli_usage {
	const char *command, *arguments; /* "verify", "PEER" */
	const char *text;                /* for --help: what it does, lines ended by newlines */
	const struct cli_option *options;
	int least, most; /* number of arguments that are no options */
};

#define CLI_GO_ON (-1)

/* Reads options and arguments in any order; "--" ends options. Up to usage->most arguments go to
   args, and NULL to the rest of it. CLI_GO_ON, or the status to end with: --help or --version were
   asked for and shown, or something is wrong and has been said. */
int
cli_parse(const struct cli *cli, const struct cli_usage *usage, int argc, char **argv,
	const char **args);

/* "secureconn: ..." on cli->err, as one line in which nothing but text is left; on a terminal it
   is broken between words. Returns status. */
int
cli_fail(const struct cli *cli, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes to cli->out, on a terminal broken between words to its width, each further line with so
   many spaces in front. */
void
cli_say(const struct cli *cli, unsigned indent, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Columns of the terminal that cli->out is; 0: it is none. */
size_t
cli_columns(const struct cli *cli);

/* How this program must be called to mean the same configuration: "secureconn -c FILE", fit for a
   shell. out is size bytes. */
const char *
cli_name(const struct cli *cli, char *out, size_t size);

/* Reads and checks the configuration, algorithm names too. CLI_GO_ON, or CLI_USAGE after saying
   what is wrong. settings may be NULL. */
int
cli_load(const struct cli *cli, struct config **config, struct settings *settings);

/* Adds to a message of keyring_open the command that mends it, if there is one. */
void
cli_ring_advice(const struct cli *cli, enum sc_error error, struct errmsg *err);

/* Opens the key ring of the configuration's state folder, as the user of [node] if root runs this;
   files that cannot be used are named on cli->err, as long as the ring is open. CLI_GO_ON, or
   CLI_FAILED after saying what is wrong. */
int
cli_open_ring(const struct cli *cli, const struct config *config, struct keyring **ring);

/* The same, and it is problem that is told of these files. */
int
cli_open_ring_with(const struct cli *cli, const struct config *config, keyring_problem_fn *problem,
	void *arg, struct keyring **ring);

/* The configuration and its key ring, for a command that needs both. */
struct cli_state {
	struct config *config;
	struct keyring *ring;
};

/* cli_load and cli_open_ring. To be closed whatever this returns. */
int
cli_open(const struct cli *cli, struct cli_state *s);

/* Returns status, which the command ends with. */
int
cli_close(struct cli_state *s, int status);

/* Makes the folders above the path, where they are missing. False with errno: it cannot. */
bool
cli_make_parents(const char *path);

/* Finds a peer's section, or says that there is none (with the nearest name) and what to add. NULL
   then. */
const struct config_peer *
cli_find_peer(const struct cli *cli, const struct config *config, const char *name);

#endif
