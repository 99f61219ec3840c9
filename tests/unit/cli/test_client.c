/* Tests cli/client.c and the commands that are one request, against a node that says what the test
   tells it to. */
#include "cli/client.h"
#include "harness.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONFIG "[node]\nname = n\nstate = st\ncontrol = c.sock\n[peer hq]\n"

/* Takes one connection, keeps what was asked, and answers. */
struct fake {
	int fd;
	pthread_t thread;
	const char *answer;
	char asked[256];
};

static void *
on_thread(void *arg)
{
	struct fake *f = arg;
	int fd = accept(f->fd, NULL, NULL);
	ssize_t n = read(fd, f->asked, sizeof(f->asked) - 1);

	f->asked[n > 0 ? n : 0] = '\0';
	if (f->answer[0])
		assert_true(write(fd, f->answer, strlen(f->answer)) > 0);
	close(fd);
	close(f->fd);
	return NULL;
}

static void
fake_start(struct fake *f, struct harness *h, const char *answer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = scratch_path(&h->scratch, "c.sock");

	*f = (struct fake){.answer = answer};
	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->fd, 1), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, on_thread, f), 0);
}

static void
fake_end(struct fake *f, const char *asked)
{
	pthread_join(f->thread, NULL);
	assert_string_equal(f->asked, asked);
}

static void
test_commands(void **state)
{
	static const struct {
		cli_command_fn *fn;
		const char *args, *asked, *answer, *out;
	} cases[] = {
		{cmd_reload, "reload", "{\"request\":\"reload\"}\n", "{\"ok\":true}\n",
			"The node has read DIR/x.ini again.\n"},
		{cmd_reload, "reload", "{\"request\":\"reload\"}\n",
			"{\"ok\":true,\"changes\":0,\"restart_needed\":0}\n",
			"The node has read DIR/x.ini again, and nothing in it is different.\n"},
		{cmd_reload, "reload", "{\"request\":\"reload\"}\n",
			"{\"ok\":true,\"changes\":3,\"restart_needed\":1}\n",
			"The node has read DIR/x.ini again.\n"
			"1 of what it says counts only after a restart of the node: see "
			"restart_needed in the log.\n"},
		{cmd_drain, "drain", "{\"request\":\"drain\"}\n",
			"{\"ok\":true,\"drain_ms\":30000}\n",
			"The node takes no new connections. It ends when those that are open have "
			"finished, after 30s at the latest.\n"},
		{cmd_drain, "drain", "{\"request\":\"drain\"}\n", "{\"ok\":true,\"drain_ms\":0}\n",
			"The node ends: `drain` gives open connections no time to finish.\n"},
		{cmd_stop, "stop", "{\"request\":\"stop\"}\n", "{\"ok\":true}\n",
			"The node has ended.\n"},
		{cmd_renew, "renew hq", "{\"request\":\"renew\",\"peer\":\"hq\"}\n",
			"{\"ok\":true,\"links\":1,\"wait_ms\":0}\n",
			"hq: the session keys of 1 link are being renewed.\n"},
		{cmd_renew, "renew hq", "{\"request\":\"renew\",\"peer\":\"hq\"}\n",
			"{\"ok\":true,\"links\":2,\"wait_ms\":58500}\n",
			"hq: the session keys of 2 links will be renewed in 59s, not sooner after "
			"the last time.\n"},
		{cmd_log, "log debug", "{\"request\":\"log\",\"level\":\"debug\"}\n",
			"{\"ok\":true}\n",
			"The node logs events of the level debug and graver ones, until it is told "
			"otherwise or starts again.\n"},
		{cmd_log, "log info --json", "{\"request\":\"log\",\"level\":\"info\"}\n",
			"{\"ok\": true}\n", "{\"ok\":true}\n"},
		{cmd_status, "status --json", "{\"request\":\"status\"}\n",
			"{\"ok\":true,\"status\":{\"node\":{}}}\n", "{\"node\":{}}\n"},
	};
	struct harness h;
	struct fake fake;
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_start(&fake, &h, cases[i].answer);
		assert_int_equal(harness_run(&h, cases[i].fn, "", cases[i].args), 0);
		fake_end(&fake, cases[i].asked);
		assert_string_equal(h.out, cases[i].out);
		assert_string_equal(h.err, "");
	}
	harness_fini(&h);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *answer, *err;
	} cases[] = {
		{"{\"ok\":false,\"error\":\"there is no such peer\"}\n",
			"secureconn: there is no such peer\n"},
		{"{}\n", "secureconn: the node refuses, without a reason\n"},
		{"[]\n",
			"secureconn: DIR/c.sock: the node gives no answer: the connection ended\n"},
		{"{\"ok\":tr",
			"secureconn: DIR/c.sock: the node gives no answer: the connection ended\n"},
		{"", "secureconn: DIR/c.sock: the node gives no answer: the connection ended\n"},
	};
	struct harness h;
	struct fake fake;
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_start(&fake, &h, cases[i].answer);
		assert_int_equal(harness_run(&h, cmd_renew, "", "renew hq"), 1);
		fake_end(&fake, "{\"request\":\"renew\",\"peer\":\"hq\"}\n");
		assert_string_equal(h.out, "");
		assert_string_equal(h.err, cases[i].err);
	}
	harness_fini(&h);
}

static void
test_no_node(void **state)
{
	const struct request request = {.kind = REQUEST_KEYS};
	struct config *config;
	struct errmsg err;
	struct harness h;
	struct fake fake;
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	assert_int_equal(harness_run(&h, cmd_status, "", "status"), 1);
	harness_contains(h.err,
		"no node is running with this configuration (there is no DIR/c.sock); start it "
		"with: secureconn -c DIR/x.ini run\n");
	fake_start(&fake, &h, "{\"ok\":true}\n");
	assert_int_equal(config_load(&config, h.config_path, &err), SC_OK);
	struct json_object *answer = client_question(config, &request);
	assert_non_null(answer);
	json_object_put(answer);
	fake_end(&fake, "{\"request\":\"keys\"}\n");
	/* The socket is still there, and nobody behind it. */
	assert_null(client_question(config, &request));
	assert_true(client_wait_end(config, 0));
	config_free(config);
	assert_int_equal(harness_run(&h, cmd_status, "", "status --watch"), 1);
	harness_contains(
		h.err, "(nobody answers at DIR/c.sock, which one that ended badly has left)");
	harness_config(&h, "[node]\nname = n\ncontrol =\n");
	assert_int_equal(harness_run(&h, cmd_stop, "", "stop"), 1);
	harness_contains(h.err, "`control` in [node] of DIR/x.ini is empty");
	harness_fini(&h);
}

static void
test_usage(void **state)
{
	static const struct {
		cli_command_fn *fn;
		const char *args, *err;
	} cases[] = {
		{cmd_status, "status 2", "too many arguments, from 2"},
		{cmd_status, "status --watch=2 3", "too many arguments, from 3"},
		{cmd_status, "status --watch 0.01", "--watch takes seconds, from 0.1 to 3600"},
		{cmd_status, "status --watch=x", "and not \"x\""},
		{cmd_status, "status --watch=nan", "and not \"nan\""},
		{cmd_status, "status --watch=", "and not \"\""},
		{cmd_status, "status --json=1", "takes no value"},
		{cmd_renew, "renew", "an argument is missing: PEER"},
		{cmd_renew, "renew ../x", "this cannot be the name of a peer"},
		{cmd_log, "log", "an argument is missing: LEVEL"},
		{cmd_log, "log loud",
			"the level is error, warning, info or debug, and not \"loud\""},
		{cmd_stop, "stop now", "too many arguments"},
		{cmd_reload, "reload --now", "there is no option --now"},
		{cmd_drain, "drain x", "too many arguments"},
	};
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(harness_run(&h, cases[i].fn, "", cases[i].args), 2);
		harness_contains(h.err, cases[i].err);
	}
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_node),
		cmocka_unit_test(test_usage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
