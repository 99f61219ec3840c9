/* Tests proxy/choice.c. */
#include "unit.h"

#include "proxy/choice.h"

/* Peers as text: U, C or A with the number of connections, '!' behind it: tried. "U3 C0! A0". */
static size_t
choose(enum route_policy policy, const char *text, size_t turn)
{
	struct candidate c[8] = {{.tried = false}};
	size_t n = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (*text == '!') {
			c[n - 1].tried = true;
			continue;
		}
		c[n].standing = *text == 'U' ? STANDING_UP
			: *text == 'C'       ? STANDING_COMING
					     : STANDING_AWAY;
		c[n++].connections = (uint32_t)(*++text - '0');
	}
	return choose_peer(policy, c, n, turn);
}

static void
test_failover(void **state)
{
	(void)state;
	assert_int_equal(choose(ROUTE_FAILOVER, "U9 U0", 1), 0);
	assert_int_equal(choose(ROUTE_FAILOVER, "A0 U5", 0), 1);
	assert_int_equal(choose(ROUTE_FAILOVER, "C0 U0", 0), 0); /* worth a wait */
	assert_int_equal(choose(ROUTE_FAILOVER, "A0 C0 U0", 0), 1);
	assert_int_equal(choose(ROUTE_FAILOVER, "A0 A0", 0), 0);
	assert_int_equal(choose(ROUTE_FAILOVER, "U0! U0", 0), 1);
	assert_int_equal(choose(ROUTE_FAILOVER, "U0! A0", 0), 1);
	assert_int_equal(choose(ROUTE_FAILOVER, "A0! A0 A0", 0), 1);
	assert_int_equal(choose(ROUTE_FAILOVER, "U0! U0!", 0), 2);
	assert_int_equal(choose(ROUTE_FAILOVER, "U0", 0), 0);
}

static void
test_balance(void **state)
{
	(void)state;
	assert_int_equal(choose(ROUTE_BALANCE, "U2 U1 U3", 0), 1);
	assert_int_equal(choose(ROUTE_BALANCE, "U1 U1 U1", 0), 0);
	assert_int_equal(choose(ROUTE_BALANCE, "U1 U1 U1", 1), 1);
	assert_int_equal(choose(ROUTE_BALANCE, "U1 U1 U1", 5), 2);
	assert_int_equal(choose(ROUTE_BALANCE, "U1 U2 U1", 1), 2);
	assert_int_equal(choose(ROUTE_BALANCE, "A0 U9 C0", 0), 1);
	assert_int_equal(choose(ROUTE_BALANCE, "A0 C4 C3", 0), 2);
	assert_int_equal(choose(ROUTE_BALANCE, "A0 A0 A0", 2), 2);
	assert_int_equal(choose(ROUTE_BALANCE, "U0! A0", 0), 1);
	assert_int_equal(choose(ROUTE_BALANCE, "U0! A0!", 0), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_balance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
