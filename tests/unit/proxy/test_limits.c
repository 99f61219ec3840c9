/* Tests proxy/limits.c against the numbers of protocol.md 11. */
#include "unit.h"

#include "base/wire.h"
#include "proxy/limits.h"

#define START (1000 * NS_PER_S)

struct fixture {
	struct limits *limits;
	struct seeded_random random;
	uint64_t now;
	/* an owner is a place in here; its value is the place it has in limits, +1 */
	uint32_t owners[4096];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	seeded_random_init(&f->random, 7);
	f->limits = limits_new(&limits_default, &f->random.source);
	assert_non_null(f->limits);
	f->now = START;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	limits_free(f->limits);
	free(f);
	return 0;
}

static struct source
source(uint32_t n)
{
	struct source s = {.size = 4};
	put_u32(s.bytes, n);
	return s;
}

/* One connection of owner i; a victim loses its place in owners too. */
static enum limits_verdict
come(struct fixture *f, uint32_t from, uint32_t i)
{
	struct source s = source(from);
	uint32_t place;
	void *victim;
	enum limits_verdict v = limits_admit(f->limits, &s, f->now, &place, &victim);

	if (v != LIMITS_OK) {
		assert_null(victim);
		return v;
	}
	if (victim)
		*(uint32_t *)victim = 0;
	limits_own(f->limits, place, &f->owners[i]);
	f->owners[i] = place + 1;
	return v;
}

static void
leave(struct fixture *f, uint32_t i)
{
	limits_leave(f->limits, f->owners[i] - 1);
	f->owners[i] = 0;
}

static void
remember(struct fixture *f, uint32_t from)
{
	struct source s = source(from);
	limits_remember(f->limits, &s, f->now, 0);
}

static uint32_t
held(const struct fixture *f, uint32_t first, uint32_t n)
{
	uint32_t count = 0;
	for (uint32_t i = first; i < first + n; i++)
		count += f->owners[i] > 0;
	return count;
}

static void
test_one_source_has_16_places(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(come(f, 1, i), LIMITS_OK);
	assert_int_equal(come(f, 1, 16), LIMITS_SOURCE_PLACES);
	assert_int_equal(come(f, 2, 17), LIMITS_OK);
	leave(f, 3);
	assert_int_equal(come(f, 1, 18), LIMITS_OK);
	assert_int_equal(limits_used(f->limits), 17);
}

static void
test_one_source_comes_20_times_a_second(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(come(f, 1, 0), LIMITS_OK);
		leave(f, 0);
	}
	assert_int_equal(come(f, 1, 0), LIMITS_SOURCE_RATE);
	assert_int_equal(come(f, 2, 0), LIMITS_OK);
	f->now += NS_PER_S;
	assert_int_equal(come(f, 1, 1), LIMITS_OK);
}

static void
test_a_known_source_has_64_places_and_200_a_second(void **state)
{
	struct fixture *f = *state;
	remember(f, 1);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(come(f, 1, i), LIMITS_OK);
	assert_int_equal(come(f, 1, 64), LIMITS_SOURCE_PLACES);
	for (uint32_t i = 65; i < 200; i++) {
		leave(f, 0);
		assert_int_equal(come(f, 1, 0), LIMITS_OK);
	}
	leave(f, 0);
	assert_int_equal(come(f, 1, 0), LIMITS_SOURCE_RATE);
}

static void
test_a_source_is_known_for_30_days(void **state)
{
	struct fixture *f = *state;
	const uint64_t day = 86400 * NS_PER_S;
	struct source a = source(1), b = source(2), c = source(3);

	limits_remember(f->limits, &a, START, 0);
	limits_remember(f->limits, &b, START, 29 * day);
	limits_remember(f->limits, &c, START, 30 * day);
	assert_true(limits_known(f->limits, &a, START));
	assert_true(limits_known(f->limits, &b, START));
	assert_false(limits_known(f->limits, &c, START));
	assert_false(limits_known(f->limits, &b, START + day));
	assert_true(limits_known(f->limits, &a, START + 30 * day - 1));
	assert_false(limits_known(f->limits, &a, START + 30 * day));
	/* An older sighting does not shorten it. */
	limits_remember(f->limits, &a, START, 10 * day);
	assert_true(limits_known(f->limits, &a, START + 29 * day));
}

static void
test_the_oldest_known_source_goes_first(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 1025; i++) {
		f->now = START + i;
		remember(f, i);
	}
	struct source first = source(0), second = source(1), last = source(1024);
	assert_false(limits_known(f->limits, &first, f->now));
	assert_true(limits_known(f->limits, &second, f->now));
	assert_true(limits_known(f->limits, &last, f->now));
}

static void
test_a_crowd_of_strangers_leaves_64_places(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(come(f, 100 + i, i), LIMITS_OK);
	assert_int_equal(limits_used(f->limits), 192);
	assert_int_equal(held(f, 0, 1000), 192);
	assert_true(f->owners[999] > 0); /* the one that came last has always got a place */
	remember(f, 1);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(come(f, 1, 1000 + i), LIMITS_OK);
	assert_int_equal(held(f, 0, 1000), 192);
	assert_int_equal(held(f, 1000, 64), 64);
	assert_int_equal(limits_used(f->limits), 256);
}

static void
test_the_source_with_the_most_gives_way(void **state)
{
	struct fixture *f = *state;
	uint32_t i = 0;
	for (uint32_t from = 1; from <= 4; from++) /* 4 sources with 16 */
		for (int k = 0; k < 16; k++)
			come(f, from, i++);
	for (uint32_t from = 100; i < 192; from++) /* 128 with one each */
		come(f, from, i++);
	for (uint32_t from = 1000; from < 1060; from++)
		assert_int_equal(come(f, from, i++), LIMITS_OK);
	assert_int_equal(held(f, 0, 64), 4);       /* 60 of the 64 have gone */
	assert_int_equal(held(f, 64, 128), 128);   /* none of those with one */
	for (uint32_t first = 0; first < 64; first += 16) /* evenly */
		assert_int_equal(held(f, first, 16), 1);
}

static void
test_known_sources_push_out_strangers_when_all_is_full(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 192; i++)
		come(f, 1000 + i / 16, i);
	for (uint32_t i = 0; i < 80; i++) {
		remember(f, i);
		assert_int_equal(come(f, i, 200 + i), LIMITS_OK);
	}
	assert_int_equal(limits_used(f->limits), 256);
	assert_int_equal(held(f, 200, 80), 80);
	assert_int_equal(held(f, 0, 192), 176);
}

/* Whatever comes and goes: places are counted right, and never more than there are. */
static void
test_random_coming_and_going(void **state)
{
	struct fixture *f = *state;
	for (uint32_t from = 0; from < 5; from++)
		remember(f, from);
	for (uint32_t step = 0; step < 50000; step++) {
		uint32_t i = (uint32_t)seeded_random_below(&f->random, 600);
		f->now += seeded_random_below(&f->random, 20) * NS_PER_MS;
		if (f->owners[i] > 0)
			leave(f, i);
		else
			come(f, (uint32_t)seeded_random_below(&f->random, 1500), i);
		assert_true(limits_used(f->limits) <= 256);
		if (step % 1000 == 0)
			assert_int_equal(held(f, 0, 600), limits_used(f->limits));
	}
}

static void
test_all_places_reserved(void **state)
{
	struct fixture *f = *state;
	struct limits_config config = limits_default;

	for (config.reserved = 9; config.reserved <= 12; config.reserved++) {
		config.places = 10;
		limits_free(f->limits);
		f->limits = limits_new(&config, &f->random.source);
		assert_non_null(f->limits);
		for (uint32_t i = 0; i < 5; i++) /* one place is open to all: the newest has it */
			assert_int_equal(come(f, 1, i),
				config.reserved < 10 ? LIMITS_OK : LIMITS_RESERVED);
		assert_int_equal(limits_used(f->limits), config.reserved < 10 ? 1 : 0);
	}
}

/* Other numbers while connections are there: more are admitted at once; with fewer, those that are
   there keep their places, and nobody comes until there is one. */
static void
test_other_numbers(void **state)
{
	struct fixture *f = *state;
	struct limits_config c = limits_default;

	c.places = 4;
	c.reserved = 0;
	limits_set(f->limits, &c);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(come(f, i, i), LIMITS_OK);
	c.places = 1u << 31;
	limits_set(f->limits, &c);
	for (uint32_t i = 4; i < 1000; i++)
		assert_int_equal(come(f, i, i), LIMITS_OK);
	assert_int_equal(limits_used(f->limits), 1000);
	c.places = 2;
	limits_set(f->limits, &c);
	for (uint32_t i = 0; i < 997; i++) {
		assert_int_equal(come(f, 5000 + i, 2000), LIMITS_RESERVED);
		leave(f, i);
	}
	leave(f, 997);
	assert_int_equal(come(f, 9000, 2000), LIMITS_OK);
	assert_int_equal(limits_used(f->limits), 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_other_numbers),
		TEST(test_one_source_has_16_places),
		TEST(test_one_source_comes_20_times_a_second),
		TEST(test_a_known_source_has_64_places_and_200_a_second),
		TEST(test_a_source_is_known_for_30_days),
		TEST(test_the_oldest_known_source_goes_first),
		TEST(test_a_crowd_of_strangers_leaves_64_places),
		TEST(test_the_source_with_the_most_gives_way),
		TEST(test_known_sources_push_out_strangers_when_all_is_full),
		TEST(test_random_coming_and_going),
		cmocka_unit_test_setup_teardown(test_all_places_reserved, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
