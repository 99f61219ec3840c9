/* Asks the running node, over its control socket. */
#ifndef SC_CLI_CLIENT_H
#define SC_CLI_CLIENT_H

#include "admin/request.h"
#include "cli/cli.h"

/* Sends a request to the node of this configuration. CLI_GO_ON and *answer, whose "ok" is true, to
   be put; or CLI_FAILED after saying why not: no node runs, it may not be asked, it refuses. */
int
client_ask(const struct cli *cli, const struct config *config, const struct request *request,
	struct json_object **answer);

/* The same without a word: the answer if a node runs and its "ok" is true, to be put; or NULL. */
struct json_object *
client_question(const struct config *config, const struct request *request);

/* Waits until nobody answers on the socket any more. False: somebody still does after so many
   seconds. */
bool
client_wait_end(const struct config *config, unsigned seconds);

/* A command that is one request: reads the configuration, asks, shows the answer as JSON if `json`,
   else gives it to `show`. */
struct client_command {
	struct request request;
	bool json;
	void (*show)(const struct cli *cli, const struct client_command *command,
		struct json_object *answer);
	const struct config *config; /* set for `show` */
};

int
client_run(const struct cli *cli, struct client_command *command);

/* A member of an answer that is a number; 0 if it is not there. */
uint64_t
client_number(struct json_object *o, const char *key);

#endif
