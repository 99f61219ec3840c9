/* Tests cli/cli.c. */
#include "harness.h"

static const char *args[2];
static const char *value;
static bool flag;

/* A command with everything that one can have. */
static int
cmd_any(const struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"--key", "FILE", &value, NULL, "a file"},
		{"--json", NULL, NULL, &flag, "for programs"}, {.name = NULL}};
	static const struct cli_usage usage = {
		"any", "PEER [WORD]", "Does anything.\n", options, 1, 2};
	value = NULL;
	flag = false;
	return cli_parse(cli, &usage, argc, argv, args);
}

static void
test_good(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	assert_int_equal(harness_run(&h, cmd_any, "", "any hq"), CLI_GO_ON);
	assert_true(args[0] && !args[1] && !value && !flag);
	assert_int_equal(harness_run(&h, cmd_any, "", "any --json hq --key=f w"), CLI_GO_ON);
	assert_true(args[0] && args[1] && value && flag);
	assert_int_equal(harness_run(&h, cmd_any, "", "any hq --key --json"), CLI_GO_ON);
	assert_true(value && !flag);
	assert_int_equal(harness_run(&h, cmd_any, "", "any -- --json -"), CLI_GO_ON);
	assert_true(args[0] && args[1] && !flag);
	assert_int_equal(harness_run(&h, cmd_any, "", "any --help"), CLI_DONE);
	assert_string_equal(h.out,
		"usage: secureconn [-c FILE] any PEER [WORD]\n\nDoes anything.\n\n"
		"  --key FILE             a file\n"
		"  --json                 for programs\n"
		"  --help                 this text\n");
	assert_int_equal(harness_run(&h, cmd_any, "", "any --version"), CLI_DONE);
	assert_string_equal(h.out, "secureconn " SC_VERSION "\n");
	harness_fini(&h);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *args, *message;
	} bad[] = {
		{"any", "secureconn: any: an argument is missing: PEER [WORD]; see: secureconn any "
			"--help\n"},
		{"any a b c", "secureconn: any: too many arguments, from c; see: secureconn any "
			      "--help\n"},
		{"any a b \033[31m", "secureconn: any: too many arguments, from ?[31m; see: "
				     "secureconn any --help\n"},
		{"any --jsn", "secureconn: any: there is no option --jsn; did you mean --json?\n"},
		{"any --all",
			"secureconn: any: there is no option --all; see: secureconn any --help\n"},
		{"any -x", "secureconn: any: there is no option -x; see: secureconn any --help\n"},
		{"any a --key", "secureconn: any: a value is missing after --key; see: secureconn "
				"any --help\n"},
		{"any --json=1",
			"secureconn: any: takes no value: --json; see: secureconn any --help\n"},
		{"any -c f",
			"secureconn: -c FILE stands before the command: secureconn -c FILE any\n"},
	};
	struct harness h;
	(void)state;

	harness_init(&h);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(harness_run(&h, cmd_any, "", bad[i].args), CLI_USAGE);
		assert_string_equal(h.err, bad[i].message);
		assert_string_equal(h.out, "");
	}
	harness_fini(&h);
}

static int
cmd_load(const struct cli *cli, int argc, char **argv)
{
	struct config *config = NULL;
	struct keyring *ring = NULL;
	(void)argc;
	int status = cli_load(cli, &config, NULL);
	if (status == CLI_GO_ON && argv[1] && !cli_find_peer(cli, config, argv[1]))
		status = CLI_FAILED;
	if (status == CLI_GO_ON)
		status = cli_open_ring(cli, config, &ring);
	keyring_free(ring);
	config_free(config);
	return status;
}

static void
test_load(void **state)
{
	struct harness h;
	struct errmsg err;
	(void)state;

	harness_init(&h);
	assert_int_equal(harness_run(&h, cmd_load, "", "x"), CLI_USAGE);
	assert_string_equal(h.err,
		"secureconn: DIR/x.ini: cannot be opened: No such file or directory; "
		"`secureconn -c DIR/x.ini init` writes a configuration to start from\n");
	harness_config(&h, "[node]\nlog = loud\n");
	assert_int_equal(harness_run(&h, cmd_load, "", "x"), CLI_USAGE);
	assert_string_equal(h.err,
		"secureconn: DIR/x.ini:2: [node] log: \"loud\" is not known here; "
		"write one of error/warning/info/debug\n");
	harness_config(&h, "[node]\nasymmetric = RSA\nstate = s\nname = n\n");
	assert_int_equal(harness_run(&h, cmd_load, "", "x"), CLI_USAGE);
	harness_contains(
		h.err, "x.ini:2: [node] asymmetric: \"RSA\" is not known; there are ElGamal 3072");

	harness_config(&h, "[node]\nstate = s\nname = n\n[peer hq]\n[peer branch]\n");
	assert_int_equal(harness_run(&h, cmd_load, "", "x hq2"), CLI_FAILED);
	assert_string_equal(h.err, "secureconn: there is no [peer hq2] in DIR/x.ini; did you mean "
				   "\"hq\"? Otherwise add that section\n");
	assert_int_equal(harness_run(&h, cmd_load, "", "x\tnone elsewhere"), CLI_FAILED);
	assert_int_equal(harness_run(&h, cmd_load, "", "x elsewhere"), CLI_FAILED);
	assert_string_equal(
		h.err, "secureconn: there is no [peer elsewhere] in DIR/x.ini; add that section\n");
	assert_int_equal(harness_run(&h, cmd_load, "", "x hq"), CLI_FAILED);
	assert_string_equal(h.err, "secureconn: DIR/s: there is no such folder; make it with: "
				   "secureconn -c DIR/x.ini init\n");

	assert_int_equal(keyring_create(scratch_path(&h.scratch, "s"), &err), SC_OK);
	scratch_write(&h.scratch, "s/peers/x.key", "", 0);
	assert_int_equal(harness_run(&h, cmd_load, "", "x hq"), CLI_GO_ON);
	assert_string_equal(h.err, "secureconn: DIR/s/peers/x.key: is empty; remove it\n");
	harness_fini(&h);
}

static void
test_name(void **state)
{
	static const struct {
		const char *path, *name;
	} all[] = {
		{CONFIG_DEFAULT_FILE, "secureconn"},
		{"/srv/it.ini", "secureconn -c /srv/it.ini"},
		{"a file.ini", "secureconn -c 'a file.ini'"},
		{"it's", "secureconn -c 'it'\\''s'"},
		{"$(x)", "secureconn -c '$(x)'"},
	};
	struct cli cli = {.config_path = NULL};
	char name[100];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		cli.config_path = all[i].path;
		assert_string_equal(cli_name(&cli, name, sizeof(name)), all[i].name);
		for (size_t size = 1; size < sizeof(name); size++) {
			cli_name(&cli, name, size);
			assert_true(memchr(name, '\0', size) != NULL);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
