/* Knows whose turn it is; knows nothing of what is done. */
#include "proxy/slice.h"

#include <uv.h>

void
slice_init(struct slice *s, bool (*fn)(struct slice *slice))
{
	list_init(&s->node);
	s->fn = fn;
}

void
slice_start(struct list *slices, struct slice *s)
{
	if (list_empty(&s->node))
		list_insert_tail(slices, &s->node);
}

void
slice_stop(struct slice *s)
{
	list_remove(&s->node);
}

/* The first one's piece; it goes to the end if there is more. */
static void
work(struct list *slices)
{
	struct slice *s = container_of(list_first(slices), struct slice, node);

	list_remove(&s->node);
	if (s->fn(s))
		slice_start(slices, s);
}

void
slices_work(struct list *slices, uint64_t time)
{
	uint64_t end = uv_hrtime() + time;

	while (!list_empty(slices)) {
		work(slices);
		if (uv_hrtime() >= end)
			return;
	}
}

void
slices_finish(struct list *slices)
{
	while (!list_empty(slices))
		work(slices);
}
