/* Tests proxy/jobs.c on threads of proxy/threads.c. */
#include "loop.h"

#include "proxy/jobs.h"

#define JOBS 12

static struct threads *threads;
static struct jobs jobs;

static struct {
	uv_mutex_t lock;
	uv_cond_t go;
	unsigned may_end;  /* so many of those that run may end */
	unsigned began;
	int order[JOBS];   /* in which they began */
	unsigned done;
} shared;

struct numbered {
	struct job job;
	int number;
};

static void
run(struct job *job)
{
	uv_mutex_lock(&shared.lock);
	shared.order[shared.began++] = container_of(job, struct numbered, job)->number;
	while (shared.may_end == 0)
		uv_cond_wait(&shared.go, &shared.lock);
	shared.may_end--;
	uv_mutex_unlock(&shared.lock);
}

static void
done(struct job *job)
{
	assert_int_equal(job->state, JOB_IDLE);
	shared.done++;
}

static int
setup(void **state)
{
	memset(&shared, 0, sizeof(shared));
	uv_mutex_init(&shared.lock);
	uv_cond_init(&shared.go);
	int result = loop_setup(state);
	threads = threads_new(4);
	assert_non_null(threads);
	assert_true(jobs_init(&jobs, *state, threads, 3));
	return result;
}

static int
teardown(void **state)
{
	uv_cond_destroy(&shared.go);
	uv_mutex_destroy(&shared.lock);
	jobs_close(&jobs);
	threads_free(threads);
	int result = loop_teardown(state);
	jobs_fini(&jobs);
	return result;
}

static void
let_end(unsigned n)
{
	uv_mutex_lock(&shared.lock);
	shared.may_end += n;
	uv_cond_broadcast(&shared.go);
	uv_mutex_unlock(&shared.lock);
}

/* Turns the loop until so many have begun, and gives them the time to be more. */
static void
wait_begun(uv_loop_t *loop, unsigned n)
{
	unsigned began = 0;
	for (int i = 0, more = 20; i < 10000 && more > 0; i++, more -= began >= n) {
		uv_run(loop, UV_RUN_NOWAIT);
		uv_sleep(1);
		uv_mutex_lock(&shared.lock);
		began = shared.began;
		uv_mutex_unlock(&shared.lock);
	}
	assert_int_equal(began, n);
}

static void
test_known_ones_first_and_few_at_a_time(void **state)
{
	struct numbered all[JOBS];
	for (int i = 0; i < JOBS; i++) {
		all[i].number = i;
		job_init(&all[i].job, &jobs, run, done);
		job_submit(&all[i].job, i >= 8);
	}
	wait_begun(*state, 3);
	for (unsigned i = 4; i <= JOBS; i++) {
		let_end(1);
		wait_begun(*state, i);
	}
	let_end(3);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(shared.done, JOBS);
	/* The three that came first had begun; of the rest, the known ones, then the others in
	   their order. */
	static const int then[] = {8, 9, 10, 11, 3, 4, 5, 6, 7};
	assert_memory_equal(shared.order + 3, then, sizeof(then));
}

/* Work that nobody waits for: only when there is nothing else, not even something that runs. */
static void
test_idle_ones_last_and_alone(void **state)
{
	struct numbered all[4];
	for (int i = 0; i < 4; i++) {
		all[i].number = i;
		job_init(&all[i].job, &jobs, run, done);
	}
	job_submit(&all[2].job, false);
	job_submit_idle(&all[0].job);
	wait_begun(*state, 1);
	job_submit(&all[1].job, false);
	wait_begun(*state, 2);
	let_end(1);
	wait_begun(*state, 2);
	let_end(1);
	wait_begun(*state, 3);
	job_submit(&all[3].job, false); /* does not wait for the idle one */
	wait_begun(*state, 4);
	let_end(2);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(shared.done, 4);
	static const int order[] = {2, 1, 0, 3};
	assert_memory_equal(shared.order, order, sizeof(order));
}

static void
test_a_waiting_job_can_be_taken_back(void **state)
{
	struct numbered all[5];
	for (int i = 0; i < 5; i++) {
		all[i].number = i;
		job_init(&all[i].job, &jobs, run, done);
		job_submit(&all[i].job, false);
	}
	job_cancel(&all[3].job);
	assert_int_equal(all[3].job.state, JOB_IDLE);
	job_cancel(&all[0].job); /* runs: nothing happens */
	assert_int_equal(all[0].job.state, JOB_RUNNING);
	let_end(5);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(shared.done, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_not_equal(shared.order[i], 3);
	job_submit(&all[3].job, true); /* it may come again */
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(shared.done, 5);
}

/* The loop goes on until what runs is done, also when it is to end. */
static void
test_close_waits_for_what_runs(void **state)
{
	struct numbered one = {.number = 0};
	job_init(&one.job, &jobs, run, done);
	job_submit(&one.job, false);
	jobs_close(&jobs);
	wait_begun(*state, 1);
	assert_int_equal(shared.done, 0);
	let_end(1);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(shared.done, 1);
}

struct again {
	struct job job;
	unsigned left;
};

static void
run_nothing(struct job *job)
{
	(void)job;
}

static void
submit_again(struct job *job)
{
	struct again *a = container_of(job, struct again, job);
	if (a->left-- > 0)
		job_submit(job, a->left % 2);
}

/* Many come back while others are given out, from done too. */
static void
test_each_comes_back_once(void **state)
{
	struct again all[JOBS];
	for (size_t i = 0; i < JOBS; i++) {
		all[i].left = 2000;
		job_init(&all[i].job, &jobs, run_nothing, submit_again);
		job_submit(&all[i].job, false);
	}
	uv_run(*state, UV_RUN_DEFAULT);
	for (size_t i = 0; i < JOBS; i++)
		assert_int_equal(all[i].left, (unsigned)-1);
	assert_int_equal(jobs.running, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_known_ones_first_and_few_at_a_time),
		TEST(test_idle_ones_last_and_alone),
		TEST(test_a_waiting_job_can_be_taken_back),
		TEST(test_close_waits_for_what_runs),
		TEST(test_each_comes_back_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
