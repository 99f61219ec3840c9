/* Tests cli/main.c by running the program. */
#include "unit.h"

#include <sys/wait.h>

/* Runs it with these arguments, through the shell. Returns the exit status; out gets both kinds of
   output. */
static int
run(char *out, size_t size, const char *args)
{
	char command[1024];
	snprintf(command, sizeof(command), "'%s' %s 2>&1", SECURECONN, args);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t n = fread(out, 1, size - 1, pipe);
	out[n] = '\0';
	int status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_usage(void **state)
{
	static const char *const commands[] = {
		"init", "check", "run", "key", "peers", "verify", "trust", "status", "doctor",
		"reload", "drain", "stop", "renew", "log"};
	char out[8192], args[64];
	(void)state;

	assert_int_equal(run(out, sizeof(out), "--help"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		snprintf(args, sizeof(args), "\n  %-8s ", commands[i]);
		assert_non_null(strstr(out, args));
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		snprintf(args, sizeof(args), "%s --help", commands[i]);
		assert_int_equal(run(out, sizeof(out), args), 0);
		snprintf(args, sizeof(args), "usage: secureconn [-c FILE] %s", commands[i]);
		assert_memory_equal(out, args, strlen(args));
		snprintf(args, sizeof(args), "%s --version", commands[i]);
		assert_int_equal(run(out, sizeof(out), args), 0);
		assert_string_equal(out, "secureconn " SC_VERSION "\n");
	}
	assert_int_equal(run(out, sizeof(out), "--version"), 0);
	assert_string_equal(out, "secureconn " SC_VERSION "\n");
	assert_int_equal(run(out, sizeof(out), "-V"), 0);
	assert_string_equal(out, "secureconn " SC_VERSION "\n");
	assert_int_equal(run(out, sizeof(out), "help"), 0);
	assert_memory_equal(out, "usage: secureconn [-c FILE] COMMAND", 35);
	assert_int_equal(run(out, sizeof(out), "help help"), 0);
	assert_memory_equal(out, "usage: secureconn [-c FILE] COMMAND", 35);
	assert_int_equal(run(out, sizeof(out), "help verify"), 0);
	assert_memory_equal(out, "usage: secureconn [-c FILE] verify PEER", 39);
	assert_int_equal(run(out, sizeof(out), "help key export"), 0);
	assert_memory_equal(out, "usage: secureconn [-c FILE] key [export", 39);
	assert_int_equal(run(out, sizeof(out), ""), 2);
	assert_memory_equal(out, "usage: secureconn ", 18);
}

static void
test_errors(void **state)
{
	static const struct {
		const char *args, *out;
	} bad[] = {
		{"verfy", "secureconn: there is no command \"verfy\"; did you mean \"verify\"?\n"},
		{"frobnicate",
			"secureconn: there is no command \"frobnicate\"; see: secureconn --help\n"},
		{"--frob", "secureconn: there is no option --frob; see: secureconn --help\n"},
		{"-c", "secureconn: a file is missing after -c\n"},
		{"-c '' check", "secureconn: a file is missing after -c\n"},
		{"help verfy",
			"secureconn: there is no command \"verfy\"; did you mean \"verify\"?\n"},
		{"-c /nonexistent/x.ini check", "secureconn: /nonexistent/x.ini: cannot be opened: "
						"No such file or directory; "
						"`secureconn -c /nonexistent/x.ini init` writes a "
						"configuration to start from\n"},
	};
	char out[8192];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(run(out, sizeof(out), bad[i].args), 2);
		assert_string_equal(out, bad[i].out);
	}
	assert_int_equal(run(out, sizeof(out), "key --help 2>&1 >/dev/full; exit $?"), 1);
	assert_string_equal(out, "secureconn: standard output cannot be written\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
