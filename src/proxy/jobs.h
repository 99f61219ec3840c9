/* Public-key work of one loop for the node's threads, in front of their own queue: few at a time,
   those of known sources first (protocol.md 11), so that a flood of strangers does not keep the
   peers waiting. */
#ifndef SC_PROXY_JOBS_H
#define SC_PROXY_JOBS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <uv.h>

#include "proxy/threads.h"

struct job;

struct jobs {
	struct threads *threads;
	unsigned running, most;
	struct list waiting[3]; /* those of known sources, the others, those of job_submit_idle */
	_Atomic(struct job *) ready; /* the last that threads have done, each with the one before */
	uv_poll_t wake;
	int event; /* that it polls */
	bool closing;
};

/* Embedded in its owner; one piece of work at a time. The length of the queue is bounded by the
   number of owners. */
struct job {
	struct task task;
	struct job *before; /* on jobs.ready */
	struct jobs *jobs;
	enum { JOB_IDLE, JOB_WAITING, JOB_RUNNING } state;
	void (*run)(struct job *job);  /* on a thread */
	void (*done)(struct job *job); /* back on the loop */
};

/* most: so many of this loop run at once. False: out of descriptors or memory; nothing is left
   then. The loop goes on as long as a job runs. */
bool
jobs_init(struct jobs *jobs, uv_loop_t *loop, struct threads *threads, unsigned most);

/* Nothing waits, and nothing is submitted any more. The loop can end when what runs is done. */
void
jobs_close(struct jobs *jobs);

/* After jobs_close, and when the threads are gone. */
void
jobs_fini(struct jobs *jobs);

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
