/* Knows how links come and go between a trunk and its peer, and whose a link is that the peer has
   begun (protocol.md 8.1). */
#include "frames_world.h"

/* R looks for the session that the peer names. */
static enum trunk_found
find(void *arg, const uint8_t *id, struct trunk **session)
{
	struct world *w = arg;

	if (!w->up || memcmp(trunk_session_id(w->trunk), id, TRUNK_SESSION_SIZE) != 0)
		return TRUNK_FOUND_NOTHING;
	*session = w->trunk;
	return w->closed ? TRUNK_FOUND_NO_MORE : TRUNK_FOUND_SESSION;
}

static void
disconnect(struct world *w, size_t pair)
{
	end_fini(&w->pairs[pair][0]);
	end_fini(&w->pairs[pair][1]);
}

void
world_connect(struct world *w, size_t pair)
{
	struct end *ends = w->pairs[pair], *own = &ends[w->config.initiator ? 0 : 1];
	uint64_t now = w->own ? w->own->now : 0;

	disconnect(w, pair);
	ends_init(ends);
	own->config.hello = own->peer->config.hello = w->peer_hello;
	own->config.hello.window = w->config.window;
	own->config.hello.max_streams = w->config.max_streams;
	own->config.ratchet_records = own->peer->config.ratchet_records = w->ratchet;
	own->now = own->peer->now = now;
	if (w->own) /* ids of sessions and values of PINGs do not come again */
		own->random.state = w->own->random.state;
	ends_start_up(ends);
	w->pair = pair;
	w->own = own;
	w->config.random = own->random.source;
	w->config.find = find;
	w->config.arg = w;
}

static void
drop_fresh(struct world *w)
{
	if (!w->fresh_closed) {
		conn_in_end(w->own->conn);
		trunk_lost(w->fresh);
		world_look_at_fresh(w);
	}
	trunk_free(w->fresh);
	w->fresh = NULL;
	w->fresh_closed = false;
}

static void
lose_trunk(struct world *w)
{
	if (w->config.hold == 0 || !w->up)
		w->closing = true; /* not to be resumed */
	if (!w->fresh)
		conn_in_end(w->own->conn);
	trunk_lost(w->trunk);
	owner_take_events(w);
}

void
world_lose(struct world *w)
{
	if (w->fresh && trunk_suspended(w->trunk)) {
		conn_in_end(w->own->conn);
		trunk_lost(w->fresh);
		world_look_at_fresh(w);
	} else {
		lose_trunk(w);
	}
}

void
world_link(struct world *w)
{
	struct peer *p = &w->peer;
	struct trunk *t = w->trunk;
	bool again = w->fresh != NULL;

	if (w->config.hold == 0 || p->close_sent || (p->close_came && !p->hostile))
		return;
	if (w->config.initiator && !trunk_suspended(t))
		return;
	if (again)
		drop_fresh(w);
	else if (!w->config.initiator && !w->up && !w->closed)
		lose_trunk(w);
	size_t before = w->pair;
	world_connect(w, again ? before : 1 - before);
	peer_relink(p, w->own->peer);
	if (w->config.initiator) {
		trunk_attach(t, &w->config, w->own->conn, w->own->now);
	} else {
		w->fresh = trunk_new(&w->config, w->own->conn, w->own->now);
		FUZZ_ASSERT(w->fresh);
	}
	if (!again && (w->config.initiator || !t->conn))
		disconnect(w, before);
}

/* The trunk's session has moved to the present link, or there is another one. */
static void
fresh_is_settled(struct world *w)
{
	trunk_free(w->fresh);
	w->fresh = NULL;
	disconnect(w, 1 - w->pair);
}

/* A session that has nothing to do with the one before. */
static void
replace_trunk(struct world *w)
{
	FUZZ_ASSERT(w->closed || w->peer.hostile);
	trunk_close(w->trunk, CODE_NONE);
	w->closing = true;
	owner_take_events(w);
	FUZZ_ASSERT(w->closed);
	trunk_free(w->trunk);
	w->trunk = w->fresh;
	w->fresh = NULL;
	w->closed = w->closing = false;
	w->up = true;
	fresh_is_settled(w);
}

void
world_look_at_fresh(struct world *w)
{
	struct trunk_event event;

	while (w->fresh && trunk_next_event(w->fresh, w->own->now, &event)) {
		FUZZ_ASSERT(!w->fresh_closed);
		switch (event.type) {
		case TRUNK_MOVED:
			FUZZ_ASSERT(event.session == w->trunk && w->trunk->conn == w->own->conn);
			fresh_is_settled(w);
			break;
		case TRUNK_UP:
			replace_trunk(w);
			break;
		case TRUNK_GOAWAY: /* in the middle of an exchange: allowed, but nobody does that */
			FUZZ_ASSERT(w->peer.hostile);
			break;
		default:
			FUZZ_ASSERT(event.type == TRUNK_CLOSED);
			FUZZ_ASSERT(!event.session || event.session == w->trunk);
			w->fresh_closed = true;
			w->closing |= event.session != NULL;
		}
	}
}

/* ---- breaches ---- */

static bool
exchange_is_next(const struct world *w)
{
	const struct peer *p = &w->peer;

	if (w->config.hold == 0 || !w->up || w->closed || w->clogged || p->hostile ||
		p->session_sent || p->close_sent || conn_phase(w->own->conn) != CONN_UP)
		return false;
	if (w->config.initiator)
		return p->session_came && p->generation > 1;
	return w->fresh && !w->fresh_closed && p->generation >= 1;
}

/* What the trunk would say of the stream in the peer's place; changed as the breach wants it.
   False: the breach is none of this stream, or not of this side. */
static bool
spoil(const struct world *w, enum exchange_breach breach, const struct stream *s,
	struct state *state)
{
	if (breach == EXCHANGE_ID)
		return w->config.initiator;
	if (breach < EXCHANGE_COUNT)
		return true;
	if (!s)
		return false;
	*state = (struct state){.id = s->node.id, .received = s->send.sent, .limit = s->send.limit};
	if (breach == EXCHANGE_RECEIVED)
		state->received = s->send.sent + 2;
	else if (breach == EXCHANGE_BACK)
		state->received = s->send.covered - 1;
	else if (breach == EXCHANGE_LIMIT)
		state->limit--;
	return breach != EXCHANGE_BACK || s->send.covered > 0;
}

void
world_break_exchange(struct world *w, enum exchange_breach breach, size_t stream)
{
	struct peer *p = &w->peer;
	struct state state = {0};

	world_pump(w);
	if (!exchange_is_next(w))
		return;
	const struct owned *o = w->n > 0 ? &w->streams[stream % w->n] : NULL;
	if (!spoil(w, breach, o ? o->stream : NULL, &state))
		return;
	bool stale = breach == EXCHANGE_GENERATION && !w->config.initiator;
	bool suspended = trunk_suspended(w->trunk);
	peer_break_exchange(p, breach, &state, w->trunk->session.generation);
	world_pump(w);
	FUZZ_ASSERT(w->config.initiator || w->fresh_closed);
	FUZZ_ASSERT(stale ? !p->close_came : p->close_came && p->close_code == CODE_PROTOCOL_ERROR);
	/* A session that another link holds is left alone, and at R one that was named by
	   mistake. */
	bool named = breach > EXCHANGE_KIND;
	FUZZ_ASSERT(w->closed == (w->config.initiator || (suspended && named && !stale)));
}
