/* secureconn reload: the running node reads its configuration again. */
#include "cli/client.h"

static void
show(const struct cli *cli, const struct client_command *command, struct json_object *answer)
{
	uint64_t restart = client_number(answer, "restart_needed");
	bool same = restart == 0 && client_number(answer, "changes") == 0 &&
		    json_object_object_get_ex(answer, "changes", NULL);

	(void)command;
	cli_say(cli, 0, "The node has read %s again%s.\n", cli->config_path,
		same ? ", and nothing in it is different" : "");
	if (restart > 0)
		cli_say(cli, 0,
			"%llu of what it says count%s only after a restart of the node: see "
			"restart_needed in the log.\n",
			(unsigned long long)restart, restart == 1 ? "s" : "");
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
