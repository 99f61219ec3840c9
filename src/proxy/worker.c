/* Knows what a loop does in each of its turns, and how it begins and comes to rest; knows nothing
   of what the others do. */
#include "proxy/worker.h"

#include <stdio.h>
#include <sys/prctl.h>

#include "proxy/handover.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/peer.h"
#include "proxy/resolver.h"
#include "proxy/rolls.h"
#include "proxy/session.h"
#include "proxy/stop.h"
#include "proxy/tally.h"
#include "proxy/tick.h"

#define SLICES_TIME (500 * 1000ull) /* of a turn, for what is done in slices */
#define CHUNKS_KEPT (16u * 1024 * 1024)

/* ---- the loop's turns ---- */

/* Once through the links that have something to do; one that has more comes again in the next
   turn. */
static void
flush(struct worker *w)
{
	struct list *it;

	list_insert_tail(&w->dirty, &w->turn);
	while ((it = list_first(&w->dirty)) != &w->turn) {
		struct link *l = container_of(it, struct link, dirty);
		list_remove(it);
		if (link_turn(l))
			link_touch(l);
		if (!link_leave(l))
			link_reap(l);
	}
	list_remove(&w->turn);
}

static void
on_idle(uv_idle_t *idle)
{
	(void)idle; /* only there so that the loop does not sleep */
}

/* On the node's own thread. */
static void
on_rests(struct worker *main, struct post *post)
{
	(void)post;
	node_rests(main->node);
}

/* The node's own thread decides when all may end. */
static void
rest(struct worker *w)
{
	bool told = atomic_exchange(&w->told, true);

	if (w->number == 0)
		node_rests(w->node);
	else if (!told)
		worker_post(node_main(w->node), &w->rests);
}

/* Nobody waits for what is being dialed. */
static void
stop_dialing(struct worker *w)
{
	list_for_each (it, &w->peers) {
		dial_stop(container_of(it, struct peer, at));
		own_stop(container_of(it, struct peer, at));
	}
}

static void
flush_and_go_on(struct worker *w)
{
	flush(w);
	if (w->number == 0)
		stop_look(w->node);
	if (w->state == WORKER_DRAINING && list_empty(&w->links) && list_empty(&w->locals))
		stop_dialing(w);
	if (worker_rests(w))
		rest(w);
	if (uv_is_closing((uv_handle_t *)&w->idle))
		return;
	if (list_empty(&w->dirty) && list_empty(&w->slices))
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
	struct worker *w = check->data;

	w->turns++;
	flush_and_go_on(w);
	if (!uv_is_closing((uv_handle_t *)&w->idle))
		slices_work(&w->slices, SLICES_TIME);
}

/* ---- the beginning ---- */

static void
on_start(struct worker *w, struct post *post)
{
	(void)post;
	worker_start(w);
}

static void
on_drain(struct worker *w, struct post *post)
{
	(void)post;
	worker_drain(w);
}

static void
on_stop(struct worker *w, struct post *post)
{
	(void)post;
	worker_stop(w);
}

static void
on_finish(struct worker *w, struct post *post)
{
	(void)post;
	worker_close(w);
}

static void
on_watch(struct worker *w, struct post *post)
{
	(void)post;
	watch_end_links(w);
}

static void
init_posts(struct worker *w)
{
	w->start.fn = on_start;
	w->drain.fn = on_drain;
	w->stop.fn = on_stop;
	w->finish.fn = on_finish;
	w->watch.fn = on_watch;
	w->rests.fn = on_rests;
}

/* What other threads wake it by. False: out of descriptors or memory. */
static bool
init_ears(struct worker *w, unsigned jobs)
{
	if (!jobs_init(&w->jobs, &w->loop, w->node->threads, jobs))
		return false;
	if (inbox_init(&w->inbox, &w->loop, w))
		return true;
	jobs_close(&w->jobs);
	jobs_fini(&w->jobs);
	return false;
}

bool
worker_init(struct worker *w, struct node *n, unsigned number, unsigned jobs)
{
	w->node = n;
	w->config = config_hold(n->config);
	w->number = number;
	init_posts(w);
	if (uv_loop_init(&w->loop) != 0) {
		config_free(w->config);
		return false;
	}
	if (!init_ears(w, jobs)) {
		uv_run(&w->loop, UV_RUN_DEFAULT);
		uv_loop_close(&w->loop);
		config_free(w->config);
		return false;
	}
	list_init(&w->peers);
	list_init(&w->links);
	list_init(&w->locals);
	list_init(&w->dirty);
	tallies_init(&w->tallies);
	list_init(&w->slices);
	for (size_t i = 0; i < WORKER_FLOODS; i++)
		w->floods[i] = (struct flood){.event = "connection_refused", .lines = 50};
	w->floods[FLOOD_MOVED].event = "connection_moved";
	w->floods[FLOOD_HANDSHAKE] = (struct flood){.event = "handshake_failed", .lines = 20};
	uv_prepare_init(&w->loop, &w->prepare);
	uv_check_init(&w->loop, &w->check);
	uv_idle_init(&w->loop, &w->idle);
	w->prepare.data = w->check.data = w;
	tick_init(w);
	w->chunks = chunk_pool_new(CHUNKS_KEPT / config_workers(n->config));
	w->resolver = resolver_new(&w->loop, NULL, NULL);
	if (w->tick && w->chunks && w->resolver)
		return true;
	worker_close(w);
	worker_fini(w);
	return false;
}

static void
on_thread(void *arg)
{
	struct worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", w->number);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

bool
worker_thread(struct worker *w)
{
	w->threaded = uv_thread_create(&w->thread, on_thread, w) == 0;
	return w->threaded;
}

void
worker_join(struct worker *w)
{
	if (w->threaded)
		uv_thread_join(&w->thread);
	w->threaded = false;
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
	chunk_pool_set_budget(w->chunks, w->config->limits.memory / w->node->n_workers);
	tick_start(w);
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

		while ((first = list_first(&p->waiting)) || (first = list_first(&p->own.waiting)))
			local_fail(container_of(first, struct local, at), LOCAL_REFUSED,
				CODE_SHUTTING_DOWN, NULL, "this node is stopping");
	}
}

/* The process that takes over may have a link for those that wait, or get one sooner. */
static void
send_waiting(struct worker *w)
{
	list_for_each (it, &w->peers) {
		struct peer *p = container_of(it, struct peer, at);

		list_for_each_safe (at, &p->waiting)
			handover_client(container_of(at, struct local, at));
		list_for_each_safe (at, &p->own.waiting)
			handover_client(container_of(at, struct local, at));
	}
}

void
worker_drain(struct worker *w)
{
	w->state = WORKER_DRAINING;
	tick_stop(w);
	send_waiting(w);
	list_for_each_safe (it, &w->links)
		link_drain(container_of(it, struct link, node));
	list_for_each (it, &w->peers) {
		struct peer *p = container_of(it, struct peer, at);
		sessions_drain(p);
		dial_check(p);
		own_check(p);
	}
}

void
worker_stop(struct worker *w)
{
	bool hurry = atomic_load(&w->node->hurry);

	w->state = WORKER_STOPPING;
	stop_dialing(w);
	list_for_each_safe (it, &w->links) {
		struct link *l = container_of(it, struct link, node);
		link_close(l, CODE_SHUTTING_DOWN);
		if (hurry && l->state == LINK_ENDING) {
			link_write(l);
			link_kill(l);
		}
	}
	list_for_each (it, &w->peers)
		sessions_end(container_of(it, struct peer, at), CODE_SHUTTING_DOWN, NULL);
	end_waiting(w); /* those too whose streams have just been refused */
}

static bool
dialing(const struct worker *w)
{
	list_for_each (it, &w->peers) {
		const struct peer *p = container_of(it, struct peer, at);
		if (p->dialer.connector || !own_rests(p))
			return true;
	}
	return false;
}

bool
worker_takes_more(const struct worker *w)
{
	return w->state == WORKER_RUNNING ||
		(w->state == WORKER_DRAINING && (w->number == 0 || !atomic_load(&w->told)));
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
	tick_stop(w);
	inbox_close(&w->inbox);
	jobs_close(&w->jobs);
	slices_finish(&w->slices);
	list_for_each (it, &w->peers) {
		sessions_fini(container_of(it, struct peer, at));
		dial_fini(container_of(it, struct peer, at));
		own_fini(container_of(it, struct peer, at));
	}
	resolver_free(w->resolver);
	w->resolver = NULL;
}

void
worker_fini(struct worker *w)
{
	inbox_fini(&w->inbox);
	slices_finish(&w->slices);
	flush(w); /* links that came too late */
	uv_run(&w->loop, UV_RUN_DEFAULT); /* only closing callbacks are left */
	uv_loop_close(&w->loop);
	jobs_fini(&w->jobs);
	chunk_pool_free(w->chunks);
	host_addresses_fini(&w->own_addresses);
	tallies_fini(&w->tallies);
	key_set_release(key_mail_take(&w->key_mail));
	key_set_release(w->key_set);
	config_free(w->config);
}
