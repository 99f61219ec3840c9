/* Knows what goes on, what ends and what begins on a worker when its configuration changes. */
#include "proxy/apply.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/session.h"
#include "proxy/watch.h"

struct news {
	struct post post;
	const struct config *config;
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

static void
apply_peer(struct peer *p, const struct config *config)
{
	const struct config_peer *before = p->config;

	p->config = config_peer_find(config, p->name);
	if (before && !p->config) {
		cut(p);
		return;
	}
	if (!p->config)
		return;
	peer_look(p); /* connect = demand, or not any more */
	/* A link that is up stays; what is under way to where the peer is no more does not. */
	if (!before || !same_address(before, p->config)) {
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
apply_config(struct worker *w, const struct config *config)
{
	const struct config *before = w->config;

	w->config = config;
	list_for_each_safe (it, &w->locals) {
		struct local *l = container_of(it, struct local, node);
		if (l->service && !l->over)
			apply_service(l, config);
	}
	list_for_each_safe (it, &w->peers)
		apply_peer(container_of(it, struct peer, at), config);
	watch_end_links(w); /* allow_weak */
	config_free(before);
}

/* ---- on their way ---- */

static void
on_news(struct worker *w, struct post *post)
{
	struct news *news = container_of(post, struct news, post);

	apply_config(w, news->config);
	free(news);
}

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
