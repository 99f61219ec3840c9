/* Tests config/index.c. */
#include "unit.h"

#include "config/index.h"

#define N 300

static void
test_any_order(void **state)
{
	static struct config_peer peers[N];
	struct config c = {.peers = peers};
	char name[20];
	(void)state;

	assert_null(config_find(&c, SECTION_PEER, "p0"));
	/* 7 and 300 have no factor in common: each number once, in a wild order */
	for (size_t i = 0; i < N; i++) {
		snprintf(peers[i].name, sizeof(peers[i].name), "p%zu", i * 7 % N);
		assert_null(config_find(&c, SECTION_PEER, peers[i].name));
		c.n_peers++;
		assert_true(index_add(&c, SECTION_PEER));
		for (size_t k = 0; k <= i; k++)
			assert_ptr_equal(config_find(&c, SECTION_PEER, peers[k].name), &peers[k]);
	}
	for (size_t i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%zu+", i);
		assert_null(config_find(&c, SECTION_PEER, name));
	}
	assert_null(config_find(&c, SECTION_PEER, ""));
	assert_null(config_find(&c, SECTION_PEER, "~"));
	assert_null(config_find(&c, SECTION_ROUTE, "p1"));
	index_free(&c);
}

/* Looked for in the order of the sections, in each one of so many, backwards, or in none: what is
   found is the same. */
static void
test_walk(void **state)
{
	static struct config_peer peers[N];
	struct config c = {.peers = peers};
	(void)state;

	for (size_t i = 0; i < N; i++) {
		snprintf(peers[i].name, sizeof(peers[i].name), "p%zu", i * 7 % N);
		c.n_peers++;
		assert_true(index_add(&c, SECTION_PEER));
	}
	for (size_t stride = 1; stride < N; stride++) {
		struct config_walk walk = {0};
		for (size_t i = 0, at = 0; i < N; i++, at = (at + stride) % N) {
			assert_ptr_equal(
				config_peer_walk(&c, &walk, peers[at].name), &peers[at]);
			if (i % 5 == 0)
				assert_null(config_peer_walk(&c, &walk, "somebody else"));
		}
	}
	c.n_peers = 0;
	struct config_walk walk = {0};
	assert_null(config_peer_walk(&c, &walk, "p0"));
	index_free(&c);
}

/* A peer, a route and a service of one name are three. */
static void
test_kinds(void **state)
{
	struct config_peer peer = {.name = "x"};
	struct config_route route = {.name = "x"};
	struct config_service service = {.name = "x"};
	struct config c = {.peers = &peer,
		.routes = &route,
		.services = &service,
		.n_peers = 1,
		.n_routes = 1,
		.n_services = 1};
	(void)state;

	for (enum section_id s = SECTION_PEER; s <= SECTION_SERVICE; s++)
		assert_true(index_add(&c, s));
	assert_ptr_equal(config_find(&c, SECTION_PEER, "x"), &peer);
	assert_ptr_equal(config_find(&c, SECTION_ROUTE, "x"), &route);
	assert_ptr_equal(config_find(&c, SECTION_SERVICE, "x"), &service);
	index_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
