/* Knows what goes on, what ends and what begins on a worker when its configuration changes: what
   must be so at once, and what is done peer by peer, in slices. */
#include "proxy/apply.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/session.h"
#include "proxy/watch.h"

#define AT_ONCE 16 /* peers, before the time is looked at */

/* First on their way to a worker, then what is left of them there: worker.news. */
struct news {
	struct post post;
	struct worker *worker;
	const struct config *config, *before;
	struct slice slice;
	const struct list *peer; /* the last one that they were applied to; peers stay there */
	struct config_walk was, is;
	uv_work_t work;
};

/* ---- peers ---- */

static void
refuse_waiting(struct list *waiting)
{
	struct list *first;

	while ((first = list_first(waiting)))
		local_fail(container_of(first, struct local, at), LOCAL_REFUSED, CODE_DENIED, NULL,
			"the peer was removed from the configuration");
}

/* It has no section any more: its links, its streams and those that wait for it end, and nobody
   dials it (protocol.md 8, Authorisation). */
static void
cut(struct peer *p)
{
	if (!peer_is_branch(p)) {
		struct log_line line = log_begin(LOG_LEVEL_INFO, "peer_removed");
		log_str(&line, "peer", p->name);
		log_end(&line);
	}
	dial_stop(p);
	own_stop(p);
	refuse_waiting(&p->waiting);
	refuse_waiting(&p->own.waiting);
	list_for_each_safe (it, &p->owner->links) {
		struct link *l = container_of(it, struct link, node);
		if (l->peer == p)
			link_close(l, CODE_DENIED);
	}
	sessions_end(p, CODE_DENIED, "the peer was removed from the configuration");
}

static bool
same_address(const struct config_peer *a, const struct config_peer *b)
{
	bool same = a->address.n == b->address.n;

	for (size_t i = 0; same && i < a->address.n; i++)
		same = strcmp(a->address.at[i].text, b->address.at[i].text) == 0;
	return same;
}

/* was, is: its sections. */
static void
apply_peer(struct peer *p, const struct config_peer *was, const struct config_peer *is)
{
	if (was && !is) {
		p->config = NULL;
		cut(p);
		return;
	}
	if (!is)
		return;
	peer_look(p); /* connect = demand, or not any more */
	/* A link that is up stays; what is under way to where the peer is no more does not. */
	if (!was || !same_address(was, is)) {
		if (p->dialer.connector)
			connect_cancel(p->dialer.connector);
		dial_now(p);
	} else {
		dial_check(p); /* connect = always now, perhaps */
	}
	own_check(p);
}

/* ---- streams ---- */

/* A stream ends when its service or `allow` entry goes. */
static void
apply_service(struct local *l, const struct config *config)
{
	const struct config_service *service =
		config_service_find(config, l->service->name, strlen(l->service->name));
	const char *reason = NULL;

	if (!service)
		reason = "denied: the service was removed from the configuration";
	else if (!config_service_allows(service, l->peer->name))
		reason = "denied: `allow` does not name this peer any more";
	if (reason)
		local_fail(l, LOCAL_BROKEN, CODE_DENIED, code_text(CODE_DENIED), reason);
	else
		l->service = service;
}

static void
apply_services(struct worker *w, const struct config *config)
{
	list_for_each_safe (it, &w->locals) {
		struct local *l = container_of(it, struct local, node);
		if (l->service && !l->over)
			apply_service(l, config);
	}
}

/* ---- at once, and in slices ---- */

static void
on_thread(uv_work_t *work)
{
	config_free(container_of(work, struct news, work)->before);
}

static void
on_freed(uv_work_t *work, int status)
{
	(void)status;
	free(container_of(work, struct news, work));
}

/* A large one that nobody has any more takes a while to free: on a thread. */
static void
end(struct news *news)
{
	struct worker *w = news->worker;

	w->news = NULL;
	config_free(news->config);
	if (w->state == WORKER_RUNNING &&
		uv_queue_work(&w->loop, &news->work, on_thread, on_freed) == 0)
		return;
	config_free(news->before);
	free(news);
}

/* The next peer; false: there is none. */
static bool
apply_next(struct news *news)
{
	if (news->peer->next == &news->worker->peers)
		return false;
	news->peer = news->peer->next;
	struct peer *p = container_of(news->peer, struct peer, at);
	apply_peer(p, config_peer_walk(news->before, &news->was, p->name),
		config_peer_walk(news->config, &news->is, p->name));
	return true;
}

/* Some peers. */
static bool
on_slice(struct slice *slice)
{
	struct news *news = container_of(slice, struct news, slice);

	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (!apply_next(news)) {
			end(news);
			return false;
		}
	}
	return true;
}

/* What decides who may do what counts from now on. A peer that has no section any more keeps the
   one that it had until its turn comes, with which it ends. */
static void
take(struct news *news)
{
	struct worker *w = news->worker;
	struct config_walk walk = {0};

	news->before = w->config;
	w->config = config_hold(news->config);
	list_for_each (it, &w->peers) {
		struct peer *p = container_of(it, struct peer, at);
		const struct config_peer *is = config_peer_walk(w->config, &walk, p->name);
		if (is)
			p->config = is;
	}
	apply_services(w, w->config);
	if (news->before->node.allow_weak && !w->config->node.allow_weak)
		watch_end_links(w);
}

static void
on_news(struct worker *w, struct post *post)
{
	struct news *news = container_of(post, struct news, post);

	if (w->news) { /* two reloads one after the other: all of the first one first */
		slice_stop(&w->news->slice);
		while (apply_next(w->news))
			;
		end(w->news);
	}
	take(news);
	w->news = news;
	news->peer = &w->peers;
	slice_start(&w->slices, &news->slice);
}

/* ---- on their way ---- */

struct news **
news_new(const struct node *n, const struct config *config)
{
	struct news **news = calloc(n->n_workers, sizeof(*news));

	for (unsigned i = 0; news && i < n->n_workers; i++) {
		news[i] = calloc(1, sizeof(*news[i]));
		if (!news[i]) {
			news_free(news, n);
			return NULL;
		}
		news[i]->post.fn = on_news;
		news[i]->worker = &n->workers[i];
		slice_init(&news[i]->slice, on_slice);
		news[i]->config = config_hold(config);
	}
	return news;
}

void
news_send(struct news **news, struct node *n)
{
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_post(&n->workers[i], &news[i]->post);
	on_news(node_main(n), &news[0]->post);
	free(news);
}

void
news_free(struct news **news, const struct node *n)
{
	for (unsigned i = 0; news && i < n->n_workers; i++) {
		if (news[i])
			config_free(news[i]->config);
		free(news[i]);
	}
	free(news);
}
