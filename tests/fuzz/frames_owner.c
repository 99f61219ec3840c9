/* Knows how to be the owner of a trunk: what it does with streams, and what it must be told of
   them. */
#include "frames_world.h"

void
owner_read(struct world *w, struct owned *o, size_t max, bool hold)
{
	size_t n;
	const uint8_t *bytes =
		hold ? stream_recv_hold(o->stream, &n) : stream_recv_buf(o->stream, &n);

	FUZZ_ASSERT((bytes != NULL) == (n > 0));
	n = min_size(n, max);
	for (size_t i = 0; i < n && !w->peer.hostile; i++)
		FUZZ_ASSERT(bytes[i] == pattern(o->id, true, o->read + i));
	o->read += n;
	if (n > 0)
		stream_recv_ack(o->stream, n);
	stream_recv_buf(o->stream, &n);
	if (n == 0 && o->fin_came && !o->fin_passed) {
		o->fin_passed = true;
		stream_recv_fin_ack(o->stream);
	}
}

void
owner_write(struct world *w, struct owned *o, size_t max)
{
	size_t n;
	uint8_t *room = stream_send_buf(o->stream, &n);

	FUZZ_ASSERT((room != NULL) == (n > 0));
	if (!room || o->fin_sent)
		return;
	n = min_size(min_size(n, max), (size_t)(WRITTEN_MAX - w->written));
	for (size_t i = 0; i < n; i++)
		room[i] = pattern(o->id, false, o->written + i);
	stream_send_ack(o->stream, n);
	o->written += n;
	w->written += n;
}

void
owner_fin(struct owned *o)
{
	stream_send_fin(o->stream);
	o->fin_sent = true;
}

void
owner_reset(struct owned *o, uint16_t code)
{
	stream_reset(o->stream, code, code & 1 ? "reset by the owner" : NULL);
	o->stream = NULL;
}

static struct owned *
add_owned(struct world *w, struct stream *s)
{
	struct owned *o = &w->streams[w->n++];

	*o = (struct owned){.stream = s, .id = stream_id(s)};
	stream_set_user(s, o);
	return o;
}

void
owner_open(struct world *w, struct span service)
{
	struct stream_request request = {.service_size = (uint8_t)min_size(service.size, 40)};

	/* The peer's books have an end too. */
	if (w->n + w->peer.n / 2 >= PEER_STREAMS / 2)
		return;
	if (request.service_size > 0)
		memcpy(request.service, service.data, request.service_size);
	if (request.service_size & 1)
		request.source = (struct stream_address){.size = 16, .port = 7};
	struct stream *s = trunk_open(w->trunk, &request, NULL);
	if (s)
		add_owned(w, s);
}

static void
take_stream_event(struct world *w, const struct trunk_event *event)
{
	struct owned *o = stream_user(event->stream);

	FUZZ_ASSERT(o && o->stream == event->stream && stream_trunk(o->stream) == w->trunk);
	switch (event->type) {
	case TRUNK_DATA:
		owner_read(w, o, w->appetite, false);
		break;
	case TRUNK_FIN:
		FUZZ_ASSERT(!o->fin_came);
		o->fin_came = true;
		break;
	case TRUNK_RESET:
		/* The peer has it still, and a link came, or may come. */
		if (event->code == CODE_LINK_LOST && !w->trunk->end.ended && !w->peer.hostile)
			FUZZ_ASSERT(!peer_has(&w->peer, o->id));
		if (!event->stream->own && !event->stream->opened)
			trunk_attempt_ended(w->trunk);
		o->stream = NULL;
		break;
	case TRUNK_END:
		FUZZ_ASSERT(o->fin_sent && o->fin_passed);
		FUZZ_ASSERT(
			w->peer.hostile || peer_has_ended(&w->peer, o->id, o->read, o->written));
		o->stream = NULL;
		break;
	default:
		break;
	}
}

static void
take_closed(struct world *w, const struct trunk_event *event)
{
	FUZZ_ASSERT(!w->closed);
	for (size_t i = 0; i < w->n; i++)
		FUZZ_ASSERT(!w->streams[i].stream); /* each has had its last event */
	w->closed = w->peer.lost = true;
	if (!w->peer.hostile && event->error != SC_ERR_CLOSED)
		FUZZ_ASSERT(w->closing || (w->waited && (event->error == SC_ERR_TIMEOUT ||
								event->error == SC_ERR_HOLD)));
}

void
owner_take_events(struct world *w)
{
	struct trunk_event event;

	while (trunk_next_event(w->trunk, w->own->now, &event)) {
		FUZZ_ASSERT(!w->closed);
		switch (event.type) {
		case TRUNK_UP:
			w->up = true;
			break;
		case TRUNK_SUSPENDED:
			FUZZ_ASSERT(w->config.hold > 0 && trunk_suspended(w->trunk));
			break;
		case TRUNK_FORGOTTEN:
			FUZZ_ASSERT(w->config.initiator && trunk_streams(w->trunk) == 0);
			break;
		case TRUNK_GOAWAY:
		case TRUNK_RESUMED:
			break;
		case TRUNK_OPEN:
			if (w->n < PEER_STREAMS)
				add_owned(w, event.stream);
			else
				stream_reset(event.stream, CODE_DENIED, NULL);
			break;
		case TRUNK_CLOSED:
			take_closed(w, &event);
			break;
		default:
			take_stream_event(w, &event);
		}
	}
}
