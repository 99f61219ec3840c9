/* Knows what the owner of a trunk is told, in which order. */
#include "tunnel/trunk_internal.h"

/* What the last call gave out and the owner has not taken must not depend on the record any more;
   what it has buried goes. */
static void
settle_last_event(struct trunk *t)
{
	struct stream *s = stream_recv_keep(t);

	if (s)
		stream_fail(s, CODE_INTERNAL_ERROR);
	if (t->last_event)
		stream_free(t->last_event);
}

/* The last event of a stream that is over. */
static bool
tell_over(struct trunk *t, struct trunk_event *event)
{
	struct list *first = list_first(&t->over);

	if (!first)
		return false;
	struct stream *s = container_of(first, struct stream, link);
	list_remove(first);
	t->last_event = s;
	event->type = s->over_type;
	event->stream = s;
	event->code = s->over_code;
	event->text = s->over_text;
	return true;
}

/* Each stream that is left gets its reset, then the trunk its end. */
static bool
tell_end(struct trunk *t, struct trunk_event *event)
{
	struct list *first = list_first(&t->streams);

	if (first) {
		struct stream *s = container_of(first, struct stream, link);
		s->over_text = t->end.text;
		stream_finish(s, TRUNK_RESET, t->end.code);
		return tell_over(t, event);
	}
	if (t->end.told)
		return false;
	t->end.told = true;
	event->type = TRUNK_CLOSED;
	event->code = t->end.code;
	event->error = t->end.error;
	event->session = t->end.session;
	event->text = t->end.text;
	return true;
}

/* What a call or an exchange has brought about in streams. */
static bool
tell_news(struct trunk *t, struct trunk_event *event)
{
	struct list *first = list_first(&t->news);

	if (!first)
		return false;
	struct stream *s = container_of(first, struct stream, told);
	bool opened = s->news_flags & NEWS_OPENED;
	event->type = opened ? TRUNK_OPENED : TRUNK_WRITABLE;
	event->stream = s;
	s->news_flags &= (uint8_t)~(opened ? NEWS_OPENED : NEWS_WRITABLE);
	if (s->news_flags == 0)
		list_remove(first);
	return true;
}

static bool
take_flag(bool *flag)
{
	bool was = *flag;
	*flag = false;
	return was;
}

/* What has become of the session. */
static bool
tell_session(struct trunk *t, struct trunk_event *event)
{
	struct session *s = &t->session;

	if (take_flag(&s->tell_up)) {
		event->type = TRUNK_UP;
	} else if (take_flag(&s->tell_forgotten)) {
		event->type = TRUNK_FORGOTTEN;
	} else if (take_flag(&s->tell_suspended)) {
		event->type = TRUNK_SUSPENDED;
		event->error = s->lost_by;
		if (s->hold_until == 0) {
			s->lost_at = t->now;
			s->hold_until = t->now + s->hold;
		}
	} else if (take_flag(&s->tell_resumed)) {
		event->type = TRUNK_RESUMED;
		event->resent = s->resent;
		event->gap = s->gap;
	} else {
		return false;
	}
	return true;
}

static bool
tell_moved(struct trunk *t, struct trunk_event *event)
{
	event->type = TRUNK_MOVED;
	event->session = t->session.moved;
	t->session.moved = NULL;
	return event->session != NULL;
}

bool
trunk_next_event(struct trunk *t, uint64_t now, struct trunk_event *event)
{
	struct frame frame;
	bool told;

	t->now = now;
	settle_last_event(t);
	*event = (struct trunk_event){0};
	for (;;) {
		if (tell_moved(t, event) || tell_over(t, event))
			return true;
		if (t->end.ended)
			return tell_end(t, event);
		if (tell_session(t, event) || tell_news(t, event))
			return true;
		if (!t->conn)
			return false;
		if (conn_fault(t->conn) != SC_OK) {
			trunk_protocol_error(t, conn_fault(t->conn));
			continue;
		}
		if (!trunk_read_frame(t, &frame)) {
			if (trunk_has_event(t))
				continue;
			return false;
		}
		enum sc_error err = trunk_take_frame(t, &frame, event, &told);
		if (err != SC_OK)
			trunk_protocol_error(t, err);
		else if (told)
			break;
	}
	if (event->type == TRUNK_DATA)
		trunk_read_ahead(t);
	return true;
}

bool
trunk_has_event(const struct trunk *t)
{
	const struct session *s = &t->session;

	if (t->end.ended)
		return !t->end.told || s->moved;
	return !list_empty(&t->over) || !list_empty(&t->news) || s->tell_up || s->tell_suspended ||
	       s->tell_resumed || s->tell_forgotten;
}
