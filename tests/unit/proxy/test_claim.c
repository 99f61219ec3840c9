/* Tests proxy/claim.c: every reason for which a claim is not used. */
#include "unit.h"

#include "proxy/claim.h"

/* What this host has, as far as these tests go. */
static struct stream_address own[] = {{4, {10, 1, 0, 9}, 0}, {16, {0xfd, [15] = 9}, 0}};
static struct host_addresses host = {own, ARRAY_SIZE(own), UINT64_MAX};

static struct prefix prefixes[] = {
	{4, 8, {10}, ""}, {4, 0, {0}, ""}, {16, 8, {0xfd}, ""}, {16, 0, {0}, ""}};

static enum claim
judge(const struct stream_address *claimed, const struct config_peer *peer)
{
	return claim_judge(claimed, peer, &host, 0);
}

static void
test_granted(void **state)
{
	const struct config_peer peer = {.sources = {&prefixes[0], 1, 0, NULL}};
	const struct config_peer peer6 = {.sources = {&prefixes[2], 1, 0, NULL}};
	const struct config_peer both = {.sources = {prefixes, 3, 0, NULL}};
	const struct config_peer none = {.name = "x"};
	const struct stream_address in = {4, {10, 1, 2, 3}, 1}, out = {4, {11, 1, 2, 3}, 1};
	const struct stream_address in6 = {16, {0xfd, [15] = 3}, 1};
	(void)state;

	assert_int_equal(judge(&in, &peer), CLAIM_GOOD);
	assert_int_equal(judge(&out, &peer), CLAIM_NOT_GRANTED);
	assert_int_equal(judge(&in6, &peer), CLAIM_NOT_GRANTED);
	assert_int_equal(judge(&in6, &peer6), CLAIM_GOOD);
	assert_int_equal(judge(&in, &peer6), CLAIM_NOT_GRANTED);
	assert_int_equal(judge(&in6, &both), CLAIM_GOOD);
	assert_int_equal(judge(&in, &none), CLAIM_NOT_GRANTED);
	assert_int_equal(judge(&in, NULL), CLAIM_NOT_GRANTED);
}

/* Not even a peer that may claim everything. */
static void
test_never(void **state)
{
	const struct config_peer peer = {.sources = {prefixes, 4, 0, NULL}};
	static const struct stream_address never[] = {{4, {127, 0, 0, 1}, 1}, {4, {0}, 1},
		{4, {169, 254, 1, 1}, 1}, {4, {224, 0, 0, 1}, 1}, {4, {255, 255, 255, 255}, 1},
		{16, {[15] = 1}, 1}, {16, {0}, 1}, {16, {0xfe, 0x80, [15] = 1}, 1},
		{16, {0xff, 2, [15] = 1}, 1},
		{16, {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, 1},
		{16, {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1}, 1}};
	const struct stream_address any = {4, {198, 51, 100, 1}, 1};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_int_equal(judge(&never[i], &peer), CLAIM_NEVER);
	assert_int_equal(judge(&any, &peer), CLAIM_GOOD);
}

static void
test_own_and_missing(void **state)
{
	const struct config_peer peer = {.sources = {prefixes, 4, 0, NULL}};
	struct stream_address a = own[0];
	(void)state;

	a.port = 5;
	assert_int_equal(judge(&a, &peer), CLAIM_OWN);
	a = own[1];
	a.port = 5;
	assert_int_equal(judge(&a, &peer), CLAIM_OWN);
	a.bytes[15] = 8;
	assert_int_equal(judge(&a, &peer), CLAIM_GOOD);
	a.port = 0; /* no connection comes from it */
	assert_int_equal(judge(&a, &peer), CLAIM_MISSING);
	assert_int_equal(judge(&(struct stream_address){.port = 5}, &peer), CLAIM_MISSING);
}

static void
test_texts(void **state)
{
	(void)state;
	for (int c = CLAIM_GOOD; c <= CLAIM_OWN; c++)
		assert_true(strlen(claim_text((enum claim)c)) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_own_and_missing),
		cmocka_unit_test(test_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
