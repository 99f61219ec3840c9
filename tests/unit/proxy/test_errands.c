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
	const void *with;
	unsigned turn;
	(void)state;

	assert_false(errands_more(&e, session, 0)); /* nobody is to be asked */
	for (unsigned i = 0; i < 2 * ERRANDS_TURNS; i++) {
		assert_true(errands_more(&e, session, 2));
		errands_note(&e, session, &here, NS_PER_S);
		assert_false(errands_take(&e, &there, NS_PER_S, &turn, &with));
		assert_true(errands_take(&e, &here, NS_PER_S, &turn, &with));
		assert_int_equal(turn, i);
		/* one connection each */
		assert_false(errands_take(&e, &here, NS_PER_S, &turn, &with));
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
	const void *with;
	unsigned turn;
	(void)state;

	errands_note(&e, a, &here, 1 * NS_PER_S);
	errands_note(&e, b, &here, 2 * NS_PER_S);
	errands_note(&e, a, &here, 3 * NS_PER_S); /* it has come again */
	assert_true(errands_take(&e, &here, 4 * NS_PER_S, &turn, &with));
	assert_int_equal(turn, 0);
	assert_true(errands_take(&e, &here, 4 * NS_PER_S, &turn, &with));
	assert_int_equal(turn, 1);
	assert_false(errands_take(&e, &here, 4 * NS_PER_S, &turn, &with));
}

/* Those that know it are asked; who has it gets the next connection, and nobody is waited for who
   has not. */
static void
test_answers(void **state)
{
	static struct errands e;
	const uint8_t a[TRUNK_SESSION_SIZE] = {1}, b[TRUNK_SESSION_SIZE] = {2};
	struct source here = source_of(1);
	static char one, two;
	const void *with;
	unsigned turn;
	(void)state;

	errands_answer(&e, a, &one, true, 2); /* nobody has asked */
	errands_note(&e, a, &here, NS_PER_S);
	errands_answer(&e, a, &one, false, 2);
	errands_answer(&e, a, &two, true, 2);
	assert_true(errands_more(&e, a, 2));
	assert_true(errands_take(&e, &here, NS_PER_S, &turn, &with));
	assert_ptr_equal(with, &two);
	errands_note(&e, a, &here, NS_PER_S); /* it was lost again: what was said is old */
	assert_true(errands_take(&e, &here, NS_PER_S, &turn, &with));
	assert_null(with);
	errands_note(&e, b, &here, NS_PER_S);
	errands_answer(&e, b, &one, false, 2);
	assert_true(errands_more(&e, b, 2));
	errands_answer(&e, b, &two, false, 2);
	assert_false(errands_more(&e, b, 2));
	assert_false(errands_take(&e, &here, NS_PER_S, &turn, &with));
}

static void
test_bounds(void **state)
{
	static struct errands e;
	struct source here = source_of(1);
	uint8_t session[TRUNK_SESSION_SIZE] = {0};
	const void *with;
	unsigned turn;
	(void)state;

	errands_note(&e, session, &here, NS_PER_S);
	/* It does not come any more. */
	assert_false(errands_take(&e, &here, 60 * NS_PER_S, &turn, &with));
	for (unsigned i = 0; i < 10 * ERRANDS_MAX; i++) {
		memcpy(session, &i, sizeof(i));
		errands_note(&e, session, &here, 100 * NS_PER_S);
	}
	for (unsigned i = 0; i < ERRANDS_MAX; i++)
		assert_true(errands_take(&e, &here, 100 * NS_PER_S, &turn, &with));
	assert_false(errands_take(&e, &here, 100 * NS_PER_S, &turn, &with));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_one_source),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
