/* Knows in which order work goes to the threads; knows nothing of what it computes. */
#include "proxy/jobs.h"

void
jobs_init(struct jobs *jobs, uv_loop_t *loop, unsigned most)
{
	jobs->loop = loop;
	jobs->running = 0;
	jobs->most = most;
	for (size_t i = 0; i < ARRAY_SIZE(jobs->waiting); i++)
		list_init(&jobs->waiting[i]);
}

void
job_init(struct job *job, struct jobs *jobs, void (*run)(struct job *), void (*done)(struct job *))
{
	list_init(&job->node);
	job->jobs = jobs;
	job->state = JOB_IDLE;
	job->run = run;
	job->done = done;
	job->work.data = job;
}

static void
on_thread(uv_work_t *work)
{
	struct job *job = work->data;
	job->run(job);
}

static void start_waiting(struct jobs *jobs);

static void
on_loop(uv_work_t *work, int status)
{
	struct job *job = work->data;
	struct jobs *jobs = job->jobs;

	(void)status; /* what libuv has taken is never cancelled here */
	jobs->running--;
	job->state = JOB_IDLE;
	job->done(job);
	start_waiting(jobs);
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
		struct job *job = container_of(first, struct job, node);
		list_remove(first);
		job->state = JOB_RUNNING;
		jobs->running++;
		/* fails only without on_thread */
		uv_queue_work(jobs->loop, &job->work, on_thread, on_loop);
	}
}

static void
submit(struct job *job, unsigned list)
{
	job->state = JOB_WAITING;
	list_insert_tail(&job->jobs->waiting[list], &job->node);
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
		list_remove(&job->node);
		job->state = JOB_IDLE;
	}
}
