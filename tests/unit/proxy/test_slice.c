/* Tests proxy/slice.c. */
#include "unit.h"

#include <uv.h>

#include "proxy/slice.h"

struct job {
	struct slice slice;
	char name;
	int left;
	struct list *restart; /* begins anew there when it has ended, once */
};

static char done[100];

static bool
work(struct slice *slice)
{
	struct job *j = container_of(slice, struct job, slice);
	size_t n = strlen(done);

	done[n] = j->name;
	done[n + 1] = '\0';
	if (--j->left > 0)
		return true;
	if (j->restart) {
		j->left = 1;
		slice_start(j->restart, slice);
		j->restart = NULL;
	}
	return false;
}

static void
start(struct list *slices, struct job *j, char name, int pieces)
{
	*j = (struct job){.name = name, .left = pieces};
	slice_init(&j->slice, work);
	slice_start(slices, &j->slice);
	slice_start(slices, &j->slice);
}

static void
test_turns(void **state)
{
	struct list slices;
	struct job a, b, c;
	(void)state;

	list_init(&slices);
	done[0] = '\0';
	start(&slices, &a, 'a', 3);
	start(&slices, &b, 'b', 1);
	start(&slices, &c, 'c', 2);
	b.restart = &slices;
	slices_finish(&slices);
	assert_string_equal(done, "abcabca");
	assert_true(list_empty(&slices));
	slices_finish(&slices);
	slices_work(&slices, 1);
}

static void
test_stop(void **state)
{
	struct list slices;
	struct job a, b;
	(void)state;

	list_init(&slices);
	done[0] = '\0';
	start(&slices, &a, 'a', 3);
	start(&slices, &b, 'b', 2);
	slices_work(&slices, 0); /* one piece is the least */
	assert_string_equal(done, "a");
	slice_stop(&a.slice);
	slice_stop(&a.slice);
	slices_finish(&slices);
	assert_string_equal(done, "abb");
}

static bool
wait(struct slice *slice)
{
	uint64_t end = uv_hrtime() + 2 * NS_PER_MS;

	(void)slice;
	while (uv_hrtime() < end)
		;
	return true;
}

/* It ends after the piece with which the time is over, however much there is. */
static void
test_time(void **state)
{
	struct list slices;
	struct slice s;
	uint64_t before = uv_hrtime();
	(void)state;

	list_init(&slices);
	slice_init(&s, wait);
	slice_start(&slices, &s);
	slices_work(&slices, 5 * NS_PER_MS);
	assert_true(uv_hrtime() - before >= 5 * NS_PER_MS);
	assert_false(list_empty(&slices));
	slice_stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
