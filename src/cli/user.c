/* Knows how a process gives up being root, and what belongs to whom then; knows nothing of what it
   needed root for. */
#include "cli/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "config/options.h"

/* LeakSanitizer looks at its own process as a debugger does. */
#ifdef __SANITIZE_ADDRESS__
#define DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DUMPABLE 1
#endif
#endif
#ifndef DUMPABLE
#define DUMPABLE 0
#endif

void
user_keep_secrets(void)
{
	prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0);
}

/* ---- who ---- */

int
user_find(struct user *user, const struct cli *cli, const struct config *config)
{
	const char *name = config->node.user;

	*user = (struct user){.wanted = false};
	if (name[0] == '\0' || geteuid() != 0)
		return CLI_GO_ON;
	errno = 0;
	const struct passwd *found = getpwnam(name);
	if (!found && errno != 0 && errno != ENOENT)
		return cli_fail(cli, CLI_FAILED, "[node] user: \"%s\" cannot be looked up: %s",
			name, strerror(errno));
	if (!found)
		return cli_fail(cli, CLI_USAGE,
			"%s:%u: [node] user: there is no user \"%s\" on this host; make it "
			"(useradd --system %s), or correct the name",
			config->node.file ? config->node.file : config->files[0],
			config->lines[option_find(SECTION_NODE, "user") - config_options], name,
			name);
	*user = (struct user){found->pw_uid != 0, found->pw_uid, found->pw_gid};
	return CLI_GO_ON;
}

/* ---- becoming it ---- */

/* Whether setting them succeeds shows in what the process can do. */
static void
set_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{mask, mask, mask}, {0, 0, 0}};

	syscall(SYS_capset, &head, data);
}

/* True if it is that user and nobody else, for good. */
static bool
is_only(const struct user *user)
{
	uid_t real, effective, saved;
	gid_t group, effective_group, saved_group;

	return getresuid(&real, &effective, &saved) == 0 && real == user->uid &&
	       effective == user->uid && saved == user->uid &&
	       getresgid(&group, &effective_group, &saved_group) == 0 && group == user->gid &&
	       effective_group == user->gid && saved_group == user->gid && setuid(0) != 0 &&
	       seteuid(0) != 0 && (user->gid == 0 || setgid(0) != 0);
}

/* The folder must be the user's, all the way down to it. */
static int
check_state(const struct user *user, const struct cli *cli, const struct config *config)
{
	const char *state = config->node.state, *name = config->node.user;
	struct stat st;

	if (stat(state, &st) != 0 && errno == EACCES)
		return cli_fail(cli, CLI_FAILED,
			"%s: user %s ([node] user) cannot get there: let it pass through the "
			"folders above (chmod o+x), or set `state` to another place",
			state, name);
	if (stat(state, &st) != 0 || st.st_uid == user->uid)
		return CLI_GO_ON;
	return cli_fail(cli, CLI_FAILED,
		"%s: does not belong to user %s, which the node is to become ([node] user); if it "
		"is the right folder: chown -R %s: %s",
		state, name, name, state);
}

int
user_become(const struct user *user, const struct cli *cli, const struct config *config,
	bool transparent)
{
	const char *name = config->node.user;

	if (!user->wanted)
		return CLI_GO_ON;
	prctl(PR_SET_KEEPCAPS, transparent ? 1 : 0, 0, 0, 0);
	if (initgroups(name, user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
		setresuid(user->uid, user->uid, user->uid) != 0)
		return cli_fail(cli, CLI_FAILED,
			"cannot become user %s ([node] user): %s; start it with all rights of "
			"root, or as that user",
			name, strerror(errno));
	set_capabilities(transparent ? 1u << CAP_NET_RAW : 0);
	if (transparent)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	user_keep_secrets(); /* the system has forgotten it with the change */
	if (!is_only(user))
		return cli_fail(cli, CLI_FAILED,
			"user %s ([node] user) can become root again: this is not gone on with",
			name);
	return check_state(user, cli, config);
}

int
user_check(const struct cli *cli, const struct config *config)
{
	const char *name = config->node.user;
	const struct passwd *wanted = name[0] ? getpwnam(name) : NULL;
	uid_t uid = geteuid();

	if (!name[0] || uid == 0 || (wanted && wanted->pw_uid == uid))
		return CLI_GO_ON;
	return cli_fail(cli, CLI_FAILED,
		"this is user #%lu, and [node] user is %s: start it as root, or as that user (sudo "
		"-u %s secureconn ...), or take `user` out of the configuration",
		(unsigned long)uid, name, name);
}

int
user_switch(const struct cli *cli, const struct config *config)
{
	struct user user;
	int status = user_find(&user, cli, config);

	return status == CLI_GO_ON ? user_become(&user, cli, config, false) : status;
}

/* ---- folders ---- */

/* Not what a link in its place leads to. */
static bool
give_folder(const char *path, const struct user *user)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 && fchown(fd, user->uid, user->gid) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

int
user_give_state(const struct user *user, const struct cli *cli, const struct config *config)
{
	const char *state = config->node.state;

	if (!user->wanted)
		return CLI_GO_ON;
	bool made = cli_make_parents(state) && mkdir(state, 0700) == 0;
	if (!made && errno == EEXIST)
		return CLI_GO_ON; /* somebody's already: user_become looks whose */
	if (made && give_folder(state, user))
		return CLI_GO_ON;
	return cli_fail(cli, CLI_FAILED, "%s: cannot be created for user %s: %s", state,
		config->node.user, strerror(errno));
}

/* If it cannot be done, opening the socket shows it. */
void
user_give_control(const struct user *user, const struct config *config)
{
	const char *slash = strrchr(config->node.control, '/');
	char folder[sizeof(((struct endpoint *)0)->path)];
	struct stat st;

	if (!user->wanted || !slash || slash == config->node.control)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - config->node.control),
		config->node.control);
	bool made = mkdir(folder, 0755) == 0;
	/* The default one is a node's alone: root may have run one before. */
	bool ours = config->node.control_is_default && strcmp(folder, "/run/secureconn") == 0 &&
		    lstat(folder, &st) == 0 && st.st_uid == 0;
	if (made || ours)
		give_folder(folder, user);
}
