/* Tests cli/user.c. What becomes somebody else is a process of its own; only root's can. */
#include "harness.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/user.h"

#define CONFIG "[node]\nname = n\nstate = s\nuser = "

static struct config *
load(struct harness *h, const char *user)
{
	char text[200];
	struct config *config;
	struct errmsg err;

	snprintf(text, sizeof(text), CONFIG "%s\n", user);
	harness_config(h, text);
	h->cli.out = h->cli.err = fopen("/dev/null", "w");
	assert_int_equal(config_load(&config, h->config_path, &err), SC_OK);
	return config;
}

static void
finish(struct harness *h, struct config *config)
{
	fclose(h->cli.err);
	config_free(config);
	harness_fini(h);
}

static void
test_find(void **state)
{
	static const struct {
		const char *name;
		int status;
		bool wanted;
	} cases[] = {{"nobody", CLI_GO_ON, true}, {"root", CLI_GO_ON, false},
		{"no-such-user", CLI_USAGE, false}};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct harness h;
		struct user user;
		harness_init(&h);
		struct config *config = load(&h, cases[i].name);
		int status = user_find(&user, &h.cli, config);
		if (geteuid() != 0) /* it stays who it is */
			assert_true(status == CLI_GO_ON && !user.wanted);
		else
			assert_true(status == cases[i].status && user.wanted == cases[i].wanted);
		finish(&h, config);
	}
}

static void
test_check(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	struct config *config = load(&h, "root");
	assert_int_equal(user_check(&h.cli, config), geteuid() == 0 ? CLI_GO_ON : CLI_FAILED);
	finish(&h, config);
}

/* 0, or the number of what is wrong. */
static int
become(const struct harness *h, const struct config *config, const struct user *user)
{
	if (user_give_state(user, &h->cli, config) != CLI_GO_ON)
		return 1;
	if (user_become(user, &h->cli, config, false) != CLI_GO_ON)
		return 2;
	if (getuid() != user->uid || geteuid() != user->uid || getgid() != user->gid)
		return 3;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	gid_t groups[64];
	int n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		if (groups[i] == 0)
			return 6;
	struct stat st;
	if (stat(config->node.state, &st) != 0 || st.st_uid != user->uid ||
		(st.st_mode & 0777) != 0700)
		return 7;
#ifndef __SANITIZE_ADDRESS__
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 8;
#endif
	return 0;
}

static void
test_become(void **state)
{
	struct harness h;
	struct user user;
	int status;
	(void)state;

	if (geteuid() != 0)
		skip();
	harness_init(&h);
	assert_int_equal(chmod(h.scratch.folder, 0755), 0);
	struct config *config = load(&h, "nobody");
	assert_int_equal(user_find(&user, &h.cli, config), CLI_GO_ON);
	pid_t child = fork();
	if (child == 0)
		_exit(become(&h, config, &user));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* A folder of somebody else is not taken. */
	assert_int_equal(chown(config->node.state, 0, 0), 0);
	child = fork();
	if (child == 0)
		_exit(become(&h, config, &user));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 2);
	finish(&h, config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_become),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
