/* Tests cli/check.c. */
#include "harness.h"

#include <json.h>

static const char text[] =
	"[node]\nname = n\nstate = s\nworkers = 3\nasymmetric = X25519\nimplementations = nettle\n"
	"listen = 127.0.0.1:7400\nmetrics = 127.0.0.1:9740\n"
	"[peer hq]\naddress = hq:1, hq:2\n[peer branch]\n"
	"[route db]\nlisten = 127.0.0.1:5432, /run/db\npeer = hq\nidle = 5m\n"
	"[route web]\nlisten = 127.0.0.1:8080\npeer = hq, branch\npolicy = balance\n"
	"[service web]\nconnect = 127.0.0.1:80\nallow = branch, hq\n";

static void
test_text(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h, text);
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_DONE);
	assert_string_equal(h.out,
		"DIR/x.ini: nothing is wrong with it.\n"
		"\nNode n\n"
		"  peers reach it at  127.0.0.1:7400\n"
		"  keys and peers in  DIR/s\n"
		"  workers            3\n"
		"  commands reach it  DIR/s/control.sock\n"
		"  metrics at         127.0.0.1:9740\n"
		"  kinds of keys      X25519\n"
		"  ciphers            AES 256 (nettle), AES 128 (nettle), ChaCha20-Poly1305 "
		"(nettle), "
		"CAST-128 (nettle)\n"
		"\nPeer hq: its key cannot be seen\n"
		"  dialed at          hq:1, hq:2, a link is kept up\n"
		"\nPeer branch: its key cannot be seen\n"
		"  it dials us\n"
		"\nRoute db\n"
		"  what connects to   127.0.0.1:5432, /run/db\n"
		"  reaches            service db at peer hq\n"
		"  limits             4096 connections, 10s to connect, idle 5m\n"
		"\nRoute web\n"
		"  what connects to   127.0.0.1:8080\n"
		"  reaches            service web at the peer with the fewest connections of hq, "
		"branch\n"
		"  limits             4096 connections, 10s to connect, idle for ever\n"
		"\nService web\n"
		"  may be used by     branch, hq\n"
		"  leads to           127.0.0.1:80\n"
		"\nNote: DIR/s: there is no such folder; make it with: "
		"secureconn -c DIR/x.ini init\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	harness_note(&h, "s", "hq", 1);
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_DONE);
	assert_null(strstr(h.out, "Note:"));
	harness_fini(&h);
}

static void
test_notes_and_errors(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = X25519\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = ElGamal 2048\n");
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_DONE);
	harness_contains(h.out, "  peers reach it at  nothing: it only dials out\n");
	harness_contains(h.out, "\nNote: there is no ElGamal 2048 key yet; make it with: "
				"secureconn -c DIR/x.ini init\n");
	harness_contains(h.out, "\nNote: there is no [route NAME] and no [service NAME]: nothing "
				"will be carried\n");
	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = X25519\n"
			   "[peer hq]\nidentity = i\n[peer b]\nidentity = i\n");
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_DONE);
	const char *note = strstr(h.out, "\nNote: there is no X25519 key of the identity i yet; "
					 "make it with: secureconn -c DIR/x.ini init\n");
	assert_non_null(note);
	assert_null(strstr(note + 1, "\nNote: there is no X25519 key"));
	harness_config(
		&h, "[node]\nname = n\nstate = s\ncontrol =\nasymmetric = X25519\n[peer hq]\n");
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_DONE);
	harness_contains(h.out, "  commands reach it  nowhere\n");
	harness_contains(h.out, "\nPeer hq: no key is verified\n  it dials us, which it cannot\n");
	harness_contains(h.out,
		"\nNote: neither side can dial: [peer hq] has no address, and [node] has no "
		"listen; DIR/x.ini:6\n");
	harness_config(&h, "[node]\nname = n\nlisten = 1\n");
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_USAGE);
	assert_string_equal(h.out, "");
	assert_string_equal(h.err,
		"secureconn: DIR/x.ini:3: [node] listen: \"1\" has no port; write "
		"host:port or [IPv6]:port\n");
	harness_fini(&h);
}

static void
test_json(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h, text);
	assert_int_equal(harness_run(&h, cmd_check, "", "check --json"), CLI_DONE);
	assert_string_equal(h.out,
		"{\"node\":{\"name\":\"n\",\"listen\":[\"127.0.0.1:7400\"],\"state\":\"DIR/s\","
		"\"user\":\"\",\"workers\":3,\"control\":\"DIR/s/control.sock\","
		"\"metrics\":[\"127.0.0.1:9740\"],"
		"\"asymmetric\":[\"X25519\"],\"symmetric\":["
		"{\"name\":\"AES 256\",\"implementation\":\"nettle\"},"
		"{\"name\":\"AES 128\",\"implementation\":\"nettle\"},"
		"{\"name\":\"ChaCha20-Poly1305\",\"implementation\":\"nettle\"},"
		"{\"name\":\"CAST-128\",\"implementation\":\"nettle\"}]},"
		"\"peers\":[{\"name\":\"hq\",\"address\":[\"hq:1\",\"hq:2\"],\"connect\":"
		"\"always\","
		"\"verified\":null,\"sources\":[]},"
		"{\"name\":\"branch\",\"address\":[],\"connect\":\"always\","
		"\"verified\":null,\"sources\":[]}],"
		"\"routes\":[{\"name\":\"db\",\"listen\":[\"127.0.0.1:5432\",\"/run/"
		"db\"],\"peers\":[\"hq\"],\"policy\":\"failover\","
		"\"service\":\"db\",\"link\":\"shared\",\"max_connections\":4096},"
		"{\"name\":\"web\",\"listen\":[\"127.0.0.1:8080\"],\"peers\":[\"hq\",\"branch\"],"
		"\"policy\":\"balance\",\"service\":\"web\",\"link\":\"shared\","
		"\"max_connections\":4096}],"
		"\"services\":[{\"name\":\"web\",\"connect\":[\"127.0.0.1:80\"],"
		"\"allow\":[\"branch\",\"hq\"],\"send_proxy\":\"off\",\"source\":\"node\"}]}\n");
	harness_fini(&h);
}

/* Of a list that is too long for people all is whole that is shown, and the rest is counted. */
static void
test_long_list(void **state)
{
	struct harness h;
	char *config;
	size_t n;
	FILE *file = open_memstream(&config, &n);
	(void)state;

	assert_non_null(file);
	fputs("[service s]\nconnect = 127.0.0.1:1\nallow = store-0", file);
	for (unsigned i = 1; i < 300; i++)
		fprintf(file, ",\n  store-%u", i);
	for (unsigned i = 0; i < 300; i++)
		fprintf(file, "\n[peer store-%u]", i);
	fclose(file);
	harness_init(&h);
	harness_config(&h, config);
	free(config);
	assert_int_equal(harness_run(&h, cmd_check, "", "check"), CLI_DONE);
	assert_non_null(strstr(h.out, "store-0, store-1, "));
	assert_non_null(strstr(h.out, ", store-99 and 200 more\n"));
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_notes_and_errors),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
