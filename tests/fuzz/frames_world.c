/* Knows how a trunk and its peer are brought together, moved and brought to an end. */
#include "frames_world.h"

void
world_init(struct world *w, uint8_t roles, uint8_t limits)
{
	size_t own = roles & 1;

	memset(w, 0, sizeof(*w));
	w->config = (struct trunk_config){.initiator = own == 0,
		.window = roles & 2 ? 65536 : 4096,
		.max_streams = roles & 4 ? 3 : 100,
		.keepalive = roles & 8 ? 15 * NS_PER_S : 0,
		.hold = roles & 64 ? HOLD : 0};
	w->peer_hello = (struct hello){.window = limits & 2 ? 65536 : 4096,
		.max_streams = limits & 4 ? 3 : 100,
		.hold = (uint16_t)(w->config.hold / NS_PER_S),
		.has_instance = w->config.hold > 0,
		.name = "end"};
	w->ratchet = limits & 8 ? 3 : 0;
	w->config.chunks = w->pool = chunk_pool_new(1u << 20);
	FUZZ_ASSERT(w->pool);
	world_connect(w, 0);
	peer_init(&w->peer, w->own->peer, &w->own->config.hello);
	w->trunk = trunk_new(&w->config, w->own->conn, w->own->now);
	FUZZ_ASSERT(w->trunk);
}

void
world_fini(struct world *w)
{
	trunk_free(w->fresh);
	trunk_free(w->trunk);
	FUZZ_ASSERT(chunk_pool_used(w->pool) == 0);
	chunk_pool_free(w->pool);
	for (size_t i = 0; i < 4; i++)
		end_fini(&w->pairs[i / 2][i % 2]);
}

static void
check_stream(const struct world *w, const struct stream *s)
{
	FUZZ_ASSERT(s->recv.consumed <= s->recv.received && s->recv.received <= s->recv.limit);
	FUZZ_ASSERT(s->recv.received - s->recv.consumed <= w->config.window);
	FUZZ_ASSERT(s->send.sent <= s->send.written && s->send.written <= s->send.limit);
	/* A WINDOW that must not wait has been sealed. */
	uint64_t news = s->recv.consumed - s->recv.announced;
	if (!w->clogged && !w->fresh && !w->trunk->end.ended && session_open(w->trunk) && news > 0)
		FUZZ_ASSERT(news < w->config.window / 2 && s->recv.received < s->recv.limit);
}

static void
check_bounds(struct world *w)
{
	const struct trunk *t = w->trunk;
	size_t per_stream = w->config.window + 3 * 65536u;

	FUZZ_ASSERT(t->queue.end - t->queue.start <= CONTROL_QUEUE_MAX);
	FUZZ_ASSERT(t->peer_streams + t->attempts <= w->config.max_streams);
	FUZZ_ASSERT(chunk_pool_used(w->pool) <= 2 * WRITTEN_MAX + per_stream * (w->n + 1));
	FUZZ_ASSERT(!w->closed || trunk_streams(t) == 0);
	for (size_t i = 0; i < w->n; i++)
		if (w->streams[i].stream)
			check_stream(w, w->streams[i].stream);
}

static bool
move(struct end *from)
{
	size_t n, room;
	const uint8_t *out = conn_out_buf(from->conn, &n);

	conn_in_buf(from->peer->conn, &room);
	n = min_size(n, room);
	if (n == 0)
		return false;
	FUZZ_ASSERT(end_give(from->peer, out, n));
	conn_out_ack(from->conn, n);
	return true;
}

void
world_seal(struct world *w)
{
	for (int round = 0; round < 2; round++) {
		owner_take_events(w);
		world_look_at_fresh(w);
		owner_take_events(w);
		if (round == 0) {
			trunk_seal(w->trunk, w->own->now);
			if (w->fresh)
				trunk_seal(w->fresh, w->own->now);
		}
	}
}

/* Until nothing moves any more. */
void
world_pump(struct world *w)
{
	for (bool moved = true; moved;) {
		moved = false;
		peer_flush(&w->peer); /* also what an exchange has brought about */
		for (size_t i = 0; i < 2; i++) {
			struct end *e = &w->pairs[w->pair][i];
			if (e == w->own)
				world_seal(w);
			else
				peer_receive(&w->peer);
			end_run_job(e);
			moved |= end_finish_job(e);
			end_answer_rolls(e);
			if (e != w->own || !w->clogged)
				moved |= move(e);
		}
		moved |= peer_can_flush(&w->peer);
	}
	if (conn_phase(w->own->conn) == CONN_FAILED)
		trunk_lost(w->fresh ? w->fresh : w->trunk);
	world_seal(w);
	check_bounds(w);
}

void
world_wait(struct world *w, uint64_t ns)
{
	w->waited = true;
	for (size_t i = 0; i < 2; i++) {
		struct end *e = &w->pairs[w->pair][i];
		e->now += ns;
		conn_tick(e->conn, e->now);
	}
	trunk_tick(w->trunk, w->own->now);
	if (w->fresh)
		trunk_tick(w->fresh, w->own->now);
	owner_take_events(w);
	world_look_at_fresh(w);
	/* A deadline that has passed leaves nothing to be done: else its owner would spin. */
	FUZZ_ASSERT(trunk_deadline(w->trunk) > w->own->now);
	FUZZ_ASSERT(!w->fresh || trunk_deadline(w->fresh) > w->own->now);
}

static void
finish_streams(struct world *w)
{
	struct peer *p = &w->peer;

	peer_session(p);
	peer_pong(p);
	for (size_t i = 0; i < p->n; i++) {
		peer_opened(p, &p->streams[i]);
		peer_fin(p, &p->streams[i]);
		peer_window(p, &p->streams[i], UINT32_MAX, WRITTEN_MAX);
	}
	for (size_t i = 0; i < w->n; i++) {
		struct owned *o = &w->streams[i];
		if (o->stream)
			stream_accept(o->stream);
		if (o->stream)
			owner_read(w, o, SIZE_MAX, false);
		if (o->stream && !o->fin_sent)
			owner_fin(o);
	}
	world_pump(w);
}

/* The trunk ended it after an exchange, and does not wait for a WINDOW that would only say again
   what an earlier link has said. */
static bool
counted_on_some_link(const struct peer_stream *s)
{
	return s->fin_sent && s->counted == s->sent + 1 && s->fin_received && s->fin_told;
}

void
world_finish(struct world *w)
{
	w->clogged = false;
	/* A WINDOW that is due in a while, the answer to it, and a chunk at each look. */
	for (int round = 0; round < 64; round++) {
		world_pump(w);
		if (w->peer.hostile || w->closed || w->peer.close_sent)
			return;
		if (w->fresh_closed || (trunk_suspended(w->trunk) && !w->fresh))
			world_link(w);
		else if (trunk_streams(w->trunk) == 0 && !w->fresh && w->peer.session_done)
			break;
		finish_streams(w);
		world_wait(w, round % 4 == 3 ? NS_PER_S : 0);
	}
	FUZZ_ASSERT(trunk_streams(w->trunk) == 0 && w->trunk->attempts == 0 && !w->fresh);
	if (w->peer.hostile || w->closed || w->peer.close_sent)
		return;
	for (size_t i = 0; i < w->peer.n; i++)
		FUZZ_ASSERT(w->peer.streams[i].over || counted_on_some_link(&w->peer.streams[i]));
	w->closing = true;
	trunk_close(w->trunk, CODE_NONE);
	world_pump(w);
	FUZZ_ASSERT(w->closed && w->peer.close_came && w->peer.close_code == CODE_NONE);
}
