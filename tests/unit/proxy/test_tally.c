/* Tests proxy/tally.c. */
#include "unit.h"

#include "proxy/tally.h"
#include "secureconn/frame.h"

static void
test_get(void **state)
{
	struct tallies list;
	(void)state;

	tallies_init(&list);
	struct tally *a = tally_get(&list, TALLY_ROUTE, "db");
	struct tally *b = tally_get(&list, TALLY_SERVICE, "db");
	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(tally_get(&list, TALLY_ROUTE, "db"), a);
	assert_ptr_equal(tally_get(&list, TALLY_SERVICE, "db"), b);
	assert_null(tally_find(&list, TALLY_SERVICE, "dc"));
	assert_null(tally_find(&list, TALLY_ROUTE, ""));
	tallies_fini(&list);
	assert_true(list_empty(&list.all));
	assert_null(tally_find(&list, TALLY_ROUTE, "db"));
}

/* Whatever their order, each name has one, and they stay in the order in which they came. */
static void
test_many(void **state)
{
	enum { N = 300 };
	struct tallies list;
	struct tally *all[N];
	char name[20];
	(void)state;

	tallies_init(&list);
	for (size_t i = 0; i < N; i++) {
		/* 7 and 300 have no factor in common: each number once, in a wild order */
		snprintf(name, sizeof(name), "n%zu", i * 7 % N);
		assert_null(tally_find(&list, i % 2, name));
		assert_non_null(all[i] = tally_get(&list, i % 2, name));
		for (size_t k = 0; k <= i; k++) {
			assert_ptr_equal(tally_get(&list, k % 2, all[k]->name), all[k]);
			assert_ptr_equal(tally_find(&list, k % 2, all[k]->name), all[k]);
		}
	}
	size_t i = 0;
	list_for_each (it, &list.all)
		assert_ptr_equal(container_of(it, struct tally, node), all[i++]);
	assert_int_equal(i, N);
	tallies_fini(&list);
}

static void
test_merge(void **state)
{
	struct tallies list;
	struct tally part = {.kind = TALLY_ROUTE,
		.name = "db",
		.now = 1,
		.total = 2,
		.bytes_in = 3,
		.bytes_out = 4};
	(void)state;

	tallies_init(&list);
	part.refused[TALLY_DENIED] = 5;
	assert_true(tally_merge(&list, &part));
	assert_true(tally_merge(&list, &part));
	const struct tally *sum = tally_get(&list, TALLY_ROUTE, "db");
	assert_int_equal(sum->now, 2);
	assert_int_equal(sum->total, 4);
	assert_int_equal(sum->bytes_in, 6);
	assert_int_equal(sum->bytes_out, 8);
	assert_int_equal(sum->refused[TALLY_DENIED], 10);
	assert_int_equal(sum->refused[TALLY_OTHER], 0);
	tallies_fini(&list);
}

static void
test_reasons(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 20; code++)
		assert_true(tally_reason_of(code) < TALLY_REASON_COUNT);
	assert_int_equal(tally_reason_of(CODE_DENIED), TALLY_DENIED);
	assert_int_equal(tally_reason_of(CODE_REFUSED), TALLY_TARGET_REFUSED);
	assert_int_equal(tally_reason_of(CODE_INTERNAL_ERROR), TALLY_OTHER);
	for (unsigned i = 0; i < TALLY_REASON_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(tally_reason_name(i), tally_reason_name(k));
	assert_string_equal(tally_reason_name(TALLY_PEER_ABSENT), "peer_absent");
	assert_string_equal(tally_reason_text(TALLY_PEER_ABSENT), "the peer is not connected");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
