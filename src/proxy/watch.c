/* Knows which keys were verified a moment ago and acts on the difference; who decides is the
   operator. */
#include "proxy/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "proxy/rolls.h"
#include "proxy/session.h"
#include "proxy/workers.h"

/* The verified keys of the ring, which come first in it. False: out of memory. */
static bool
collect(const struct keyring *ring, struct watch *w)
{
	const struct peer_key *key;
	size_t n = 0;

	while ((key = keyring_peer_key(ring, n)) && key->state == KEY_VERIFIED)
		n++;
	w->keys = calloc(n + 1, sizeof(*w->keys));
	w->n = n;
	for (size_t i = 0; w->keys && i < n; i++) {
		key = keyring_peer_key(ring, i);
		snprintf(w->keys[i].peer, sizeof(w->keys[i].peer), "%s", key->peer);
		snprintf(w->keys[i].fingerprint, sizeof(w->keys[i].fingerprint), "%s",
			key->fingerprint);
	}
	return w->keys != NULL;
}

bool
watch_init(struct node *n)
{
	return collect(shared_ring_own(&n->ring), &n->watch);
}

void
watch_fini(struct node *n)
{
	free(n->watch.keys);
}

void
watch_stock(struct node *n)
{
	const struct keyring *ring = shared_ring_own(&n->ring);
	const struct peer_key *key;

	for (size_t i = 0; (key = keyring_peer_key(ring, i)) && key->state == KEY_VERIFIED; i++)
		for (size_t k = 0; k < n->n_asym; k++)
			if (n->asym[k] == key->asym)
				stock_want(n->stock, key->asym, key->public_key);
	stock_sweep(n->stock);
}

/* Both lists have the ring's order: by peer, then by fingerprint. */
static int
compare(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;
	int order = strcmp(x->peer, y->peer);
	return order ? order : strcmp(x->fingerprint, y->fingerprint);
}

static bool
contains(const struct watch *w, const struct watched *key)
{
	return w->n > 0 && bsearch(key, w->keys, w->n, sizeof(*key), compare) != NULL;
}

static void
log_key(enum log_level level, const char *event, const struct watched *key, const char *hint)
{
	struct log_line line = log_begin(level, event);
	log_str(&line, "peer", key->peer);
	log_str(&line, "fingerprint", key->fingerprint);
	if (hint)
		log_str(&line, "hint", hint);
	log_end(&line);
}

static void
now_verified(struct node *n, const struct watched *key)
{
	struct peer *p = peer_find(n, key->peer, false);

	log_key(LOG_LEVEL_INFO, "peer_verified", key,
		p ? NULL
		  : "there is no [peer] section of that name: add one, it cannot call this node");
	if (p)
		peer_verified(p);
}

void
watch_end_links(struct worker *w)
{
	list_for_each_safe (it, &w->links) {
		struct link *l = container_of(it, struct link, node);
		struct conn_info info;
		char name[PEER_NAME_SIZE] = "";

		if (l->state != LINK_UP)
			continue;
		conn_get_info(l->conn, &info);
		if (link_verdict(l, info.asym, info.peer_public, name) == VERDICT_VERIFIED &&
			strcmp(name, l->peer->name) == 0)
			continue;
		if (shared_ring_goes_on(
			    &w->node->ring, l->peer->name, info.asym, info.peer_public)) {
			conn_fail(l->conn, SC_ERR_KEY_RETIRED); /* lost, without CLOSE */
			link_kill(l);
		} else {
			link_close(l, CODE_DENIED);
		}
	}
	list_for_each (it, &w->peers)
		sessions_check_keys(container_of(it, struct peer, at));
}

void
watch_look(struct node *n)
{
	struct watch before = n->watch, after;

	if (!shared_ring_refresh(&n->ring))
		return;
	rolls_look(n);
	if (!collect(shared_ring_own(&n->ring), &after))
		return;
	n->watch = after;
	workers_end_links(n);
	watch_stock(n);
	for (size_t i = 0; i < before.n; i++)
		if (!contains(&after, &before.keys[i]))
			log_key(LOG_LEVEL_WARNING, "peer_unverified", &before.keys[i], NULL);
	for (size_t i = 0; i < after.n; i++)
		if (!contains(&before, &after.keys[i]))
			now_verified(n, &after.keys[i]);
	free(before.keys);
}
