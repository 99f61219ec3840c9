/* Tests proxy/alarm.c on a real loop. */
#include "loop.h"

#include "proxy/alarm.h"

struct ring {
	bool rung;
	int count;
	uint64_t at;
};

static void
ring(void *owner)
{
	struct ring *r = owner;
	r->rung = true;
	r->count++;
	r->at = uv_hrtime();
}

static void
test_rings_once_and_not_too_early(void **state)
{
	struct ring r = {0};
	struct alarm *a = alarm_new(*state, ring, &r);
	uint64_t deadline = uv_hrtime() + 20 * NS_PER_MS;
	uv_sleep(5); /* the loop's own time is old now */
	alarm_set(a, deadline);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(r.count, 1);
	assert_true(r.at >= deadline);
	assert_true(r.at < deadline + 2 * NS_PER_S);
	alarm_free(a);
}

static void
test_the_past_is_now(void **state)
{
	struct ring r = {0};
	struct alarm *a = alarm_new(*state, ring, &r);
	alarm_set(a, 1);
	assert_int_equal(r.count, 0); /* but never from within */
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(r.count, 1);
	alarm_free(a);
}

static void
test_never(void **state)
{
	struct ring r = {0};
	struct alarm *a = alarm_new(*state, ring, &r);
	alarm_set(a, uv_hrtime());
	alarm_set(a, UINT64_MAX);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(r.count, 0);
	alarm_free(a);
}

static void
test_set_by_keeps_the_earlier_one(void **state)
{
	struct ring r = {0};
	struct alarm *a = alarm_new(*state, ring, &r);
	uint64_t now = uv_hrtime();
	alarm_set_by(a, now + 10 * NS_PER_MS);
	alarm_set_by(a, now + 3600 * NS_PER_S);
	loop_until(*state, &r.rung);
	assert_true(r.at < now + 10 * NS_PER_S);
	r.rung = false;
	alarm_set_by(a, now + 3600 * NS_PER_S);
	alarm_set_by(a, uv_hrtime());
	loop_until(*state, &r.rung);
	alarm_free(a);
}

static void
test_a_freed_one_is_silent(void **state)
{
	struct ring r = {0};
	struct alarm *a = alarm_new(*state, ring, &r);
	alarm_set(a, 0);
	alarm_free(a);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(r.count, 0);
	alarm_free(NULL);
}

static void
test_made_before_it_begins(void **state)
{
	struct ring r = {0};
	struct alarm *a = alarm_make(ring, &r), *never = alarm_make(ring, &r);
	alarm_begin(a, *state);
	alarm_set(a, 0);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(r.count, 1);
	alarm_free(a);
	alarm_free(never);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_rings_once_and_not_too_early),
		LOOP_TEST(test_the_past_is_now),
		LOOP_TEST(test_never),
		LOOP_TEST(test_set_by_keeps_the_earlier_one),
		LOOP_TEST(test_a_freed_one_is_silent),
		LOOP_TEST(test_made_before_it_begins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
