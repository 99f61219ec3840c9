/* Tests cli/status_text.c: how a whole page looks, narrow and wide. */
#include "unit.h"

#include "cli/status_text.h"

static const char picture[] =
	"{\"node\":{\"name\":\"store-7\",\"version\":\"1\",\"pid\":12,\"state\":\"running\","
	"\"age_s\":93784,"
	"\"listen\":[\"0.0.0.0:7400\",\"[::]:7400\"],\"workers\":2,\"memory_bytes\":18874368,"
	"\"unauthenticated\":1,\"unauthenticated_max\":256,\"callers_refused\":3,"
	"\"handshakes_failed\":4,\"limits_reached\":{\"source\":3,\"streams\":12},"
	"\"log\":\"info\",\"log_dropped\":12},"
	"\"peers\":[{\"name\":\"hq\",\"state\":\"up\",\"address\":[\"hq.example.com:7400\"],"
	"\"error\":\"203.0.113.5:7400: the deadline has passed\",\"error_age_s\":7200,"
	"\"waiting\":0,\"suspended\":2,"
	"\"links\":[{\"address\":\"203.0.113.5:7400\",\"dialed\":true,"
	"\"protocol\":\"SecureConn 1.1\",\"asymmetric\":\"ElGamal 3072\",\"symmetric\":\"AES 256\","
	"\"implementation\":\"gcrypt\",\"age_s\":185,\"keys_age_s\":65,\"renewal_in_s\":86335,"
	"\"renewals\":1,\"rtt_us\":12345,\"streams\":2}],\"links_total\":2,\"streams_total\":40,"
	"\"bytes_in\":1610612736,\"bytes_out\":2048,\"rate_in\":3565158,\"rate_out\":17,"
	"\"resumed\":1},"
	"{\"name\":\"shop\",\"state\":\"rejected\",\"address\":[\"192.0.2.1:7400\"],"
	"\"retry_in_ms\":1500,\"waiting\":2,\"suspended\":1,\"links\":[]}],"
	"\"routes\":[{\"name\":\"db\",\"listen\":[\"127.0.0.1:5432\"],\"peers\":[\"hq\",\"hq-dr\"],"
	"\"service\":\"inventory\",\"connections\":2,\"total\":9,"
	"\"refused\":{\"peer_absent\":1,\"limit\":2,\"new_one\":3},"
	"\"bytes_in\":1,\"bytes_out\":2}],"
	"\"services\":[{\"name\":\"web\",\"connect\":[\"127.0.0.1:80\",\"/web.sock\"],"
	"\"connections\":0,\"total\":0,\"refused\":{}}],"
	"\"unknown_services\":{\"total\":5,\"refused\":{\"denied\":5}}}";

static char *
render(const char *json, unsigned width, bool colour)
{
	const struct status_look look = {width, colour, "secureconn -c x.ini"};
	struct json_object *o = json_tokener_parse(json);
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	status_text(out, o, &look);
	fclose(out);
	json_object_put(o);
	return text;
}

static void
test_page(void **state)
{
	char *text = render(picture, 80, false);
	(void)state;

	assert_string_equal(text,
		"node store-7: running for 1 d 2 h\n"
		"  process      version 1, pid 12, 2 workers, 18.0 MiB of memory\n"
		"  listens      0.0.0.0:7400, [::]:7400\n"
		"  callers      1 of 256 places taken by strangers; 3 refused, 4 failed\n"
		"  limits met   3 source, 12 streams\n"
		"  log          12 lines dropped: not read in time, or not to be written\n"
		"\n"
		"peer hq: up\n"
		"  link         203.0.113.5:7400, dialed 3 min 5 s ago, 12.3 ms away\n"
		"  algorithms   SecureConn 1.1, ElGamal 3072, AES 256 (gcrypt)\n"
		"  keys         1 min 5 s old, next in 23 h 58 min; 1 renewal\n"
		"  connections  2 open, 40 in all\n"
		"  traffic      1.5 GiB in, 2.0 KiB out; now 3.4 MiB/s in, 17 B/s out\n"
		"  suspended    2 waiting for another link\n"
		"  resumed      1 session outlived a lost link\n"
		"  last error   203.0.113.5:7400: the deadline has passed, 2 h 0 min ago\n"
		"\n"
		"peer shop: rejected, next try in 2 s\n"
		"  state        its operator has not verified the key of this node\n"
		"  address      192.0.2.1:7400\n"
		"  waiting      2 connections wait for a link\n"
		"  suspended    1 waiting for another link\n"
		"\n"
		"route db\n"
		"  leads        127.0.0.1:5432 -> inventory at hq, hq-dr\n"
		"  connections  2 open, 9 in all\n"
		"  traffic      1 B in, 2 B out\n"
		"  refused      1 the peer is not connected, 2 too many at once, 3 new_one\n"
		"\n"
		"service web\n"
		"  leads        to 127.0.0.1:80, /web.sock\n"
		"  connections  0 open, 0 in all\n"
		"\n"
		"services that do not exist\n"
		"  refused      5 denied\n");
	free(text);
}

/* No line is longer than the terminal, and the words stay whole. */
static void
test_narrow(void **state)
{
	char *text = render(picture, 60, false), *rest = text, *line;
	unsigned lines = 0;
	(void)state;

	assert_non_null(strstr(text, "  traffic      1.5 GiB in, 2.0 KiB out; now 3.4 MiB/s in,\n"
				     "               17 B/s out\n"));
	while ((line = strsep(&rest, "\n"))) {
		assert_true(strlen(line) <= 60);
		lines++;
	}
	assert_true(lines > 30);
	free(text);
}

/* At no width does a line end with a number that has its unit in the next one, and none is longer
   than it may be if its words are not. */
static void
test_numbers_keep_their_units(void **state)
{
	(void)state;
	for (unsigned width = 40; width <= 100; width++) {
		char *text = render(picture, width, false), *rest = text, *line;
		while ((line = strsep(&rest, "\n"))) {
			const char *last = strrchr(line, ' ');
			bool number = last && last[1] &&
				      strspn(last + 1, "0123456789.") == strlen(last + 1);
			if (number && strncmp(line, "node", 4) != 0)
				fail_msg("at %u columns: \"%s\"", width, line);
		}
		free(text);
	}
}

static void
test_no_key(void **state)
{
	char *text = render("{\"peers\":[{\"name\":\"hq\",\"state\":\"no key\"}]}", 80, false);
	(void)state;

	assert_non_null(strstr(
		text, "none of its keys is verified here: secureconn -c x.ini verify hq\n"));
	free(text);
	text = render("{\"peers\":[{\"name\":\"hq\",\"state\":\"no key\",\"configured\":"
		      "false}]}",
		80, false);
	assert_non_null(strstr(text, "the configuration has no section for it any more\n"));
	assert_null(strstr(text, "verify"));
	free(text);
}

static void
test_colour(void **state)
{
	char *text = render(picture, 80, true);
	(void)state;

	assert_non_null(strstr(text, "peer \033[1mhq\033[0m: \033[32mup\033[0m\n"));
	assert_non_null(strstr(text, "peer \033[1mshop\033[0m: \033[31mrejected\033[0m, next"));
	free(text);
}

/* A link for each connection: not all of them are shown, but what goes over them is counted. */
static void
test_many_links(void **state)
{
	char *text =
		render("{\"peers\":[{\"name\":\"hq\",\"state\":\"up\",\"links_total\":5,\"links\":["
		       "{\"address\":\"a:1\",\"streams\":1},{\"address\":\"a:2\",\"streams\":1},"
		       "{\"address\":\"a:3\",\"streams\":1},{\"address\":\"a:4\",\"streams\":1},"
		       "{\"address\":\"a:5\",\"streams\":1}]}]}",
			80, false);
	(void)state;

	assert_null(strstr(text, "a:2"));
	assert_non_null(strstr(text, "link         a:3"));
	assert_non_null(strstr(text, "link         and 2 older ones\n"));
	assert_non_null(strstr(text, "connections  5 open"));
	free(text);
}

/* A node of another version may say less. */
static void
test_missing(void **state)
{
	static const char *const texts[] = {"{}", "{\"peers\":7,\"routes\":{},\"node\":[]}",
		"{\"node\":{},\"peers\":[{}],\"routes\":[{}],\"services\":[{}]}",
		"{\"peers\":[{\"links\":[{}],\"links_total\":1}],\"routes\":[{\"refused\":5}]}",
		"{\"peers\":[null,1,\"x\"],\"unknown_services\":null}"};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(render(texts[i], 80, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_numbers_keep_their_units),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_many_links),
		cmocka_unit_test(test_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
