/* secureconn key rotate: a planned rotation of this node's keys. */
#ifndef SC_CLI_ROTATE_H
#define SC_CLI_ROTATE_H

#include "cli/cli.h"

struct rotate_wish {
	const char *algorithm; /* NULL: the first at `asymmetric` */
	const char *identity;  /* "": the node's own keys */
	bool now, finish, status, json;
};

/* Returns an enum cli_status. */
int
rotate_keys(const struct cli *cli, const struct config *config, struct keyring *ring,
	const struct rotate_wish *wish);

#endif
