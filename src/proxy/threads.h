/* Threads for long computations, in the order in which these are given to them. They are the kind
   of threads that make way for loops: whoever waits for bytes goes first on a processor. */
#ifndef SC_PROXY_THREADS_H
#define SC_PROXY_THREADS_H

#include "base/list.h"

struct threads;

/* Embedded in its owner. */
struct task {
	struct list node;
	void (*run)(struct task *task); /* on a thread; the last that the threads do with it */
};

/* Starts n of them. NULL: the system has no memory or no thread left. */
struct threads *
threads_new(unsigned n);

/* From any thread. The task is on no list. */
void
threads_give(struct threads *t, struct task *task);

/* Waits until all that was given is done. NULL is fine. */
void
threads_free(struct threads *t);

#endif
