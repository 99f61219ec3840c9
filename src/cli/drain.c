/* secureconn drain: the running node takes nothing new and ends when what is open has finished. */
#include "base/util.h"
#include "cli/client.h"
#include "config/value.h"

static void
show(const struct cli *cli, const struct client_command *command, struct json_object *answer)
{
	uint64_t ms = client_number(answer, "drain_ms");
	char time[32];

	(void)command;
	time_format(time, ms * NS_PER_MS);
	if (ms == 0)
		fputs("The node ends: `drain` gives open connections no time to finish.\n",
			cli->out);
	else
		fprintf(cli->out,
			"The node takes no new connections. It ends when those that are open have "
			"finished, after %s at the latest.\n",
			time);
}

int
cmd_drain(const struct cli *cli, int argc, char **argv)
{
	struct client_command command = {.request = {.kind = REQUEST_DRAIN}, .show = show};
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &command.json, "the answer for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"drain", "",
		"The running node takes no new connections, lets those that are open finish,\n"
		"for as long as `drain` in its configuration says, and ends. As SIGTERM does.\n",
		options, 0, 0};
	int status = cli_parse(cli, &usage, argc, argv, NULL);

	return status == CLI_GO_ON ? client_run(cli, &command) : status;
}
