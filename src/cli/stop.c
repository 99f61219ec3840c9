/* secureconn stop: the running node ends at once. */
#include "cli/client.h"

#define PATIENCE_S 10

static void
show(const struct cli *cli, const struct client_command *command, struct json_object *answer)
{
	(void)answer;
	if (client_wait_end(command->config, PATIENCE_S))
		fputs("The node has ended.\n", cli->out);
	else
		fputs("The node is ending; it still waits for something.\n", cli->out);
}

int
cmd_stop(const struct cli *cli, int argc, char **argv)
{
	struct client_command command = {.request = {.kind = REQUEST_STOP}, .show = show};
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &command.json, "the answer for programs, without waiting"},
		{.name = NULL}};
	const struct cli_usage usage = {"stop", "",
		"Ends the running node at once; open connections are reset. `secureconn drain`\n"
		"lets them finish. Waits until the node has ended.\n",
		options, 0, 0};
	int status = cli_parse(cli, &usage, argc, argv, NULL);

	return status == CLI_GO_ON ? client_run(cli, &command) : status;
}
