/* Tests proxy/race.c with a clock of its own: the order and the times of attempts. */
#include "unit.h"

#include <stdio.h>

#include "proxy/race.h"

#define MS NS_PER_MS

static const struct race_rules rules = {
	.stagger = 250 * MS, .next = 2000 * MS, .patience = 500 * MS, .attempt = 5000 * MS,
	.deadline = 30000 * MS};

/* Runs the race from `now` until `end` in its own steps and writes down what it does, as "0@0
   1@250": attempts that begin, "x1@5000": those that are stopped, "failed@N". */
struct record {
	char text[512];
	uint64_t now;
};

static void
run(struct race *r, struct record *record, uint64_t end)
{
	size_t which;
	uint64_t wake;

	for (int steps = 0; steps < 500 && record->now < end;) {
		enum race_action action = race_next(r, record->now, &which, &wake);
		size_t used = strlen(record->text);
		char *at = record->text + used;
		size_t room = sizeof(record->text) - used;
		unsigned long long ms = record->now / MS;

		steps++;
		if (action == RACE_WAIT) {
			assert_true(wake > record->now);
			record->now = min_u64(wake, end);
			continue;
		}
		if (action == RACE_FAILED) {
			snprintf(at, room, "failed@%llu ", ms);
			return;
		}
		snprintf(at, room, "%s%zu@%llu ", action == RACE_STOP ? "x" : "", which, ms);
	}
	assert_true(record->now >= end);
}

static void
add(struct race *r, size_t group, size_t n, bool last)
{
	for (size_t i = 0; i < n; i++)
		assert_true(race_add(r, group, last) < RACE_MAX);
	race_known(r, group);
}

static void
expect(struct race *r, struct record *record, uint64_t ms, const char *text)
{
	run(r, record, ms * MS);
	assert_string_equal(record->text, text);
}

static void
test_staggered(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 1, 0);
	add(&r, 0, 3, false);
	expect(&r, &record, 4000, "0@0 1@250 2@500 ");
	expect(&r, &record, 9000, "0@0 1@250 2@500 x0@5000 x1@5250 x2@5500 failed@5500 ");
}

static void
test_a_failure_starts_the_next_at_once(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 1, 0);
	add(&r, 0, 3, false);
	expect(&r, &record, 100, "0@0 ");
	race_failed(&r, 0);
	expect(&r, &record, 200, "0@0 1@100 ");
	race_failed(&r, 1);
	expect(&r, &record, 300, "0@0 1@100 2@200 ");
	race_failed(&r, 2);
	expect(&r, &record, 400, "0@0 1@100 2@200 failed@300 ");
}

static void
test_the_next_group_waits_longer(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 2, 0);
	add(&r, 1, 2, false); /* known first: 0 and 1 */
	add(&r, 0, 1, false);
	expect(&r, &record, 3000, "2@0 0@2000 1@2250 ");

	/* But not where nothing else is under way. */
	record = (struct record){.now = 0};
	race_init(&r, &rules, 2, 0);
	add(&r, 0, 1, false);
	add(&r, 1, 1, false);
	expect(&r, &record, 10, "0@0 ");
	race_failed(&r, 0);
	expect(&r, &record, 20, "0@0 1@10 ");

	/* One of the first group has failed, another one is still under way. */
	record = (struct record){.now = 0};
	race_init(&r, &rules, 2, 0);
	add(&r, 0, 2, false);
	add(&r, 1, 1, false);
	expect(&r, &record, 300, "0@0 1@250 ");
	race_failed(&r, 1);
	expect(&r, &record, 2500, "0@0 1@250 2@2250 ");
}

static void
test_names_that_take_long(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 3, 0);
	expect(&r, &record, 100, "");
	add(&r, 1, 1, false);
	expect(&r, &record, 400, "");
	expect(&r, &record, 600, "0@500 ");
	add(&r, 0, 1, false); /* the better one, at last */
	expect(&r, &record, 3000, "0@500 1@2500 ");
	race_failed(&r, 0);
	race_failed(&r, 1);
	expect(&r, &record, 4000, "0@500 1@2500 "); /* the third name is still out */
	race_known(&r, 2);
	expect(&r, &record, 5000, "0@500 1@2500 failed@4000 ");
}

static void
test_no_address_at_all(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 0, 0);
	expect(&r, &record, 10, "failed@0 ");
	record = (struct record){.now = 0};
	race_init(&r, &rules, 1, 0);
	expect(&r, &record, 31000, "failed@30000 "); /* the name never came */
}

static void
test_those_that_led_nowhere_come_last(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 2, 0);
	add(&r, 0, 1, true);
	expect(&r, &record, 100, ""); /* there may be a better one: its name is still out */
	add(&r, 1, 1, false);
	expect(&r, &record, 3000, "1@100 0@2100 ");

	record = (struct record){.now = 0};
	race_init(&r, &rules, 1, 0);
	add(&r, 0, 2, true); /* all of them: then in their order */
	expect(&r, &record, 300, "0@0 1@250 ");
}

static void
test_busy(void **state)
{
	struct race r;
	struct record record = {.now = 0};
	(void)state;

	race_init(&r, &rules, 2, 0);
	add(&r, 0, 1, false);
	add(&r, 1, 1, false);
	expect(&r, &record, 10, "0@0 ");
	race_busy(&r, 0, 30 * MS);
	expect(&r, &record, 50, "0@0 0@30 ");
	race_busy(&r, 0, 70 * MS);
	expect(&r, &record, 2500, "0@0 0@30 0@70 1@2000 ");
}

static void
test_no_room(void **state)
{
	struct race r;
	(void)state;

	race_init(&r, &rules, 1, 0);
	for (size_t i = 0; i < RACE_MAX; i++)
		assert_int_equal(race_add(&r, 0, false), i);
	assert_int_equal(race_add(&r, 0, false), RACE_MAX);
}

/* "664" and the like: the family of each. */
static void
check_order(const char *in, const char *out)
{
	struct sockaddr_storage a[8] = {0};
	size_t n = strlen(in), next[2] = {0, 0};

	for (size_t i = 0; i < n; i++) {
		a[i].ss_family = in[i] == '6' ? AF_INET6 : AF_INET;
		((char *)&a[i])[100] = (char)i;
	}
	race_interleave(a, n);
	for (size_t i = 0; i < n; i++) {
		bool six = a[i].ss_family == AF_INET6;
		assert_int_equal(six ? '6' : '4', out[i]);
		/* and each family in its own order */
		size_t was = (size_t)((char *)&a[i])[100];
		assert_true(was + 1 > next[six]);
		next[six] = was + 1;
	}
}

static void
test_interleave(void **state)
{
	(void)state;
	check_order("", "");
	check_order("4", "4");
	check_order("66644", "64646");
	check_order("444466", "464644");
	check_order("6444", "6444");
	check_order("646464", "646464");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_staggered),
		cmocka_unit_test(test_a_failure_starts_the_next_at_once),
		cmocka_unit_test(test_the_next_group_waits_longer),
		cmocka_unit_test(test_names_that_take_long),
		cmocka_unit_test(test_no_address_at_all),
		cmocka_unit_test(test_those_that_led_nowhere_come_last),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_interleave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
