/* Knows who is told what a trunk has to tell; knows nothing of sockets. */
#include "base/log.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/service.h"

static void
on_goaway(struct link *l, uint16_t code)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "link_goaway");
	log_str(&line, "peer", l->peer->name);
	log_str(&line, "address", l->address);
	log_str(&line, "reason", code_text(code));
	log_end(&line);
	l->goaway = true;
	l->goaway_code = code;
	peer_look(l->peer);
	if (l->own)
		own_gone(l);
	else
		dial_lost(l->peer, code == CODE_NONE);
}

static void
handle(struct link *l, const struct trunk_event *event)
{
	struct local *local = event->stream ? stream_user(event->stream) : NULL;

	switch (event->type) {
	case TRUNK_UP:
	case TRUNK_FORGOTTEN:
		l->session_up = true;
		break; /* those that wait are served below */
	case TRUNK_RESUMED:
		l->session_up = true;
		break;
	case TRUNK_SUSPENDED:
	case TRUNK_MOVED:
		break; /* not without a hold time */
	case TRUNK_OPEN:
		service_open(l, event->stream, event->request);
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
	case TRUNK_END:
		local_end(local);
		break;
	case TRUNK_GOAWAY:
		on_goaway(l, event->code);
		break;
	case TRUNK_CLOSED:
		link_over(l, event->error, event->code);
		break;
	}
}

void
link_events(struct link *l)
{
	struct trunk_event event;
	bool any = false;

	while (trunk_next_event(l->trunk, node_now(), &event)) {
		handle(l, &event);
		any = true;
	}
	if (any) {
		link_touch(l);
		peer_serve(l->peer); /* streams may have become possible */
	}
}
