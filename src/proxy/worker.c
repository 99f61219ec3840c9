/* Knows what a loop does in each of its turns, and how it begins and comes to rest; knows nothing
   of what the others do. */
#include "proxy/worker.h"

#include "base/log.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/peer.h"
#include "proxy/resolver.h"
#include "proxy/tally.h"

#define TICK        (500 * NS_PER_MS)
#define CHUNKS_KEPT (16u * 1024 * 1024)

/* ---- the loop's turns ---- */

/* Once through the links that have something to do; one that has more comes again in the next
   turn. */
static void
flush(struct worker *w)
{
	struct list end, *it;

	list_insert_tail(&w->dirty, &end);
	while ((it = list_first(&w->dirty)) != &end) {
		struct link *l = container_of(it, struct link, dirty);
		list_remove(it);
		if (link_turn(l))
			link_touch(l);
		link_reap(l);
	}
	list_remove(&end);
}

static void
on_idle(uv_idle_t *idle)
{
	(void)idle; /* only there so that the loop does not sleep */
}

static void
flush_and_go_on(struct worker *w)
{
	flush(w);
	if (worker_rests(w))
		node_rests(w->node);
	else if (list_empty(&w->dirty))
		uv_idle_stop(&w->idle);
	else
		uv_idle_start(&w->idle, on_idle);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	flush_and_go_on(prepare->data);
}

static void
on_check(uv_check_t *check)
{
	flush_and_go_on(check->data);
}

static void
on_tick(void *owner)
{
	struct worker *w = owner;

	for (size_t i = 0; i < WORKER_FLOODS; i++)
		node_log_summary(&w->floods[i], NULL);
	list_for_each (it, &w->peers) {
		struct peer *p = container_of(it, struct peer, at);
		node_log_summary(&p->dialer.failures, p->name);
		peer_measure(p, node_now());
		dial_refresh(p);
	}
	alarm_set(w->tick, node_now() + TICK);
}

/* ---- the beginning ---- */

bool
worker_init(struct worker *w, struct node *n, unsigned number)
{
	w->node = n;
	w->number = number;
	if (uv_loop_init(&w->loop) != 0)
		return false;
	if (!inbox_init(&w->inbox, &w->loop, w)) {
		uv_loop_close(&w->loop);
		return false;
	}
	list_init(&w->peers);
	list_init(&w->links);
	list_init(&w->locals);
	list_init(&w->dirty);
	list_init(&w->tallies);
	jobs_init(&w->jobs, &w->loop);
	for (size_t i = 0; i < WORKER_FLOODS; i++)
		w->floods[i] = (struct flood){.event = "connection_refused", .lines = 50};
	w->floods[FLOOD_MOVED].event = "connection_moved";
	uv_prepare_init(&w->loop, &w->prepare);
	uv_check_init(&w->loop, &w->check);
	uv_idle_init(&w->loop, &w->idle);
	w->prepare.data = w->check.data = w;
	w->tick = alarm_new(&w->loop, on_tick, w);
	w->chunks = chunk_pool_new(CHUNKS_KEPT);
	w->resolver = resolver_new(&w->loop, NULL, NULL);
	if (w->tick && w->chunks && w->resolver)
		return true;
	worker_close(w);
	worker_fini(w);
	return false;
}

void
worker_post(struct worker *w, struct post *post)
{
	inbox_post(&w->inbox, post);
}

void
worker_start(struct worker *w)
{
	uv_prepare_start(&w->prepare, on_prepare);
	uv_check_start(&w->check, on_check);
	alarm_set(w->tick, node_now() + TICK);
	list_for_each (it, &w->peers)
		dial_check(container_of(it, struct peer, at));
}

/* ---- the end ---- */

/* Whoever waits for a link will not get one any more. */
static void
end_waiting(struct worker *w)
{
	list_for_each (it, &w->peers) {
		struct peer *p = container_of(it, struct peer, at);
		struct list *first;

		dial_stop(p);
		while ((first = list_first(&p->waiting)))
			local_fail(container_of(first, struct local, at), LOCAL_REFUSED,
				CODE_SHUTTING_DOWN, NULL, "this node is stopping");
	}
}

void
worker_drain(struct worker *w)
{
	w->state = WORKER_DRAINING;
	alarm_free(w->tick);
	w->tick = NULL;
	end_waiting(w);
	list_for_each_safe (it, &w->links)
		link_drain(container_of(it, struct link, node));
}

void
worker_stop(struct worker *w, bool hurry)
{
	w->state = WORKER_STOPPING;
	list_for_each_safe (it, &w->links) {
		struct link *l = container_of(it, struct link, node);
		link_close(l, CODE_SHUTTING_DOWN);
		if (hurry && l->state == LINK_ENDING) {
			link_write(l);
			link_kill(l);
		}
	}
}

static bool
dialing(const struct worker *w)
{
	list_for_each (it, &w->peers)
		if (container_of(it, struct peer, at)->dialer.connector)
			return true;
	return false;
}

bool
worker_rests(const struct worker *w)
{
	return w->state != WORKER_RUNNING && list_empty(&w->links) && list_empty(&w->locals) &&
		!dialing(w);
}

void
worker_close(struct worker *w)
{
	if (uv_is_closing((uv_handle_t *)&w->idle))
		return;
	uv_close((uv_handle_t *)&w->prepare, NULL);
	uv_close((uv_handle_t *)&w->check, NULL);
	uv_close((uv_handle_t *)&w->idle, NULL);
	alarm_free(w->tick);
	w->tick = NULL;
	inbox_close(&w->inbox);
	peers_free(w);
	resolver_free(w->resolver);
	w->resolver = NULL;
}

void
worker_fini(struct worker *w)
{
	inbox_fini(&w->inbox);
	uv_run(&w->loop, UV_RUN_DEFAULT); /* only closing callbacks are left */
	uv_loop_close(&w->loop);
	chunk_pool_free(w->chunks);
	tallies_free(&w->tallies);
}
