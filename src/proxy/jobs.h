/* Public-key work for libuv's threads, in front of libuv's own queue: few at a time, those of
   known sources first (protocol.md 11), so that a flood of strangers does not keep the peers
   waiting. */
#ifndef SC_PROXY_JOBS_H
#define SC_PROXY_JOBS_H

#include <uv.h>

#include "base/list.h"

struct jobs {
	uv_loop_t *loop;
	unsigned running, most;
	struct list waiting[3]; /* those of known sources, the others, those of job_submit_idle */
};

/* Embedded in its owner; one piece of work at a time. The length of the queue is bounded by the
   number of owners. */
struct job {
	struct list node;
	uv_work_t work;
	struct jobs *jobs;
	enum { JOB_IDLE, JOB_WAITING, JOB_RUNNING } state;
	void (*run)(struct job *job);  /* on a thread */
	void (*done)(struct job *job); /* back on the loop */
};

/* most: so many run at once. */
void
jobs_init(struct jobs *jobs, uv_loop_t *loop, unsigned most);

void
job_init(struct job *job, struct jobs *jobs, void (*run)(struct job *), void (*done)(struct job *));

/* The job is JOB_IDLE. done is always called later, but if it is cancelled. */
void
job_submit(struct job *job, bool known);

/* The same for work that nobody waits for: begins when no other job waits or runs. */
void
job_submit_idle(struct job *job);

/* Takes back a job that waits. One that runs cannot be stopped: its owner waits for done. */
void
job_cancel(struct job *job);

#endif
