/* One deadline of one owner, on the loop. The owner may go away at any time: the timer closes
   behind it. */
#ifndef SC_PROXY_ALARM_H
#define SC_PROXY_ALARM_H

#include <stdint.h>

#include <uv.h>

struct alarm;

typedef void alarm_fn(void *owner);

/* NULL: out of memory. Not set yet. */
struct alarm *
alarm_new(uv_loop_t *loop, alarm_fn *fn, void *owner);

/* The same in two steps, where there must be memory for it before its loop's thread gets to it:
   made on any thread, and begun on the loop's own, which cannot fail, before it is set. */
struct alarm *
alarm_make(alarm_fn *fn, void *owner);

void
alarm_begin(struct alarm *a, uv_loop_t *loop);

/* It will not call any more. Frees itself once the loop has let go of it, or at once if it has not
   begun. NULL is fine. */
void
alarm_free(struct alarm *a);

/* Calls once, at or soon after `deadline` (nanoseconds, as uv_hrtime); in place of what was set
   before. UINT64_MAX: never. NULL is fine: nothing happens. */
void
alarm_set(struct alarm *a, uint64_t deadline);

/* The same, but where an earlier call is due anyway it is left alone: for deadlines that move
   all the time. May so call too early. */
void
alarm_set_by(struct alarm *a, uint64_t deadline);

#endif
