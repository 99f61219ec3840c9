/* Tests config/config.c, and loads the files of conf/. */
#include "unit.h"

#include "config/config.h"
#include "config/index.h"

static void
test_free_null(void **state)
{
	(void)state;
	config_free(NULL);
}

/* The sanitizer says if it is freed too early, or never. */
static void
test_hold(void **state)
{
	struct config *c;
	struct errmsg err;
	(void)state;
	assert_int_equal(config_load(&c, CONF_DIR "/site-a.ini", &err), SC_OK);
	assert_ptr_equal(config_hold(c), c);
	config_free(c);
	assert_string_equal(c->peers[0].name, "b");
	config_free(c);
}

static void
test_identities(void **state)
{
	struct config_peer peers[] = {{.identity = ""}, {.identity = "i"}, {.identity = "k"},
		{.identity = "i"}, {.identity = ""}};
	const struct config c = {.peers = peers, .n_peers = ARRAY_SIZE(peers)};
	(void)state;

	assert_null(config_identity_at(&c, 0));
	assert_string_equal(config_identity_at(&c, 1), "i");
	assert_string_equal(config_identity_at(&c, 2), "k");
	assert_null(config_identity_at(&c, 3));
	assert_null(config_identity_at(&c, 4));
}

static void
test_find(void **state)
{
	struct config_peer peers[2] = {{.name = "a"}, {.name = "b"}};
	struct config_service services[1] = {{.name = "web"}};
	struct config c = {.peers = peers, .services = services, .n_services = 1};
	(void)state;
	for (c.n_peers = 1; c.n_peers <= 2; c.n_peers++)
		assert_true(index_add(&c, SECTION_PEER));
	c.n_peers = 2;
	assert_true(index_add(&c, SECTION_SERVICE));
	assert_ptr_equal(config_peer_find(&c, "b"), &peers[1]);
	assert_null(config_peer_find(&c, "c"));
	assert_ptr_equal(config_service_find(&c, "web!", 3), &services[0]);
	assert_null(config_service_find(&c, "web", 2));
	assert_null(config_service_find(&c, "web\0", 4));
	assert_null(config_service_find(&c, "", 0));
	index_free(&c);
}

static void
test_allows(void **state)
{
	char a[] = "a", b[] = "b", any[] = "*";
	char *names[] = {a, b}, *all[] = {any};
	struct config_service some = {.allow = {.at = names, .n = 2}};
	struct config_service everybody = {.allow = {.at = all, .n = 1}};
	struct config_service nobody = {.plaintext = false};
	(void)state;
	assert_true(config_service_allows(&some, "b"));
	assert_false(config_service_allows(&some, "c"));
	assert_false(config_service_allows(&some, "*"));
	assert_true(config_service_allows(&everybody, "c"));
	assert_false(config_service_allows(&nobody, "a"));
}

/* The pair that works on one machine: what one listens on, the other dials. */
static void
test_site_files(void **state)
{
	struct config *a, *b;
	struct errmsg err;
	(void)state;

	if (config_load(&a, CONF_DIR "/site-a.ini", &err) != SC_OK)
		fail_msg("%s", err.text);
	if (config_load(&b, CONF_DIR "/site-b.ini", &err) != SC_OK)
		fail_msg("%s", err.text);
	assert_string_equal(a->node.state, CONF_DIR "/state-a");
	assert_string_equal(b->node.state, CONF_DIR "/state-b");
	assert_string_equal(a->peers[0].address.at[0].text, b->node.listen.at[0].text);
	assert_string_equal(b->peers[0].address.at[0].text, a->node.listen.at[0].text);
	assert_string_equal(a->peers[0].name, b->node.name);
	assert_string_equal(b->peers[0].name, a->node.name);
	assert_non_null(config_service_find(b, a->routes[0].service, strlen(a->routes[0].service)));
	config_free(a);
	config_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_null),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_allows),
		cmocka_unit_test(test_site_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
