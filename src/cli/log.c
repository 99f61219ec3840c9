/* secureconn log: what the running node logs from now on. */
#include "base/log.h"
#include "cli/client.h"

static void
show(const struct cli *cli, const struct client_command *command, struct json_object *answer)
{
	(void)answer;
	fprintf(cli->out,
		"The node logs events of the level %s and graver ones, until it is told "
		"otherwise or starts again.\n", log_level_name(command->request.level));
}

int
cmd_log(const struct cli *cli, int argc, char **argv)
{
	struct client_command command = {.request = {.kind = REQUEST_LOG}, .show = show};
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &command.json, "the answer for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"log", "LEVEL",
		"Sets what the running node logs: error, warning, info or debug. `log` in the\n"
		"configuration counts again when the node starts again, or reloads it changed.\n",
		options, 1, 1};
	const char *args[1];
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	if (!log_level_find(&command.request.level, args[0]))
		return cli_fail(cli, CLI_USAGE,
			"log: the level is error, warning, info or debug, and not \"%s\"", args[0]);
	return client_run(cli, &command);
}
