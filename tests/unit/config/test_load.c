/* Tests config/load.c: whole files, and what is said about wrong ones. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "scratch.h"

#define NODE "[node]\nname = n\n"

/* Loads a text as x.ini; messages lose the name of the folder, which is another one each time. */
static enum sc_error
load(struct scratch *s, struct config **config, const char *text, size_t n, struct errmsg *err)
{
	scratch_write(s, "x.ini", text, n);
	enum sc_error error = config_load(config, scratch_path(s, "x.ini"), err);
	assert_true((error == SC_OK) == (*config != NULL));
	if (error == SC_OK)
		return error;
	size_t prefix = strlen(s->folder) + 1;
	for (char *at; (at = strstr(err->text, s->folder));)
		memmove(at, at + prefix, strlen(at + prefix) + 1);
	return error;
}

static void
test_everything(void **state)
{
	static const char text[] =
		"[node]\nname = store-7\nlisten = 0.0.0.0:7400, [::]:7400\nstate = st\n"
		"asymmetric = X25519, ElGamal 3072\nsymmetric = CAST-128\n"
		"implementations = nettle\nallow_weak = yes\nlog = debug\nlog_format = json\n"
		"log_to = syslog\ndrain = 5s\nworkers = 3\n[limits]\nhandshake = 3s\n"
		"ratchet_bytes = 64K\n[peer hq]\naddress = hq.example.com:7400,\n"
		"  hq2.example.com:7401\nconnect = demand\nkeepalive = 1m\n[peer store-1]\n"
		"[route db]\nlisten = 127.0.0.1:5432, /run/db.sock\npeer = hq\n"
		"service = inventory\nconnect_timeout = 2s\nidle = 1h\nmax_connections = 7\n"
		"[service web]\nconnect = 10.0.0.1:80\nallow = *\nplaintext = allow\n"
		"connect_timeout = 1s\n";
	struct scratch s;
	struct config *c;
	struct errmsg err;
	char state_path[SCRATCH_PATH_SIZE];
	(void)state;

	scratch_init(&s);
	if (load(&s, &c, text, strlen(text), &err) != SC_OK)
		fail_msg("%s", err.text);
	assert_string_equal(c->node.name, "store-7");
	assert_int_equal(c->node.listen.n, 2);
	assert_string_equal(c->node.listen.at[1].text, "[::]:7400");
	snprintf(state_path, sizeof(state_path), "%s/st", s.folder);
	assert_string_equal(c->node.state, state_path);
	assert_int_equal(c->node.asymmetric.n, 2);
	assert_string_equal(c->node.asymmetric.at[1], "ElGamal 3072");
	assert_int_equal(c->node.asymmetric.line, 5);
	assert_true(c->node.allow_weak);
	assert_int_equal(c->node.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->node.log_format, LOG_FORMAT_JSON);
	assert_int_equal(c->node.log_to, LOG_TO_SYSLOG);
	assert_true(c->node.drain == 5 * NS_PER_S);
	assert_int_equal(config_workers(c), 3);
	assert_true(c->node.rekey_after == 24 * 3600 * NS_PER_S);
	assert_true(c->limits.handshake == 3 * NS_PER_S);
	assert_true(c->limits.ratchet_bytes == 65536);
	assert_int_equal(c->limits.source_rate, 20);
	assert_int_equal(c->n_peers, 2);
	assert_int_equal(c->peers[0].address.n, 2);
	assert_string_equal(c->peers[0].address.at[1].host, "hq2.example.com");
	assert_true(c->peers[0].on_demand);
	assert_true(c->peers[0].keepalive == 60 * NS_PER_S);
	assert_int_equal(c->peers[1].line, 22);
	assert_int_equal(c->peers[1].address.n, 0);
	assert_false(c->peers[1].on_demand);
	assert_true(c->peers[1].keepalive == 15 * NS_PER_S);
	assert_int_equal(c->n_routes, 1);
	assert_true(c->routes[0].listen.at[1].is_unix);
	assert_string_equal(c->routes[0].service, "inventory");
	assert_true(c->routes[0].idle == 3600 * NS_PER_S);
	assert_int_equal(c->routes[0].max_connections, 7);
	assert_int_equal(c->n_services, 1);
	assert_true(c->services[0].plaintext);
	assert_true(c->services[0].connect_timeout == NS_PER_S);
	config_free(c);
	scratch_fini(&s);
}

static void
test_defaults(void **state)
{
	static const char text[] = NODE "[peer p]\n[route r]\nlisten = [::1]:1\npeer = p\n";
	struct scratch s;
	struct config *c;
	struct errmsg err;
	(void)state;

	scratch_init(&s);
	assert_int_equal(load(&s, &c, text, strlen(text), &err), SC_OK);
	assert_int_equal(c->node.listen.n, 0);
	assert_string_equal(c->node.state, "/var/lib/secureconn");
	assert_int_equal(c->node.asymmetric.n, 1);
	assert_string_equal(c->node.asymmetric.at[0], "ElGamal 3072");
	assert_int_equal(c->node.asymmetric.line, 0);
	assert_int_equal(c->node.symmetric.n, 4);
	assert_string_equal(c->node.symmetric.at[3], "CAST-128");
	assert_string_equal(c->node.implementations.at[0], "gcrypt");
	assert_int_equal(c->node.log_level, LOG_LEVEL_INFO);
	assert_true(c->node.drain == 30 * NS_PER_S);
	assert_int_equal(c->node.workers, 0);
	assert_in_range(config_workers(c), 1, 4);
	assert_false(c->node.allow_weak);
	assert_string_equal(c->routes[0].service, "r");
	assert_true(c->routes[0].connect_timeout == 10 * NS_PER_S);
	assert_int_equal(c->routes[0].max_connections, 4096);
	assert_true(c->routes[0].idle == 0);
	config_free(c);
	scratch_fini(&s);
}

static void
test_empty_file_takes_the_host_name(void **state)
{
	struct scratch s;
	struct config *c;
	struct errmsg err;
	char host[128] = "";
	(void)state;

	scratch_init(&s);
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	enum sc_error error = load(&s, &c, "", 0, &err);
	if (config_name_valid(host)) {
		assert_int_equal(error, SC_OK);
		assert_string_equal(c->node.name, host);
		assert_string_equal(c->node.state, "/var/lib/secureconn");
	} else {
		assert_int_equal(error, SC_ERR_INVALID);
	}
	config_free(c);
	scratch_fini(&s);
}

static const struct {
	const char *text, *message;
} wrong[] = {
	{"name = x\n",
		"x.ini:1: the key \"name\" stands before any section; write [node] above it"},
	{"[pear hq]\n", "x.ini:1: there is no section [pear]; did you mean \"peer\"?"},
	{"[tunnel]\n",
		"x.ini:1: there is no section [tunnel]; there are [node], [peer NAME], [route "
		"NAME], [service NAME], [limits]"},
	{"[]\n", "x.ini:1: there is no section []; there are [node], [peer NAME], [route NAME], "
		 "[service NAME], [limits]"},
	{"[peer]\n", "x.ini:1: [peer] needs a name; write [peer NAME]"},
	{"[node a]\n", "x.ini:1: [node] takes no name; write [node]"},
	{"[peer a b]\n",
		"x.ini:1: [peer a b]: the name must have 1 to 64 letters, digits, \".\", \"_\" "
		"and \"-\", no \".\" first"},
	{"[service ../x]\n", "x.ini:1: [service ../x]: the name must have 1 to 255 letters, "
			     "digits, \".\", \"_\" and \"-\", no \".\" first"},
	{NODE "[node]\n", "x.ini:3: [node] is there already, x.ini:1; merge the two"},
	{NODE "[peer a]\n[peer b]\n[peer a]\n",
		"x.ini:5: [peer a] is there already, x.ini:3; merge the two"},
	{NODE "name = m\n",
		"x.ini:3: [node] name: is there already, in line 2; remove one of the two"},
	{NODE "adress = x\n",
		"x.ini:3: [node]: there is no key \"adress\"; there are name, listen, "
		"state, user, asymmetric, symmetric, implementations, allow_weak, log, "
		"log_format, log_to, rekey_after, rekey_bytes, workers, drain, control, metrics, "
		"include"},
	{NODE "[peer a]\nadress = x\n",
		"x.ini:4: [peer a]: there is no key \"adress\"; did you mean \"address\"?"},
	{NODE "Listen = x\n",
		"x.ini:3: [node]: there is no key \"Listen\"; did you mean \"listen\"?"},
	{NODE "log = loud\n", "x.ini:3: [node] log: \"loud\" is not known here; write one of "
			      "error/warning/info/debug"},
	{NODE "drain = 2h\n", "x.ini:3: [node] drain: 2h is out of range; write 0 to 1h"},
	{NODE "drain = 1s\n  2s\n",
		"x.ini:4: [node] drain: takes one value, in one line; remove this line"},
	{NODE "listen = 1.2.3.4:1,\n 1.2.3.4:x\n", "x.ini:4: [node] listen: \"1.2.3.4:x\" has no "
						   "port from 1 to 65535; write host:port or "
						   "[IPv6]:port"},
	{"[node]\nname = -/-\n",
		"x.ini:2: [node] name: \"-/-\" is no name; use 1 to 64 letters, digits, "
		"\".\", \"_\" and \"-\", no \".\" first"},
	{"[node]\nname =\n", "x.ini:2: [node] name: \"\" is no name; use 1 to 64 letters, digits, "
			     "\".\", \"_\" and \"-\", no \".\" first"},
	{NODE "[route r]\npeer = p\n[peer p]\n",
		"x.ini:3: [route r]: listen is missing; add listen = 127.0.0.1:5432"},
	{NODE "[service s]\nconnect = 127.0.0.1:1\n",
		"x.ini:3: [service s]: allow is missing; add allow = store-7, store-8"},
	{NODE "[route r]\nlisten = 127.0.0.1:1\npeer = hq\n[peer hq2]\n",
		"x.ini:5: [route r] peer: there is no [peer hq]; did you mean \"hq2\"?"},
	{NODE "listen = 127.0.0.1:1\nword\n[x]\n",
		"x.ini:4: there is no \"=\" in this line; write it as key = value"},
	{NODE "include = x.ini\n", "x.ini:1: [node] is there already, x.ini:1; merge the two"},
	{NODE "include = y.ini\n",
		"x.ini:3: [node] include: there is no file y.ini; correct the name, or remove "
		"this line"},
};

static void
test_errors(void **state)
{
	struct scratch s;
	struct config *c;
	struct errmsg err;
	(void)state;

	scratch_init(&s);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_not_equal(
			load(&s, &c, wrong[i].text, strlen(wrong[i].text), &err), SC_OK);
		assert_string_equal(err.text, wrong[i].message);
	}
	scratch_fini(&s);
}

static void
test_no_file(void **state)
{
	struct config *c;
	struct errmsg err;
	(void)state;
	assert_int_equal(config_load(&c, "/nonexistent/x.ini", &err), SC_ERR_NOT_FOUND);
	assert_null(c);
}

static void
test_include(void **state)
{
	static const char first[] =
		NODE "include = conf.d/*.ini\n[route r]\nlisten = 127.0.0.1:1\npeer = b\n";
	static const char peers[] = "[peer a]\n[peer b]\n", again[] = "[peer a]\n";
	static const char nested[] = "[node]\ninclude = y\n";
	struct scratch s;
	struct config *c;
	struct errmsg err;
	(void)state;

	scratch_init(&s);
	assert_int_equal(
		load(&s, &c, first, strlen(first), &err), SC_ERR_INVALID); /* no files yet */
	assert_string_equal(
		err.text, "x.ini:6: [route r] peer: there is no [peer b]; add that section");
	assert_int_equal(mkdir(scratch_path(&s, "conf.d"), 0700), 0);
	scratch_write(&s, "conf.d/1.ini", peers, strlen(peers));
	scratch_write(&s, "conf.d/2.txt", "garbage", 7);
	assert_int_equal(load(&s, &c, first, strlen(first), &err), SC_OK);
	assert_int_equal(c->n_peers, 2);
	assert_int_equal(c->n_files, 2);
	assert_string_equal(c->peers[1].file, scratch_path(&s, "conf.d/1.ini"));
	config_free(c);

	scratch_write(&s, "conf.d/2.ini", again, strlen(again));
	assert_int_equal(load(&s, &c, first, strlen(first), &err), SC_ERR_INVALID);
	assert_string_equal(err.text,
		"conf.d/2.ini:1: [peer a] is there already, conf.d/1.ini:1; merge the two");
	scratch_write(&s, "conf.d/2.ini", nested, strlen(nested));
	assert_int_equal(load(&s, &c, "include = conf.d/2.ini", 22, &err), SC_ERR_INVALID);
	assert_int_equal(load(&s, &c, "[node]\ninclude = conf.d/2.ini", 29, &err), SC_ERR_INVALID);
	assert_string_equal(
		err.text, "conf.d/2.ini:1: [node] is there already, x.ini:1; merge the two");
	scratch_fini(&s);
}

/* Random changes to a good file, and random bytes: never a crash, always an answer. */
static void
test_random_input(void **state)
{
	static const char good[] = NODE
		"listen = 0.0.0.0:7400, [::]:7400\ndrain = 5s ; text\n[peer hq]\n"
		"address = hq:1,\n  hq2:2\n[route r]\nlisten = /a.sock\npeer = hq\n[service s]\n"
		"connect = localhost:1\nallow = *\n";
	struct seeded_random random;
	struct scratch s;
	struct config *c;
	struct errmsg err;
	size_t loaded = 0;
	char text[sizeof(good)];
	(void)state;

	scratch_init(&s);
	seeded_random_init(&random, 7);
	for (int round = 0; round < 2000; round++) {
		size_t n = seeded_random_below(&random, sizeof(text));
		memcpy(text, good, sizeof(text));
		if (round % 2)
			random_fill(&random.source, (uint8_t *)text, n);
		else
			n = strlen(good);
		for (size_t i = 0; i < 1 + (size_t)round % 4; i++)
			text[seeded_random_below(&random, sizeof(good))] =
				"[]=\n ;,:\0\xffx"[seeded_random_below(&random, 11)];
		err.text[0] = '\0';
		if (load(&s, &c, text, n, &err) == SC_OK)
			loaded++;
		else
			assert_memory_equal(err.text, "x.ini:", 6);
		config_free(c);
	}
	assert_true(loaded > 10 && loaded < 1500);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_empty_file_takes_the_host_name),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_random_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
