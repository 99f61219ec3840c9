/* What other threads have for a loop: pieces of work, done on the loop's thread in the order in
   which they were posted. Takes no memory of its own, so posting cannot fail: each piece lies in
   its owner. */
#ifndef SC_PROXY_INBOX_H
#define SC_PROXY_INBOX_H

#include <stdbool.h>

#include "base/list.h"

#include <uv.h>

struct worker;

/* Embedded in whatever it is about (container_of finds it). */
struct post {
	struct list node;
	/* On the thread of w, which it was posted to. The post is free again: it may be posted
	   anew, or its memory go. */
	void (*fn)(struct worker *w, struct post *post);
	bool queued; /* under the lock of the inbox that it is in */
};

struct inbox {
	uv_mutex_t lock;
	struct list posts;
	uv_async_t async;
	struct worker *owner;
};

/* False: out of memory or descriptors. */
bool
inbox_init(struct inbox *inbox, uv_loop_t *loop, struct worker *owner);

/* From any thread. One that still waits in this inbox stays where it is: for news that are looked
   at when they arrive, one is as good as two. */
void
inbox_post(struct inbox *inbox, struct post *post);

/* Nobody wakes the loop any more. Does what nobody has done yet, so that what it holds is given
   back. */
void
inbox_close(struct inbox *inbox);

/* After inbox_close, when no other thread posts: the same once more. */
void
inbox_fini(struct inbox *inbox);

#endif
