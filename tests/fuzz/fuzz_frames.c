/* Feeds a trunk with frames, allowed ones by a peer that keeps books and any others, beside what
   its owner does: accept, write, read, end, reset, open, drain, close, wait, lose links and go on
   over others. Asserts that it sends what it may and no more, that each stream delivers the bytes
   that were sent, over however many links, that memory is bounded, that it ends at most once and
   says nothing after; and that with a peer that keeps to the rules it never ends by itself and
   every stream can be brought to its end. */
#include "frames_world.h"

#define STEP(letter) (letter) & 31

static struct owned *
choose_owned(struct world *w, struct choices *c)
{
	struct owned *o = w->n > 0 ? &w->streams[choose_below(c, w->n)] : NULL;

	return o && o->stream ? o : NULL;
}

/* Not before SESSION, which is the first frame of a link. */
static void
renew(struct world *w, struct end *e)
{
	if (!w->peer.session_done || !w->peer.session_came)
		return;
	conn_renew(e->conn);
	conn_tick(e->conn, e->now);
}

/* A new key is told: the end's own, or one that it does not hold. */
static void
announce(struct world *w, struct end *e, bool held)
{
	if (!w->peer.session_done || !w->peer.session_came)
		return;
	e->announced = e->key;
	if (!held)
		e->announced.public_key = e->peer->public_key;
	conn_announce(e->conn, &e->announced, e->now);
}

/* Each choice in a statement of its own: compilers differ in the order in which they evaluate
   arguments. */
static void
step_peer_link(struct world *w, uint8_t choice, struct choices *c)
{
	struct peer *p = &w->peer;
	uint8_t first;

	switch (choice & 31) {
	case STEP('S'):
		world_pump(w); /* R answers what has come */
		peer_session(p);
		break;
	case STEP('Z'):
		peer_refuse_session(p);
		break;
	case STEP('O'):
		if (w->n + p->n >= PEER_STREAMS)
			break;
		first = choose_u8(c);
		peer_open(p, first, choose_bytes(c, choose_u8(c)));
		break;
	case STEP('P'):
		peer_ping(p);
		break;
	case STEP('Q'):
		peer_pong(p);
		break;
	case STEP('G'):
		peer_goaway(p, choose_u16(c));
		break;
	case STEP('C'):
		peer_close(p, choose_u16(c));
		break;
	case STEP('X'):
		first = 1 + (choose_u8(c) & 1);
		peer_pad(p, FRAME_PAD, first, choose_u8(c));
		break;
	case STEP('Y'):
		first = 128 | choose_u8(c);
		peer_pad(p, first, CHANNEL_PROTOCOL, choose_u8(c));
		break;
	case STEP('K'):
		renew(w, p->end);
		break;
	case STEP('J'):
		announce(w, p->end, choose_u8(c) & 1);
		break;
	case STEP('E'):
		world_break_exchange(
			w, (enum exchange_breach)choose_below(c, EXCHANGE_BREACHES), choose_u8(c));
		break;
	default:
		break;
	}
}

static void
step_peer(struct world *w, uint8_t choice, struct choices *c)
{
	struct peer *p = &w->peer;
	bool of_stream = strchr("ADBFRW", '@' + (choice & 31)) != NULL;
	uint16_t first;
	struct peer_stream *s = of_stream && p->n > 0 ? &p->streams[choose_below(c, p->n)] : NULL;

	if (!s) {
		step_peer_link(w, choice, c);
		return;
	}
	switch (choice & 31) {
	case STEP('A'):
		peer_opened(p, s);
		break;
	case STEP('D'):
		peer_data(p, s, choose_u8(c) + 1u);
		break;
	case STEP('B'):
		peer_data(p, s, choose_u16(c) + 1u);
		break;
	case STEP('F'):
		peer_fin(p, s);
		break;
	case STEP('R'):
		first = choose_u16(c);
		peer_reset(p, s, first, choose_bytes(c, choose_u8(c)));
		break;
	default:
		first = choose_u16(c);
		peer_window(p, s, first, choose_u16(c));
	}
}

/* A breach of the rules on a stream that the trunk has ends the link, whatever else is under
   way. */
static void
step_breach(struct world *w, struct choices *c)
{
	struct peer *p = &w->peer;
	struct peer_stream *s = p->n > 0 ? &p->streams[choose_below(c, p->n)] : NULL;
	enum peer_breach breach = (enum peer_breach)choose_below(c, BREACHES);

	world_pump(w);
	if (!s || p->hostile || w->closed || w->clogged || trunk_suspended(w->trunk) ||
		!stream_table_find(&w->trunk->table, s->id) || !peer_breach(p, s, breach))
		return;
	world_pump(w);
	FUZZ_ASSERT(w->closed && p->close_came && p->close_code == CODE_PROTOCOL_ERROR);
}

/* Any frame: of a stream that there is, or of any; or any bytes. */
static void
step_hostile(struct world *w, uint8_t choice, struct choices *c)
{
	struct peer *p = &w->peer;
	uint8_t channel = choice & 32 ? CHANNEL_DATA : CHANNEL_PROTOCOL;
	uint8_t type = choice & 31;

	if (type == 0) {
		peer_any_bytes(p, channel, choose_bytes(c, choose_u16(c)));
		return;
	}
	uint32_t stream = choose_u8(c);
	if (stream == 255) {
		stream = (uint32_t)choose_u16(c) << 16;
		stream |= choose_u16(c);
	}
	peer_any_frame(p, channel, type, stream, choose_bytes(c, choose_u8(c)));
}

static void
step_owner_link(struct world *w, uint8_t choice, struct choices *c)
{
	switch (choice & 31) {
	case STEP('o'):
		owner_open(w, choose_bytes(c, choose_u8(c)));
		break;
	case STEP('g'):
		w->closing = true;
		trunk_goaway(w->trunk, choose_u8(c));
		break;
	case STEP('c'):
		w->closing = true;
		trunk_close(w->trunk, choose_u8(c) & 14u); /* not 1, a protocol error */
		break;
	case STEP('l'):
		world_lose(w);
		break;
	case STEP('n'):
		world_link(w);
		break;
	case STEP('t'):
		world_wait(w, choose_u8(c) * 100 * NS_PER_MS);
		break;
	case STEP('e'):
		w->appetite = choose_u16(c);
		break;
	case STEP('z'):
		w->clogged = !w->clogged;
		break;
	case STEP('k'):
		renew(w, w->own);
		break;
	case STEP('j'):
		announce(w, w->own, choose_u8(c) & 1);
		break;
	default:
		break;
	}
}

static void
step_owner(struct world *w, uint8_t choice, struct choices *c)
{
	bool of_stream = strchr("arhwfx", '`' + (choice & 31)) != NULL;
	struct owned *o = of_stream ? choose_owned(w, c) : NULL;

	if (!o) {
		step_owner_link(w, choice, c);
		return;
	}
	switch (choice & 31) {
	case STEP('a'):
		stream_accept(o->stream);
		break;
	case STEP('r'):
		owner_read(w, o, choose_u16(c), false);
		break;
	case STEP('h'):
		owner_read(w, o, choose_u16(c), true);
		break;
	case STEP('w'):
		owner_write(w, o, choose_u16(c));
		break;
	case STEP('f'):
		if (!o->fin_sent)
			owner_fin(o);
		break;
	default:
		owner_reset(o, choose_u8(c));
	}
}

/* Capital letters are the peer's, small ones the owner's; what is below them does the same without
   letting anything move after it; the upper half is for a hostile peer: bit 6 moves, bit 5 is the
   channel, and the type of frame. */
static void
step(struct world *w, struct choices *c)
{
	uint8_t choice = choose_u8(c);

	if ((choice & 31) == 31)
		step_breach(w, c);
	else if (choice & 0x80)
		step_hostile(w, choice, c);
	else if (choice & 0x20)
		step_owner(w, choice, c);
	else
		step_peer(w, choice, c);
	if (choice & 0x40)
		world_pump(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct choices c = {data, data + size};
	uint8_t roles = choose_u8(&c), limits = choose_u8(&c);

	world_init(&w, roles, limits);
	world_pump(&w);
	while (choices_left(&c))
		step(&w, &c);
	world_finish(&w);
	world_fini(&w);
	return 0;
}
