/* Knows how a trunk comes to a connection and loses it; what the two sides tell each other then is
   trunk_session.c's and trunk_resume.c's. */
#include "tunnel/trunk_internal.h"

void
trunk_take_conn(struct trunk *t, const struct trunk_config *config, struct conn *conn)
{
	const struct hello *hello = conn_peer_hello(conn);
	struct session *s = &t->session;

	t->config = *config;
	t->conn = conn;
	t->last_received = t->last_sent = t->now;
	t->idle = t->crumbs = false;
	t->ping.least = 0; /* another way */
	t->peer_window = hello->window;
	t->peer_max_streams = hello->max_streams;
	s->own_limit = max_u32(s->own_limit, config->max_streams);
	s->peer_limit = max_u32(s->peer_limit, hello->max_streams);
	s->next_hold = hello->has_instance ? min_u64(config->hold, hello->hold * NS_PER_S) : 0;
	s->deadline = t->now + SESSION_TIMEOUT;
}

void
trunk_let_go(struct trunk *t)
{
	struct stream *s;

	t->session.phase = SESSION_PHASE_SUSPENDED;
	s = stream_recv_keep(t);
	if (s)
		stream_fail(s, CODE_INTERNAL_ERROR);
	list_for_each(it, &t->streams) {
		s = container_of(it, struct stream, link);
		s->control_flags = 0;
		list_remove(&s->control);
		list_remove(&s->ready);
		stream_not_due(s);
	}
	resets_lost(t);
	t->unsealed_opens = 0;
	control_queue_fini(&t->exchange);
	control_queue_fini(&t->queue);
	state_list_fini(&t->session.list);
	t->session.tell_resumed = false;
	t->ping.wanted = t->ping.out = t->pong.wanted = false;
	t->goaway.sealed = false;
	t->record = (struct wire_reader){0};
	t->ahead.type = 0;
	t->conn = NULL;
}

/* A session that the peer has perhaps never heard of waits too, if it is I's to tell. */
static bool
can_wait(const struct trunk *t)
{
	return t->session.hold > 0 &&
	       (t->config.initiator || t->session.phase == SESSION_PHASE_UP);
}

void
trunk_conn_lost(struct trunk *t, enum sc_error error)
{
	if (t->end.ended || !t->conn)
		return;
	if (!can_wait(t)) {
		const char *text = sc_error_text(error);
		if (trunk_end(t, error, CODE_LINK_LOST))
			t->end.text = (struct span){(const uint8_t *)text, strlen(text)};
		return;
	}
	t->session.lost_by = error;
	t->session.tell_suspended = true;
	trunk_let_go(t);
}

void
trunk_lost(struct trunk *t)
{
	t->end.close_wanted = false;
	if (t->end.ended || !t->conn)
		return;
	enum sc_error error = conn_error(t->conn);
	trunk_conn_lost(t, error == SC_OK ? SC_ERR_TRUNCATED : error);
}

void
trunk_attach(struct trunk *t, const struct trunk_config *config, struct conn *conn, uint64_t now)
{
	if (t->end.ended)
		return;
	t->now = now;
	trunk_take_conn(t, config, conn);
	session_go_on(t);
}

bool
trunk_suspended(const struct trunk *t)
{
	return !t->conn && !t->end.ended;
}
