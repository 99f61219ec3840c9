/* secureconn renew: new session keys with a peer, now. */
#include "base/util.h"
#include "cli/client.h"
#include "config/value.h"

static void
show(const struct cli *cli, const struct client_command *command, struct json_object *answer)
{
	unsigned links = (unsigned)client_number(answer, "links");
	uint64_t wait = client_number(answer, "wait_ms");
	char time[32];

	time_format(time, (wait + 999) / 1000 * NS_PER_S);
	fprintf(cli->out, "%s: the session keys of %u link%s %s renewed%s%s%s.\n",
		command->request.peer, links, links == 1 ? "" : "s",
		wait > 0 ? "will be" : "are being", wait > 0 ? " in " : "", wait > 0 ? time : "",
		wait > 0 ? ", not sooner after the last time" : "");
}

int
cmd_renew(const struct cli *cli, int argc, char **argv)
{
	struct client_command command = {.request = {.kind = REQUEST_RENEW}, .show = show};
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &command.json, "the answer for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"renew", "PEER",
		"The running node renews the session keys of its links with PEER now. They are\n"
		"renewed by themselves as `rekey_after` and `rekey_bytes` say; no sooner than\n"
		"`rekey_gap` after the last time.\n",
		options, 1, 1};
	const char *args[1];
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	if (!peer_name_valid(args[0]))
		return cli_fail(
			cli, CLI_USAGE, "renew: this cannot be the name of a peer: %s", args[0]);
	snprintf(command.request.peer, sizeof(command.request.peer), "%s", args[0]);
	return client_run(cli, &command);
}
