/* Tests proxy/host_addresses.c, on the addresses that this host has. */
#include "unit.h"

#include "proxy/host_addresses.h"

static const struct stream_address loopback = {4, {127, 0, 0, 1}, 5432};
static const struct stream_address elsewhere = {4, {192, 0, 2, 1}, 5432}; /* for documentation */
static const struct stream_address elsewhere6 = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 1};

static void
test_have(void **state)
{
	struct host_addresses h = {.at = NULL};
	(void)state;

	assert_true(host_addresses_have(&h, &loopback, 0));
	assert_false(host_addresses_have(&h, &elsewhere, 0));
	assert_false(host_addresses_have(&h, &elsewhere6, 0));
	host_addresses_fini(&h);
	assert_null(h.at);
}

/* What is known counts for a while, and not longer. */
static void
test_age(void **state)
{
	struct host_addresses h = {.at = NULL};
	(void)state;

	assert_true(host_addresses_have(&h, &loopback, NS_PER_S));
	h.n = 0;
	assert_false(host_addresses_have(&h, &loopback, NS_PER_S + HOST_ADDRESSES_AGE - 1));
	assert_true(host_addresses_have(&h, &loopback, NS_PER_S + HOST_ADDRESSES_AGE));
	host_addresses_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_have),
		cmocka_unit_test(test_age),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
