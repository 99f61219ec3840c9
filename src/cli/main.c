/* The program: the table of commands, and what stands before a command. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/program.h"
#include "cli/cli.h"
#include "cli/user.h"
#include "config/nearest.h"

static const struct {
	const char *name;
	cli_command_fn *run;
	const char *help;
} commands[] = {
	{"init", cmd_init, "make a new node: configuration, state folder, key pair"},
	{"check", cmd_check, "read the configuration, show what it means"},
	{"run", cmd_run, "run the node, in the foreground"},
	{"key", cmd_key, "show or export this node's keys"},
	{"peers", cmd_peers, "show the peers and their keys"},
	{"verify", cmd_verify, "verify the key of a peer, with its operator on the telephone"},
	{"trust", cmd_trust, "the same beforehand, for unattended set-up"},
	{"revoke", cmd_revoke, "take a peer's keys back; its links are closed at once"},
	{"status", cmd_status, "show what the running node does"},
	{"doctor", cmd_doctor, "find out why there is no link, or no connection"},
	{"reload", cmd_reload, "the running node reads its configuration again"},
	{"drain", cmd_drain, "the running node takes nothing new, and ends when it is done"},
	{"stop", cmd_stop, "the running node ends at once"},
	{"renew", cmd_renew, "new session keys with a peer, now"},
	{"log", cmd_log, "what the running node logs from now on"},
};

static void
show_usage(FILE *out)
{
	fputs("usage: secureconn [-c FILE] COMMAND [ARGUMENT]...\n\n"
	      "Carries TCP connections to the secureconn of another site, encrypted.\n\n",
		out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n  -c FILE  the configuration; default: " CONFIG_DEFAULT_FILE "\n"
	      "  --help, --version (-h, -V); also after a command\n",
		out);
}

static int
unknown_command(const struct cli *cli, const char *word)
{
	const char *near = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_consider(&near, word, commands[i].name);
	if (near)
		return cli_fail(cli, CLI_USAGE, "there is no command \"%s\"; did you mean \"%s\"?",
			word, near);
	return cli_fail(cli, CLI_USAGE, "there is no command \"%s\"; see: secureconn --help", word);
}

static int
run_command(const struct cli *cli, int argc, char **argv)
{
	char *help[] = {argv[1], "--help", NULL};

	if (strcmp(argv[0], "help") == 0 && argc == 1) {
		show_usage(cli->out);
		return CLI_DONE;
	}
	if (strcmp(argv[0], "help") == 0)
		return strcmp(argv[1], "help") == 0 ? run_command(cli, 1, argv)
						    : run_command(cli, 2, help);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(cli, argc, argv);
	return unknown_command(cli, argv[0]);
}

/* Options before the command, then the command. */
static int
run(struct cli *cli, int argc, char **argv)
{
	char name[1100];
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			show_usage(cli->out);
			return CLI_DONE;
		}
		if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			fprintf(cli->out, "secureconn %s\n", SC_VERSION);
			return CLI_DONE;
		}
		if (strcmp(argv[i], "-c") != 0)
			return cli_fail(cli, CLI_USAGE,
				"there is no option %s; see: secureconn --help", argv[i]);
		if (i + 1 == argc || argv[i + 1][0] == '\0')
			return cli_fail(cli, CLI_USAGE, "a file is missing after -c");
		cli->config_path = argv[++i];
	}
	program_set_name(cli_name(cli, name, sizeof(name)));
	if (i < argc)
		return run_command(cli, argc - i, argv + i);
	show_usage(cli->err);
	return CLI_USAGE;
}

/* Private keys and session keys live in this process: no core dump, no debugger of the same
   user. */
static void
keep_secrets(void)
{
	const struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	user_keep_secrets();
}

/* Whoever started this may have closed descriptors 0 to 2. The next socket or key file would get
   that number, and every line of the log. Standard output is not made writable: that it is not
   there is for the caller to know. */
static bool
fill_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
			open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	struct cli cli = {CONFIG_DEFAULT_FILE, stdin, stdout, stderr};

	if (!fill_standard())
		return CLI_FAILED;
	keep_secrets();
	asym_setup();
	int status = run(&cli, argc, argv);
	/* Output that did not arrive was not given. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE)
		return cli_fail(&cli, CLI_FAILED, "standard output cannot be written");
	return status;
}
