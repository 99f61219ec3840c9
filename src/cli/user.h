/* `user` of [node]: a process that root starts becomes that user. */
#ifndef SC_CLI_USER_H
#define SC_CLI_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/cli.h"

struct user {
	bool wanted; /* the configuration names one, and this process is root and is to become it */
	uid_t uid;
	gid_t gid;
};

/* No core dump, and no debugger of the same user. */
void
user_keep_secrets(void);

/* Looks up whom the configuration names; nobody (wanted is false): no one is named, or this process
   cannot become another. CLI_GO_ON, or CLI_USAGE after saying that there is no such user. */
int
user_find(struct user *user, const struct cli *cli, const struct config *config);

/* Becomes the user, with its groups, for good: neither the process nor a program that it starts
   can be root again. With transparent it keeps CAP_NET_RAW, if it has it, and so does a program
   that it starts. The only thread so far. Nothing to do if nobody is wanted. CLI_GO_ON, or
   CLI_FAILED after saying what is wrong. */
int
user_become(const struct user *user, const struct cli *cli, const struct config *config,
	bool transparent);

/* For a node that becomes nobody: it must be who the configuration names already. CLI_GO_ON, or
   CLI_FAILED after saying what to do. */
int
user_check(const struct cli *cli, const struct config *config);

/* user_find and user_become, for commands that work in the state folder. */
int
user_switch(const struct cli *cli, const struct config *config);

/* For the one who will be that user: makes the state folder, if it is missing, and the folder of
   the control socket, and gives them to it. CLI_GO_ON, or CLI_FAILED after saying what is wrong. */
int
user_give_state(const struct user *user, const struct cli *cli, const struct config *config);

void
user_give_control(const struct user *user, const struct config *config);

#endif
