/* The signals of a node, as events of its loop. */
#ifndef SC_PROXY_SIGNALS_H
#define SC_PROXY_SIGNALS_H

#include <uv.h>

/* Keeps SIGTERM, SIGINT, SIGHUP and SIGUSR2 from doing what they do by default, in the calling
   thread and those that it starts: to be called before there are others. It stays so to the end
   of the process: a signal that comes early waits for the loop, one that comes late, when the
   loop is gone, does nothing. */
void
signals_block(void);

struct signals;

/* fn gets each of them from then on, from the loop. NULL: out of memory or descriptors. */
struct signals *
signals_new(uv_loop_t *loop, void (*fn)(void *owner, int number), void *owner);

/* NULL is fine. The memory goes when the loop has turned once more. */
void
signals_free(struct signals *s);

#endif
