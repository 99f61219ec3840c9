/* Knows which session an id is of, also one that has ended a while ago; what becomes of it is
   session.c's. */
#include <stdlib.h>

#include "proxy/handover.h"
#include "proxy/session.h"

#define ENDED_MAX 16384 /* more are not remembered */

/* A session that has ended, while it is remembered. */
struct ended {
	struct list node; /* on peer.ended, in their order */
	uint64_t until;
	struct session_id listed;
};

static void
forget(struct peer *p, struct ended *e)
{
	list_remove(&e->node);
	session_ids_remove(&p->owner->node->session_ids, &e->listed);
	p->n_ended--;
	free(e);
}

static void
forget_old(struct peer *p, uint64_t now)
{
	struct list *first;

	while ((first = list_first(&p->ended))) {
		struct ended *e = container_of(first, struct ended, node);
		if (e->until > now && p->n_ended < ENDED_MAX)
			return;
		forget(p, e);
	}
}

void
session_ended(struct session *s)
{
	struct peer *p = s->peer;
	uint64_t now = node_now();

	if (s->own || !s->known)
		return;
	forget_old(p, now);
	struct ended *e = calloc(1, sizeof(*e));
	if (!e)
		return;
	e->until = now + 2 * max_u64(session_hold(p), SURVIVE_DEFAULT);
	e->listed.of = SESSION_ID_ENDED;
	e->listed.home = p->home;
	e->listed.at = p;
	session_ids_add(&p->owner->node->session_ids, &e->listed, trunk_session_id(s->trunk));
	list_insert_tail(&p->ended, &e->node);
	p->n_ended++;
}

enum trunk_found
session_find(void *arg, const uint8_t *id, struct trunk **session)
{
	const struct link *l = arg;
	struct peer *p = l->peer;

	list_for_each (it, &p->sessions) {
		struct session *s = container_of(it, struct session, node);
		if ((!s->own && !s->known) ||
			memcmp(trunk_session_id(s->trunk), id, TRUNK_SESSION_SIZE) != 0)
			continue;
		*session = s->trunk;
		bool fits = !s->own && s->single == l->own;
		return fits ? TRUNK_FOUND_SESSION : TRUNK_FOUND_NO_MORE;
	}
	/* It has ended, or is another peer's. Two peers that begin the same id at the same moment
	   both get it: each has its own. */
	if (session_ids_known(&p->owner->node->session_ids, id))
		return TRUNK_FOUND_NO_MORE;
	bool elsewhere = handover_elsewhere(p->owner->node, id);
	return elsewhere ? TRUNK_FOUND_ELSEWHERE : TRUNK_FOUND_NOTHING;
}

void
sessions_forget(struct peer *p)
{
	list_for_each_safe (it, &p->ended)
		forget(p, container_of(it, struct ended, node));
}
