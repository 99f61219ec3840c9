/* Knows to which worker a link belongs that was accepted on the node's own thread, and how it
   passes there, with its connection as it is. */
#include "proxy/branch.h"
#include "proxy/link.h"

bool
link_choose(struct link *l)
{
	struct session_ids *ids = &l->owner->node->session_ids;
	struct peer *home = l->peer, *at = NULL;
	uint8_t id[TRUNK_SESSION_SIZE];
	bool own = conn_peer_hello(l->conn)->max_streams == 0;

	if (!own && atomic_load(&home->links_up) < l->owner->config->limits.links)
		return true; /* whatever it is for */
	enum trunk_named named = trunk_named(l->conn, id);
	if (named == TRUNK_NAMED_NOT_YET)
		return false;
	if (named == TRUNK_NAMED_SESSION)
		at = session_ids_at(ids, id, home, &l->goes_on);
	if (!own)
		return true;
	l->peer = at ? branch_enter_at(at, l->owner) : branch_enter(home, l->owner);
	l->entered = true;
	if (named == TRUNK_NAMED_SESSION) {
		l->named = (struct session_id){
			.of = SESSION_ID_NAMED, .home = home, .at = l->peer};
		session_ids_add(ids, &l->named, id);
	}
	return true;
}

void
link_move(struct link *l)
{
	l->moving = true;
	uv_read_stop(&l->sock->uv.stream);
	l->reading = false;
	link_touch(l);
}

/* The operator may have changed his mind since it left: the links that were up then have ended. */
static bool
still_verified(const struct link *l)
{
	struct conn_info info;
	char name[PEER_NAME_SIZE] = "";

	conn_get_info(l->conn, &info);
	return link_verdict(l, info.asym, info.peer_public, name) == VERDICT_VERIFIED &&
		strcmp(name, l->peer->name) == 0;
}

/* On the peer's worker. Without a descriptor, memory, a verified key, or when the node stops:
   the link ends. */
static void
on_arrival(struct worker *w, struct post *post)
{
	struct link *l = container_of(post, struct link, post);

	l->owner = w;
	l->moving = false;
	list_insert_tail(&w->links, &l->node);
	link_prepare(l);
	l->sock = sock_open(&w->loop, l->fd, false, l);
	if (!l->alarm || !l->sock || !worker_takes_more(w) || !still_verified(l)) {
		link_kill(l);
		return;
	}
	link_join(l);
	link_touch(l);
}

bool
link_leave(struct link *l)
{
	if (!l->moving || l->state != LINK_HANDSHAKE || l->job.state != JOB_IDLE || l->writing > 0)
		return false;
	l->fd = sock_take(l->sock);
	l->sock = NULL;
	if (l->fd < 0) { /* out of descriptors */
		l->moving = false;
		link_kill(l);
		return false;
	}
	alarm_free(l->alarm);
	l->alarm = NULL;
	list_remove(&l->dirty);
	list_remove(&l->node);
	l->post.fn = on_arrival;
	worker_post(l->peer->owner, &l->post);
	return true;
}
