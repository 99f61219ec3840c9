/* Tests admin/status_json.c and proxy/status.c: every fact of the picture is in it, under its
   documented name, piece by piece. */
#include "unit.h"

#include <json.h>

#include "admin/status_json.h"
#include "proxy/tally.h"
#include "scratch.h"

static const char text[] =
	"[node]\nname = store-7\nlisten = 127.0.0.1:7400\n"
	"[peer hq]\naddress = hq.example.com:7400\n[peer shop]\n"
	"[route db]\nlisten = 127.0.0.1:5432\npeer = hq\nservice = inventory\n"
	"[service web]\nconnect = 127.0.0.1:80\nallow = *\n";

static struct config *
load(void)
{
	struct scratch s;
	struct config *c;
	struct errmsg err;

	scratch_init(&s);
	scratch_write(&s, "x.ini", text, strlen(text));
	if (config_load(&c, scratch_path(&s, "x.ini"), &err) != SC_OK)
		fail_msg("%s", err.text);
	scratch_fini(&s);
	return c;
}

/* The part at a path such as "peers.0.links", as text. */
static void
expect(struct json_object *o, const char *path, const char *value)
{
	char copy[100], *rest = copy, *key;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((key = strsep(&rest, "."))) {
		if (json_object_is_type(o, json_type_array))
			o = json_object_array_get_idx(o, (size_t)atoi(key));
		else if (!json_object_object_get_ex(o, key, &o))
			fail_msg("%s: there is no %s", path, key);
	}
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						JSON_C_TO_STRING_NOSLASHESCAPE), value);
}

static struct status_peer *
add(struct status_sorter *sorter, const char *name, size_t n_links, const char *address)
{
	struct arena *memory = &sorter->status->memory_of;
	struct status_peer *p = status_peer_new(memory, name, n_links, address ? 1 : 0);

	assert_non_null(p);
	p->n_links = n_links;
	if (address)
		p->addresses[p->n_addresses++] = address;
	p->configured = true;
	status_sorter_add(sorter, p);
	return p;
}

static void
fill_peers(struct status *s)
{
	struct status_sorter sorter;
	struct status_peer *p;

	/* Workers know nothing of the order in the configuration. */
	assert_true(status_sorter_init(&sorter, s, 4));
	p = add(&sorter, "caller", 0, NULL);
	p->state = STATUS_ABSENT;
	p->configured = false;
	add(&sorter, "another", 0, NULL)->state = STATUS_ABSENT;
	p = add(&sorter, "shop", 0, NULL);
	p->state = STATUS_REJECTED;
	p->retry_in = 1500 * NS_PER_MS;
	p->error = "a \"b\"";
	p->error_age = NS_PER_S;
	p = add(&sorter, "hq", 1, "hq.example.com:7400");
	p->state = STATUS_UP;
	p->links[0] = (struct status_link){.address = "203.0.113.5:7400", .name = "h\x1b[q",
		.dialed = true, .protocol = "SecureConn 1.1", .asymmetric = "X25519",
		.symmetric = "AES 256", .implementation = "gcrypt", .age = 5 * NS_PER_S,
		.keys_age = 4 * NS_PER_S, .renewal_in = 3 * NS_PER_S, .renewals = 7,
		.rtt = 1500000, .streams = 2, .bytes_in = 10, .bytes_out = 20};
	p->bytes_in = UINT64_MAX;
	status_sorter_end(&sorter);
}

static struct status *
picture(void)
{
	struct config *c = load();
	struct status *s = status_new(c);

	assert_non_null(s);
	config_free(c);
	fill_peers(s);
	s->age = 90 * NS_PER_S;
	s->memory = 4096;
	s->log_level = "debug";
	s->log_dropped = 11;
	s->workers = 2;
	s->unauthenticated = 3;
	s->places = 256;
	s->reached[REACHED_SOURCE] = 7;
	struct tally *t = tally_get(&s->tallies, TALLY_ROUTE, "db");
	t->now = 1;
	t->total = 9;
	t->refused[TALLY_LIMIT] = 4;
	tally_get(&s->tallies, TALLY_SERVICE, "")->refused[TALLY_DENIED] = 6;
	return s;
}

/* All pieces; the number of them. */
static unsigned
write_all(struct text *out, const struct status *s)
{
	struct status_json j;
	unsigned pieces = 1;

	status_json_init(&j, s);
	for (; status_json_more(&j, out); pieces++)
		;
	assert_false(out->failed);
	return pieces;
}

static void
test_everything(void **state)
{
	struct status *s = picture();
	struct text out;
	(void)state;

	text_init(&out);
	write_all(&out, s);
	text_add(&out, "", 1);
	struct json_object *o = json_tokener_parse(out.data);
	assert_non_null(o);
	/* the form is json-c's */
	assert_string_equal(out.data, json_object_to_json_string_ext(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	expect(o, "node.name", "\"store-7\"");
	expect(o, "node.version", "\"" SC_VERSION "\"");
	expect(o, "node.state", "\"running\"");
	expect(o, "node.age_s", "90");
	expect(o, "node.memory_bytes", "4096");
	expect(o, "node.unauthenticated_max", "256");
	expect(o, "node.limits_reached", "{\"source\":7}");
	expect(o, "node.log", "\"debug\"");
	expect(o, "node.log_dropped", "11");
	expect(o, "node.listen", "[\"127.0.0.1:7400\"]");
	expect(o, "peers.0.name", "\"hq\"");
	expect(o, "peers.0.state", "\"up\"");
	expect(o, "peers.0.address", "[\"hq.example.com:7400\"]");
	expect(o, "peers.0.error", "null");
	expect(o, "peers.0.bytes_in", "18446744073709551615");
	expect(o, "peers.0.links.0.name", "\"h\\\\x1b[q\"");
	expect(o, "peers.0.links.0.protocol", "\"SecureConn 1.1\"");
	expect(o, "peers.0.links.0.dialed", "true");
	expect(o, "peers.0.links.0.keys_age_s", "4");
	expect(o, "peers.0.links.0.renewal_in_s", "3");
	expect(o, "peers.0.links.0.rtt_us", "1500");
	expect(o, "peers.1.state", "\"rejected\"");
	expect(o, "peers.1.error", "\"a \\\"b\\\"\"");
	expect(o, "peers.1.retry_in_ms", "1500");
	expect(o, "peers.1.configured", "true");
	expect(o, "peers.2.name", "\"another\"");
	expect(o, "peers.3.name", "\"caller\"");
	expect(o, "peers.3.configured", "false");
	expect(o, "peers.3.address", "[]");
	expect(o, "routes.0.listen", "[\"127.0.0.1:5432\"]");
	expect(o, "routes.0.service", "\"inventory\"");
	expect(o, "routes.0.connections", "1");
	expect(o, "routes.0.total", "9");
	expect(o, "routes.0.refused", "{\"limit\":4}");
	expect(o, "services.0.connect", "[\"127.0.0.1:80\"]");
	expect(o, "services.0.refused", "{}");
	expect(o, "unknown_services.refused", "{\"denied\":6}");
	json_object_put(o);
	text_fini(&out);
	status_free(s);
}

/* A peer is a piece: with thousands of them none takes long. */
static void
test_pieces(void **state)
{
	struct config *c = load();
	struct status *s = status_new(c);
	struct status_sorter sorter;
	struct text out;
	char name[20];
	(void)state;

	config_free(c);
	assert_true(status_sorter_init(&sorter, s, 5000));
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "p%04d", i * 7 % 5000);
		add(&sorter, name, 0, NULL);
	}
	status_sorter_end(&sorter);
	assert_int_equal(s->n_peers, 5000); /* the two with sections are not there */
	for (size_t i = 1; i < s->n_peers; i++)
		assert_true(strcmp(s->peers[i - 1]->name, s->peers[i]->name) < 0);
	text_init(&out);
	struct status_json j;
	status_json_init(&j, s);
	while (status_json_more(&j, &out)) {
		assert_in_range(out.size, 0, 1000);
		text_clear(&out);
	}
	text_clear(&out);
	assert_in_range(write_all(&out, s), 5000, 5020);
	text_add(&out, "", 1);
	struct json_object *o = json_tokener_parse(out.data);
	assert_non_null(o);
	json_object_put(o);
	text_fini(&out);
	status_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
