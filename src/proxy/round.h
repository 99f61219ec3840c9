/* A question that goes to every worker, is answered on its thread, a little in each turn of the
   loop, and comes back to the first one when all have answered. */
#ifndef SC_PROXY_ROUND_H
#define SC_PROXY_ROUND_H

#include "proxy/worker.h"

/* What is asked. Nobody else sees a part while a worker fills it. */
struct round_question {
	size_t part_size; /* zeroed before */
	/* On the thread of w, which it keeps for some microseconds. text: a copy of what
	   round_start was given. True: there is more to say, and it is called again. */
	bool (*ask)(struct worker *w, void *part, const char *text);
	/* On the first worker's thread, exactly once; parts: one of each worker. owner: NULL after
	   round_forget. What a part holds is freed here. */
	void (*done)(void *owner, void *parts, unsigned n);
};

#define ROUND_TEXT_SIZE 80

struct round;

/* On the first worker's thread. *round is NULL again when done is called. False: out of memory,
   done is not called. */
bool
round_start(struct node *n, const struct round_question *question, const char *text, void *owner,
	struct round **round);

/* The owner goes. NULL is fine. */
void
round_forget(struct round *round);

#endif
