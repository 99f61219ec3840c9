/* Knows in which order work goes to the threads and how it comes back; knows nothing of what it
   computes. */
#include "proxy/jobs.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"

static void
close_if_done(struct jobs *jobs)
{
	if (jobs->closing && jobs->running == 0 && !uv_is_closing((uv_handle_t *)&jobs->wake))
		uv_close((uv_handle_t *)&jobs->wake, NULL);
}

void
jobs_close(struct jobs *jobs)
{
	jobs->closing = true;
	close_if_done(jobs);
}

void
jobs_fini(struct jobs *jobs)
{
	close(jobs->event);
}

/* ---- on a thread ---- */

/* The loop that this wakes may take the processor from this thread at once, and for long. So there
   is nothing that it would then have to wait for: no lock, and not libuv's uv_async_send, whose
   receiver spins until the sender is out of it. */
static void
on_thread(struct task *task)
{
	struct job *job = container_of(task, struct job, task);
	struct jobs *jobs = job->jobs;
	const uint64_t one = 1;

	job->run(job);
	job->before = atomic_load(&jobs->ready);
	while (!atomic_compare_exchange_weak(&jobs->ready, &job->before, job))
		;
	/* it cannot fail: that would take 2^64 of them */
	ssize_t n = write(jobs->event, &one, sizeof(one));
	(void)n;
}

/* ---- on the loop ---- */

static void
start(struct jobs *jobs, struct job *job)
{
	list_remove(&job->task.node);
	job->state = JOB_RUNNING;
	if (jobs->running++ == 0)
		uv_ref((uv_handle_t *)&jobs->wake);
	threads_give(jobs->threads, &job->task);
}

static void
start_waiting(struct jobs *jobs)
{
	while (jobs->running < jobs->most) {
		struct list *first = list_first(&jobs->waiting[0]);
		if (!first)
			first = list_first(&jobs->waiting[1]);
		if (!first && jobs->running == 0)
			first = list_first(&jobs->waiting[2]);
		if (!first)
			return;
		start(jobs, container_of(first, struct job, task.node));
	}
}

static void
finish(struct jobs *jobs, struct job *job)
{
	if (--jobs->running == 0)
		uv_unref((uv_handle_t *)&jobs->wake);
	job->state = JOB_IDLE;
	job->done(job);
	start_waiting(jobs);
	close_if_done(jobs);
}

static void
on_ready(uv_poll_t *wake, int status, int events)
{
	struct jobs *jobs = wake->data;
	struct job *in_turn = NULL;
	uint64_t count;

	(void)status;
	(void)events;
	ssize_t n = read(jobs->event, &count, sizeof(count));
	(void)n; /* before the look: what comes after it wakes again */
	for (struct job *job = atomic_exchange(&jobs->ready, NULL); job;) {
		struct job *before = job->before;
		job->before = in_turn;
		in_turn = job;
		job = before;
	}
	while (in_turn) {
		struct job *job = in_turn;
		in_turn = job->before; /* done may give it away */
		finish(jobs, job);
	}
}

bool
jobs_init(struct jobs *jobs, uv_loop_t *loop, struct threads *threads, unsigned most)
{
	jobs->threads = threads;
	jobs->running = 0;
	jobs->most = most;
	jobs->closing = false;
	atomic_init(&jobs->ready, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(jobs->waiting); i++)
		list_init(&jobs->waiting[i]);
	jobs->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (jobs->event < 0)
		return false;
	if (uv_poll_init(loop, &jobs->wake, jobs->event) != 0) {
		close(jobs->event);
		return false;
	}
	jobs->wake.data = jobs;
	uv_unref((uv_handle_t *)&jobs->wake);
	uv_poll_start(&jobs->wake, UV_READABLE, on_ready);
	return true;
}

/* ---- from the owners ---- */

void
job_init(struct job *job, struct jobs *jobs, void (*run)(struct job *), void (*done)(struct job *))
{
	list_init(&job->task.node);
	job->task.run = on_thread;
	job->jobs = jobs;
	job->state = JOB_IDLE;
	job->run = run;
	job->done = done;
}

static void
submit(struct job *job, unsigned list)
{
	job->state = JOB_WAITING;
	list_insert_tail(&job->jobs->waiting[list], &job->task.node);
	start_waiting(job->jobs);
}

void
job_submit(struct job *job, bool known)
{
	submit(job, known ? 0 : 1);
}

void
job_submit_idle(struct job *job)
{
	submit(job, 2);
}

void
job_cancel(struct job *job)
{
	if (job->state == JOB_WAITING) {
		list_remove(&job->task.node);
		job->state = JOB_IDLE;
	}
}
