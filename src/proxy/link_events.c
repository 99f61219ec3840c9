/* Knows who is told what a trunk has to tell; knows nothing of sockets. */
#include "base/log.h"
#include "proxy/local.h"
#include "proxy/service.h"
#include "proxy/session.h"

static void
on_goaway(struct session *s, uint16_t code)
{
	struct link *l = s->link;
	struct log_line line = log_begin(LOG_LEVEL_INFO, "link_goaway");

	log_str(&line, "peer", l->peer->name);
	log_str(&line, "address", l->address);
	log_str(&line, "reason", code_text(code));
	log_end(&line);
	s->goaway = l->goaway = true;
	s->goaway_code = l->goaway_code = code;
	peer_look(l->peer);
	if (l->own)
		own_gone(l, code == CODE_NONE, node_now() - l->since);
	else
		dial_lost(l->peer, code == CODE_NONE, node_now() - l->since);
}

static void
on_resumed(struct session *s, const struct trunk_event *event)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "session_resumed");

	log_str(&line, "peer", s->peer->name);
	log_str(&line, "address", s->link->address);
	log_u64(&line, "streams", trunk_streams(s->trunk));
	log_u64(&line, "bytes_again", event->resent);
	log_u64(&line, "gap_ms", event->gap / NS_PER_MS);
	log_end(&line);
	s->link->session_up = true;
	s->peer->home->counts.resumed++;
	if (s->single)
		own_resumed(s->peer);
	else
		dial_check(s->peer); /* for the next one that waits */
}

static void
on_forgotten(const struct session *s)
{
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "session_lost");

	log_str(&line, "peer", s->peer->name);
	log_str(&line, "reason", "the peer does not know it any more");
	log_u64(&line, "code", CODE_LINK_LOST);
	log_end(&line);
	s->link->session_up = true;
}

/* The trunk of a link is over. */
static void
on_closed(struct session *s, const struct trunk_event *event)
{
	if (event->session) { /* one that the peer named there, and that ends with it */
		list_for_each (it, &s->peer->sessions) {
			struct session *other = container_of(it, struct session, node);
			if (other->trunk == event->session)
				session_touch(other);
		}
	}
	/* A peer that has ended one for a single connection has no reason to go on with it. */
	if (!s->single || event->error != SC_ERR_CLOSED)
		session_ended(s);
	link_over(s->link, event->error, event->code);
}

static void
handle_stream(struct session *s, const struct trunk_event *event)
{
	struct local *local = stream_user(event->stream);

	switch (event->type) {
	case TRUNK_OPEN:
		service_open(s->link, event->stream, event->request);
		break;
	case TRUNK_OPENED:
		local_opened(local);
		break;
	case TRUNK_DATA:
		local_data(local);
		break;
	case TRUNK_FIN:
		local_fin(local);
		break;
	case TRUNK_WRITABLE:
		local_writable(local);
		break;
	case TRUNK_RESET:
		local_reset(local, event->code, event->text);
		break;
	default:
		local_end(local);
	}
}

void
session_handle(struct session *s, const struct trunk_event *event)
{
	switch (event->type) {
	case TRUNK_UP:
		s->known = s->link->session_up = true; /* those that wait are served below */
		session_list_id(s);
		break;
	case TRUNK_SUSPENDED:
		session_suspend(s, event->error);
		break;
	case TRUNK_MOVED:
		session_move(s, event->session);
		break;
	case TRUNK_RESUMED:
		on_resumed(s, event);
		break;
	case TRUNK_FORGOTTEN:
		on_forgotten(s);
		session_list_id(s); /* another one */
		break;
	case TRUNK_GOAWAY:
		on_goaway(s, event->code);
		break;
	case TRUNK_CLOSED:
		on_closed(s, event);
		break;
	default:
		handle_stream(s, event);
	}
}

/* The peer wanted more streams than it may have. */
static void
count_refused(struct session *s, struct link *l)
{
	uint64_t all = trunk_refused(s->trunk), n = all - min_u64(s->refused, all);

	s->refused = all;
	for (l->owner->reached[REACHED_STREAMS] += n; n > 0; n--) {
		if (!flood_pass(&l->owner->floods[FLOOD_SERVICE], node_now()))
			continue;
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "connection_refused");
		log_str(&line, "peer", l->peer->name);
		log_str(&line, "reason", "the peer has its `streams` of [limits] open");
		log_end(&line);
	}
}

void
link_events(struct link *l)
{
	struct trunk_event event;
	bool any = false;

	while (l->session && trunk_next_event(l->session->trunk, node_now(), &event)) {
		session_handle(l->session, &event);
		any = true;
	}
	if (l->session)
		count_refused(l->session, l);
	if (any) {
		link_touch(l);
		peer_serve(l->peer); /* streams may have become possible */
		link_drain_late(l);
	}
}
