/* Tests proxy/errands.c: whose next connection is for whom, and what is forgotten. */
#include "unit.h"

#include <string.h>

#include "base/util.h"
#include "proxy/errands.h"

static struct source
source_of(uint8_t last)
{
	return (struct source){.size = 4, .bytes = {192, 0, 2, last}};
}

static void
test_turns(void **state)
{
	static struct errands e;
	const uint8_t session[TRUNK_SESSION_SIZE] = {1};
	struct source here = source_of(1), there = source_of(2);
	unsigned turn;
	(void)state;

	assert_false(errands_more(&e, session, 0)); /* nobody is to be asked */
	for (unsigned i = 0; i < 2 * ERRANDS_TURNS; i++) {
		assert_true(errands_more(&e, session, 2));
		errands_note(&e, session, &here, NS_PER_S);
		assert_false(errands_take(&e, &there, NS_PER_S, &turn));
		assert_true(errands_take(&e, &here, NS_PER_S, &turn));
		assert_int_equal(turn, i);
		assert_false(errands_take(&e, &here, NS_PER_S, &turn)); /* one connection each */
	}
	assert_false(errands_more(&e, session, 2));
	assert_true(errands_more(&e, session, 3));
	assert_true(errands_more(&e, (const uint8_t[TRUNK_SESSION_SIZE]){2}, 2));
}

/* Two sessions behind one address: in the order in which they were asked for. */
static void
test_one_source(void **state)
{
	static struct errands e;
	const uint8_t a[TRUNK_SESSION_SIZE] = {1}, b[TRUNK_SESSION_SIZE] = {2};
	struct source here = source_of(1);
	unsigned turn;
	(void)state;

	errands_note(&e, a, &here, 1 * NS_PER_S);
	errands_note(&e, b, &here, 2 * NS_PER_S);
	errands_note(&e, a, &here, 3 * NS_PER_S); /* it has come again */
	assert_true(errands_take(&e, &here, 4 * NS_PER_S, &turn));
	assert_int_equal(turn, 0);
	assert_true(errands_take(&e, &here, 4 * NS_PER_S, &turn));
	assert_int_equal(turn, 1);
	assert_false(errands_take(&e, &here, 4 * NS_PER_S, &turn));
}

static void
test_bounds(void **state)
{
	static struct errands e;
	struct source here = source_of(1);
	uint8_t session[TRUNK_SESSION_SIZE] = {0};
	unsigned turn;
	(void)state;

	errands_note(&e, session, &here, NS_PER_S);
	assert_false(errands_take(&e, &here, 60 * NS_PER_S, &turn)); /* it does not come any more */
	for (unsigned i = 0; i < 10 * ERRANDS_MAX; i++) {
		memcpy(session, &i, sizeof(i));
		errands_note(&e, session, &here, 100 * NS_PER_S);
	}
	for (unsigned i = 0; i < ERRANDS_MAX; i++)
		assert_true(errands_take(&e, &here, 100 * NS_PER_S, &turn));
	assert_false(errands_take(&e, &here, 100 * NS_PER_S, &turn));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_one_source),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
