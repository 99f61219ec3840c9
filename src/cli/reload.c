/* secureconn reload: the running node reads its configuration again. */
#include "cli/client.h"

static void
show(const struct cli *cli, const struct client_command *command, struct json_object *answer)
{
	(void)command;
	(void)answer;
	fprintf(cli->out, "The node has read %s again.\n", cli->config_path);
}

int
cmd_reload(const struct cli *cli, int argc, char **argv)
{
	struct client_command command = {.request = {.kind = REQUEST_RELOAD}, .show = show};
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &command.json, "the answer for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"reload", "",
		"The running node reads its configuration again and takes over what is\n"
		"different, without an interruption. A file with an error in it changes\n"
		"nothing.\n",
		options, 0, 0};
	int status = cli_parse(cli, &usage, argc, argv, NULL);

	return status == CLI_GO_ON ? client_run(cli, &command) : status;
}
