/* Tests config/listens.c. */
#include "unit.h"

#include "config/listens.h"
#include "config/value.h"

#define N 300

static struct endpoint
endpoint_of(const char *text)
{
	struct endpoint e;
	struct errmsg err;

	assert_int_equal(endpoint_parse(&e, text, true, &err), SC_OK);
	return e;
}

static const struct config_route *
find(const struct config *c, const char *text)
{
	const struct endpoint e = endpoint_of(text);

	return config_listener(c, &e);
}

static void
test_any_order(void **state)
{
	static struct config_route routes[N];
	static struct endpoint at[2 * N];
	struct config c = {.routes = routes, .n_routes = N};
	char text[40];
	(void)state;

	for (size_t i = 0; i < N; i++) {
		/* 7 and 300 have no factor in common: each number once, in a wild order */
		snprintf(text, sizeof(text), i % 2 ? "127.0.0.1:%zu" : "[::1]:%zu", 1 + i * 7 % N);
		at[2 * i] = endpoint_of(text);
		snprintf(text, sizeof(text), "/run/%zu", i * 7 % N);
		at[2 * i + 1] = endpoint_of(text);
		routes[i].listen = (struct endpoint_list){.at = &at[2 * i], .n = 2};
	}
	assert_true(listens_index(&c));
	assert_int_equal(c.n_listens, 2 * N);
	for (size_t i = 0; i < 2 * N; i++)
		assert_ptr_equal(config_listener(&c, &at[i]), &routes[i / 2]);
	assert_ptr_equal(find(&c, "[0:0::1]:1"), &routes[0]);
	assert_null(find(&c, "127.0.0.1:1"));
	assert_null(find(&c, "127.0.0.1:65535"));
	assert_null(find(&c, "[::1]:65535"));
	assert_null(find(&c, "/run/300"));
	assert_null(find(&c, "/"));
	free(c.listens);
}

/* What config_check complains about needs the first one. */
static void
test_the_first(void **state)
{
	struct endpoint at[] = {endpoint_of("localhost:80"), endpoint_of("LocalHost:80"),
		endpoint_of("localhost:80")};
	struct config_route routes[3] = {{.listen = {.at = &at[0], .n = 1}},
		{.listen = {.at = &at[1], .n = 1}}, {.listen = {.at = &at[2], .n = 1}}};
	struct config c = {.routes = routes, .n_routes = 3};
	(void)state;

	assert_true(listens_index(&c));
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(config_listener(&c, &at[i]), &routes[0]);
	free(c.listens);
}

static void
test_none(void **state)
{
	struct config c = {.n_routes = 0};
	(void)state;

	assert_null(find(&c, "127.0.0.1:1")); /* not even an index */
	assert_true(listens_index(&c));
	assert_null(find(&c, "127.0.0.1:1"));
	free(c.listens);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_the_first),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
