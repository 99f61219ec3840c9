/* Tests proxy/tally.c. */
#include "unit.h"

#include "proxy/tally.h"
#include "secureconn/frame.h"

static void
test_get(void **state)
{
	struct list list;
	(void)state;

	list_init(&list);
	struct tally *a = tally_get(&list, TALLY_ROUTE, "db");
	struct tally *b = tally_get(&list, TALLY_SERVICE, "db");
	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(tally_get(&list, TALLY_ROUTE, "db"), a);
	assert_ptr_equal(tally_get(&list, TALLY_SERVICE, "db"), b);
	tallies_free(&list);
	assert_true(list_empty(&list));
}

static void
test_merge(void **state)
{
	struct list list;
	struct tally part = {.kind = TALLY_ROUTE,
		.name = "db",
		.now = 1,
		.total = 2,
		.bytes_in = 3,
		.bytes_out = 4};
	(void)state;

	list_init(&list);
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
	tallies_free(&list);
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
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
