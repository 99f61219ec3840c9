/* Work that would keep a loop too long, done a little in each of its turns. */
#ifndef SC_PROXY_SLICE_H
#define SC_PROXY_SLICE_H

#include <stdbool.h>

#include "base/list.h"

/* Embedded in whatever it is about (container_of finds it). */
struct slice {
	struct list node;
	/* Does a small piece: some microseconds. True: there is more, and the slice goes on. False:
	   it has ended before the call, and may be started again in it, or its memory go. */
	bool (*fn)(struct slice *slice);
};

/* Not started. */
void
slice_init(struct slice *s, bool (*fn)(struct slice *slice));

/* On the loop's own thread; slices: the loop's (worker.slices). One that goes on already just goes
   on. */
void
slice_start(struct list *slices, struct slice *s);

/* On the same thread, not in its fn. One that has not started is fine. */
void
slice_stop(struct slice *s);

/* All of them in turns, for about so many nanoseconds together. */
void
slices_work(struct list *slices, uint64_t time);

/* To the end of all of them. */
void
slices_finish(struct list *slices);

#endif
