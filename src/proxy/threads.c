/* Knows how threads share a queue and how they are told to make way; knows nothing of what they
   compute. */
#include "proxy/threads.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <uv.h>

#include "base/util.h"

/* How much less of a processor that others want too: a tenth of what a loop has there. All of it
   where nobody else does. Not SCHED_IDLE: beside a program that computes all the time no handshake
   would end within its deadline. */
#define NICER 10
/* Nanoseconds, the most that Linux takes. Whoever wakes up and has a shorter slice, which is
   everybody, takes the processor at once and not at the end of this thread's turn (2 to 4 ms).
   Systems before Linux 6.12 do not look at it. */
#define SLICE (100 * NS_PER_MS)

struct threads {
	uv_mutex_t lock;
	uv_cond_t work;
	struct list given; /* struct task */
	bool ending;
	unsigned n;
	uv_thread_t at[];
};

/* With the lock. NULL: it is the end. */
static struct task *
next(struct threads *t)
{
	while (list_empty(&t->given) && !t->ending)
		uv_cond_wait(&t->work, &t->lock);
	struct list *first = list_first(&t->given);
	if (!first)
		return NULL;
	list_remove(first);
	return container_of(first, struct task, node);
}

/* sched_setattr(2), which the C library did not declare for long. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* The calling thread makes way for others. Where the system does not let it, all works the same but
   for the time that others wait. */
static void
make_way(void)
{
	struct attributes a = {.size = sizeof(a), .policy = SCHED_OTHER, .runtime = SLICE};

	if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_IDLE)
		return; /* so has somebody wanted the whole program; there is no way back */
	int nice = getpriority(PRIO_PROCESS, 0) + NICER;
	a.nice = nice > 19 ? 19 : nice;
	if (syscall(SYS_sched_setattr, 0, &a, 0) != 0)
		setpriority(PRIO_PROCESS, 0, a.nice);
}

static void
on_thread(void *arg)
{
	struct threads *t = arg;
	struct task *task;

	prctl(PR_SET_NAME, "jobs", 0, 0, 0);
	make_way();
	uv_mutex_lock(&t->lock);
	while ((task = next(t))) {
		uv_mutex_unlock(&t->lock);
		task->run(task);
		uv_mutex_lock(&t->lock);
	}
	uv_mutex_unlock(&t->lock);
}

struct threads *
threads_new(unsigned n)
{
	struct threads *t = calloc(1, sizeof(*t) + n * sizeof(t->at[0]));

	if (!t)
		return NULL;
	list_init(&t->given);
	if (uv_mutex_init(&t->lock) != 0) {
		free(t);
		return NULL;
	}
	if (uv_cond_init(&t->work) != 0) {
		uv_mutex_destroy(&t->lock);
		free(t);
		return NULL;
	}
	while (t->n < n && uv_thread_create(&t->at[t->n], on_thread, t) == 0)
		t->n++;
	if (t->n == n)
		return t;
	threads_free(t);
	return NULL;
}

void
threads_give(struct threads *t, struct task *task)
{
	uv_mutex_lock(&t->lock);
	list_insert_tail(&t->given, &task->node);
	uv_mutex_unlock(&t->lock);
	uv_cond_signal(&t->work);
}

void
threads_free(struct threads *t)
{
	if (!t)
		return;
	uv_mutex_lock(&t->lock);
	t->ending = true;
	uv_cond_broadcast(&t->work);
	uv_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < t->n; i++)
		uv_thread_join(&t->at[i]);
	uv_cond_destroy(&t->work);
	uv_mutex_destroy(&t->lock);
	free(t);
}
