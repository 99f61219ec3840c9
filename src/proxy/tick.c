/* Knows what is done now and then on a worker; knows nothing of its turns. */
#include "proxy/tick.h"

#include <malloc.h>

#include "proxy/peer.h"
#include "proxy/rolls.h"

#define TRIM_TICKS 2 /* memory that nobody used for so long goes back */
#define TRIM_WORTH (64 * 1024)
#define TICK       (500 * NS_PER_MS)

/* Gives memory back that was needed for a while. The C library keeps what is freed between other
   memory, until it is told to look; of all threads, so one of them does. */
static void
trim(struct worker *w)
{
	if (++w->ticks % TRIM_TICKS != 0)
		return;
	chunk_pool_trim(w->chunks);
	if (w->number > 0)
		return;
	size_t before = w->unused;
	w->unused = mallinfo2().fordblks;
	size_t change = w->unused > before ? w->unused - before : before - w->unused;
	if (change > TRIM_WORTH) {
		w->restless = true; /* it will be needed again, or not: the next look shows it */
	} else if (w->restless) {
		w->restless = false;
		malloc_trim(0);
	}
}

/* One peer. */
static bool
on_look(struct slice *slice)
{
	struct worker *w = container_of(slice, struct worker, look);

	if (w->looked->next == &w->peers)
		return false;
	w->looked = w->looked->next;
	struct peer *p = container_of(w->looked, struct peer, at);
	node_log_summary(&p->dialer.failures, p->name);
	peer_measure(p, node_now());
	dial_refresh(p);
	own_check(p);
	return true;
}

static void
on_tick(void *owner)
{
	struct worker *w = owner;

	trim(w);
	for (size_t i = 0; i < WORKER_FLOODS; i++)
		node_log_summary(&w->floods[i], NULL);
	if (list_empty(&w->look.node)) { /* else there are very many, and more to do besides */
		w->looked = &w->peers;
		slice_start(&w->slices, &w->look);
	}
	if (node_now() >= w->announce_at) {
		if (w->announce_at != 0) /* links that come up are told then */
			rolls_announce_all(w);
		w->announce_at = node_now() + w->config->limits.announce_again;
	}
	tick_start(w);
}

void
tick_init(struct worker *w)
{
	slice_init(&w->look, on_look);
	w->tick = alarm_new(&w->loop, on_tick, w);
}

void
tick_start(struct worker *w)
{
	alarm_set(w->tick, node_now() + TICK);
}

void
tick_stop(struct worker *w)
{
	alarm_free(w->tick);
	w->tick = NULL;
	slice_stop(&w->look);
}
