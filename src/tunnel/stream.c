/* Knows how a stream begins and ends; knows nothing of its bytes (stream_send.c, stream_recv.c)
   and of the wire (trunk_in.c, trunk_out.c). */
#include <stdlib.h>

#include "tunnel/trunk_internal.h"

struct stream *
stream_new(struct trunk *t, uint32_t id, bool own, struct span open)
{
	struct stream *s = calloc(1, sizeof(*s) + open.size);
	if (!s)
		return NULL;
	s->node.id = id;
	s->trunk = t;
	s->own = own;
	s->send.limit = t->peer_window;
	s->recv.limit = s->recv.window = t->config.window;
	s->recv.round_at = t->now;
	s->open_size = open.size;
	if (open.size > 0)
		memcpy(s->open, open.data, open.size);
	list_init(&s->control);
	list_init(&s->ready);
	list_init(&s->due);
	list_init(&s->told);
	list_insert_tail(&t->streams, &s->link);
	stream_table_add(&t->table, &s->node);
	if (own)
		t->own_streams++;
	else
		t->peer_streams++;
	return s;
}

/* From here on no frame of it is sent, taken in or counted. */
static void
detach(struct stream *s)
{
	struct trunk *t = s->trunk;

	s->over = true;
	if (s->control_flags & CONTROL_OPEN)
		t->unsealed_opens--;
	s->control_flags = 0;
	stream_window_promise(s);
	list_remove(&s->control);
	list_remove(&s->ready);
	stream_not_due(s);
	list_remove(&s->told);
	list_remove(&s->link);
	stream_table_remove(&t->table, &s->node);
	if (s->own)
		t->own_streams--;
	else
		t->peer_streams--;
}

void
stream_finish(struct stream *s, enum trunk_event_type type, uint16_t code)
{
	struct trunk *t = s->trunk;

	if (s->over)
		return;
	detach(s);
	if (type == TRUNK_RESET && !s->own && !s->opened)
		t->attempts++;
	s->over_type = type;
	s->over_code = code;
	list_insert_tail(&t->over, &s->link);
	trunk_check_drained(t);
}

/* A stream that the peer has never heard of needs no RESET. */
static void
queue_reset(struct stream *s, enum close_code code, const char *text)
{
	bool unheard = s->own && s->node.id > s->trunk->own_sealed;

	if (!unheard && !s->trunk->end.ended)
		resets_add(s, code, text);
}

void
stream_fail(struct stream *s, enum close_code code)
{
	if (s->over)
		return;
	queue_reset(s, code, NULL);
	stream_finish(s, TRUNK_RESET, (uint16_t)code);
}

void
stream_check_end(struct stream *s)
{
	if (s->recv.fin_announced && s->send.fin_counted)
		stream_finish(s, TRUNK_END, CODE_NONE);
}

void
stream_free(struct stream *s)
{
	struct trunk *t = s->trunk;

	if (t->in_place == s)
		t->in_place = NULL;
	if (t->last_event == s)
		t->last_event = NULL;
	if (!s->over)
		detach(s);
	list_remove(&s->link);
	bytes_fini(&s->send.bytes, t->config.chunks);
	bytes_fini(&s->recv.bytes, t->config.chunks);
	free(s);
}

void
stream_want_control(struct stream *s, enum control_flag flag)
{
	if (s->over || !session_open(s->trunk))
		return;
	s->control_flags |= (uint8_t)flag;
	if (list_empty(&s->control))
		list_insert_tail(&s->trunk->control, &s->control);
}

void
stream_tell(struct stream *s, enum news_flag flag)
{
	s->news_flags |= (uint8_t)flag;
	if (list_empty(&s->told))
		list_insert_tail(&s->trunk->news, &s->told);
}

void
stream_accept(struct stream *s)
{
	if (s->over || s->own || s->opened)
		return;
	s->opened = true;
	stream_want_control(s, CONTROL_OPENED);
	stream_send_schedule(s);
}

void
stream_reset(struct stream *s, enum close_code code, const char *text)
{
	struct trunk *t = s->trunk;

	if (!s->over)
		queue_reset(s, code, text);
	stream_free(s);
	trunk_check_drained(t);
}

uint32_t
stream_id(const struct stream *s)
{
	return s->node.id;
}

void *
stream_user(const struct stream *s)
{
	return s->user;
}

void
stream_set_user(struct stream *s, void *user)
{
	s->user = user;
}

struct trunk *
stream_trunk(const struct stream *s)
{
	return s->trunk;
}
