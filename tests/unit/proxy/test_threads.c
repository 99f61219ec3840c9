/* Tests proxy/threads.c: that all is done, by all of them, and as what kind of threads. */
#include "unit.h"

#include <stdatomic.h>
#include <sys/resource.h>

#include <uv.h>

#include "proxy/threads.h"

#define TASKS 1000

static atomic_uint done;

static void
count(struct task *task)
{
	(void)task;
	atomic_fetch_add(&done, 1);
}

static void
test_all_is_done_before_the_end(void **state)
{
	static struct task tasks[TASKS];
	(void)state;
	done = 0;
	struct threads *t = threads_new(3);
	assert_non_null(t);
	for (size_t i = 0; i < TASKS; i++) {
		tasks[i].run = count;
		list_init(&tasks[i].node);
		threads_give(t, &tasks[i]);
	}
	threads_free(t);
	assert_int_equal(done, TASKS);
	threads_free(NULL);
}

static uv_barrier_t together;

static void
meet(struct task *task)
{
	(void)task;
	uv_barrier_wait(&together);
}

/* Each waits for the others: one thread could not do it. */
static void
test_as_many_at_once_as_threads(void **state)
{
	struct task tasks[3];
	(void)state;
	assert_int_equal(uv_barrier_init(&together, 3), 0);
	struct threads *t = threads_new(3);
	assert_non_null(t);
	for (size_t i = 0; i < 3; i++) {
		tasks[i].run = meet;
		list_init(&tasks[i].node);
		threads_give(t, &tasks[i]);
	}
	threads_free(t);
	uv_barrier_destroy(&together);
}

static struct task *order[3];

static void
note(struct task *task)
{
	order[done++] = task;
}

static void
test_in_the_order_in_which_they_came(void **state)
{
	struct task tasks[3];
	(void)state;
	done = 0;
	struct threads *t = threads_new(1);
	assert_non_null(t);
	for (size_t i = 0; i < 3; i++) {
		tasks[i].run = note;
		list_init(&tasks[i].node);
		threads_give(t, &tasks[i]);
	}
	threads_free(t);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(order[i], &tasks[i]);
}

static int nice_there;

static void
look(struct task *task)
{
	(void)task;
	nice_there = getpriority(PRIO_PROCESS, 0);
}

/* Loops come first where there are not enough processors. */
static void
test_they_make_way(void **state)
{
	struct task task = {.run = look};
	(void)state;
	list_init(&task.node);
	int here = getpriority(PRIO_PROCESS, 0);
	struct threads *t = threads_new(1);
	assert_non_null(t);
	threads_give(t, &task);
	threads_free(t);
	assert_int_equal(nice_there, here + 10 < 19 ? here + 10 : 19);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), here);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_done_before_the_end),
		cmocka_unit_test(test_as_many_at_once_as_threads),
		cmocka_unit_test(test_in_the_order_in_which_they_came),
		cmocka_unit_test(test_they_make_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
