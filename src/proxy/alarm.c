/* Knows libuv's timers; knows nothing of what they are for. */
#include "proxy/alarm.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/util.h"

struct alarm {
	uv_timer_t timer;
	bool begun; /* it is one of the loop's */
	alarm_fn *fn;
	void *owner;
	uint64_t deadline; /* UINT64_MAX: not set */
};

struct alarm *
alarm_make(alarm_fn *fn, void *owner)
{
	struct alarm *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->fn = fn;
	a->owner = owner;
	a->deadline = UINT64_MAX;
	return a;
}

void
alarm_begin(struct alarm *a, uv_loop_t *loop)
{
	uv_timer_init(loop, &a->timer); /* cannot fail */
	a->timer.data = a;
	a->begun = true;
}

struct alarm *
alarm_new(uv_loop_t *loop, alarm_fn *fn, void *owner)
{
	struct alarm *a = alarm_make(fn, owner);
	if (a)
		alarm_begin(a, loop);
	return a;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
alarm_free(struct alarm *a)
{
	if (a && a->begun)
		uv_close((uv_handle_t *)&a->timer, on_closed);
	else
		free(a);
}

static void
on_timer(uv_timer_t *timer)
{
	struct alarm *a = timer->data;
	a->deadline = UINT64_MAX;
	a->fn(a->owner);
}

void
alarm_set(struct alarm *a, uint64_t deadline)
{
	uint64_t now = uv_hrtime();

	if (!a)
		return;
	a->deadline = deadline;
	if (deadline == UINT64_MAX) {
		uv_timer_stop(&a->timer);
		return;
	}
	/* libuv counts from the time of the loop turn, in whole milliseconds: round up, and let
	   it look at the clock first, so that it does not come too early. */
	uv_update_time(a->timer.loop);
	uint64_t wait = deadline > now ? deadline - now : 0;
	uv_timer_start(&a->timer, on_timer, (wait + NS_PER_MS - 1) / NS_PER_MS + 1, 0);
}

void
alarm_set_by(struct alarm *a, uint64_t deadline)
{
	if (!a || deadline < a->deadline || a->deadline == UINT64_MAX)
		alarm_set(a, deadline);
}
