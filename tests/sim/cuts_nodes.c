/* Knows the two nodes whose links are cut: how they dial, and what they do with what their trunks
   tell. The programs are app.c's, and so is what must be true of them. */
#include "cuts.h"

/* ---- the nodes ---- */

static enum trunk_found
find(void *arg, const uint8_t *id, struct trunk **session)
{
	struct cuts *c = arg;
	struct side *r = &c->w.side[1];

	for (size_t i = 0; i < c->n_ended; i++)
		if (memcmp(c->ended[i], id, TRUNK_SESSION_SIZE) == 0)
			return TRUNK_FOUND_NO_MORE;
	if (!r->trunk || memcmp(trunk_session_id(r->trunk), id, TRUNK_SESSION_SIZE) != 0)
		return TRUNK_FOUND_NOTHING;
	*session = r->trunk;
	return TRUNK_FOUND_SESSION;
}

static struct trunk_config
config_of(struct cuts *c, const struct cable *l, int i)
{
	return (struct trunk_config){.initiator = i == 0, .window = c->window[i],
		.max_streams = c->max_streams[i], .random = l->pair.random.source,
		.keepalive = 20 * NS_PER_S, .chunks = c->w.side[i].chunks, .hold = c->hold,
		.find = find, .arg = c};
}

struct cable *
cable_of(struct cuts *c, const struct trunk *t, int i)
{
	for (size_t k = 0; k < CABLES_MAX; k++)
		if (c->cables[k].used && c->cables[k].trunk[i] == t)
			return &c->cables[k];
	return NULL;
}

void
dial(struct cuts *c)
{
	struct side *side = &c->w.side[0];
	struct cable *l = cable_new(c);
	struct trunk_config config = config_of(c, l, 0), other = config_of(c, l, 1);

	c->dial_at = UINT64_MAX;
	if (!side->trunk)
		side->trunk = trunk_new(&config, l->pair.ends[0].conn, c->w.now);
	else
		trunk_attach(side->trunk, &config, l->pair.ends[0].conn, c->w.now);
	l->trunk[0] = side->trunk;
	l->trunk[1] = trunk_new(&other, l->pair.ends[1].conn, c->w.now);
	CHECK(l->trunk[0] && l->trunk[1]);
}

void
restart(struct cuts *c)
{
	struct side *side = &c->w.side[1];

	for (unsigned i = 0; i < c->w.n_flows; i++) {
		struct flow *f = &c->w.flows[i];
		bool begun = f->end[0].stream || f->end[1].stream;
		if (!begun && !(f->seen && !f->end[1].over))
			continue;
		f->was_reset = true;
		f->end[1] = (struct flow_end){.over = true, .next = UINT64_MAX};
		if (!f->end[0].stream)
			f->end[0] = f->end[1];
	}
	for (size_t k = 0; k < CABLES_MAX; k++) {
		struct cable *l = &c->cables[k];
		if (!l->used || !l->trunk[1])
			continue;
		if (l->trunk[1] != side->trunk)
			trunk_free(l->trunk[1]);
		cable_let_go(c, l, 1);
	}
	trunk_free(side->trunk);
	side->trunk = NULL;
	side->up = false;
	c->n_ended = 0;
	c->w.acted = true; /* until I has heard of it */
}

/* ---- events ---- */

/* A trunk of R's that was made for a connection and is not the session. */
static void
drop_trunk(struct cuts *c, struct cable *l, int i)
{
	struct trunk *t = l->trunk[i];

	cable_let_go(c, l, i);
	trunk_free(t);
}

static void
moved(struct cuts *c, struct cable *l, struct trunk *to)
{
	struct cable *old = cable_of(c, to, 1);
	struct trunk *empty = l->trunk[1];

	CHECK(to == c->w.side[1].trunk && l != old);
	if (old)
		cable_let_go(c, old, 1);
	l->trunk[1] = to;
	trunk_free(empty);
}

static void
closed(struct cuts *c, struct cable *l, int i, const struct trunk_event *event)
{
	struct side *side = &c->w.side[i];

	if (l && l->trunk[i] != side->trunk) { /* R would not take it for the session */
		CHECK(i == 1);
		c->totals->stale += event->error == SC_ERR_STALE;
		CHECK(event->error == SC_ERR_STALE || event->code == CODE_LINK_LOST ||
			event->error == SC_ERR_CLOSED);
		drop_trunk(c, l, i);
		return;
	}
	CHECK(!side->closed);
	side->closed = true;
	side->end = *event;
	c->totals->expired += event->error == SC_ERR_HOLD;
	CHECK(event->error == SC_OK || event->error == SC_ERR_CLOSED ||
		event->error == SC_ERR_HOLD);
	if (event->error == SC_ERR_HOLD) /* meant to be, or the other's CLOSE was lost */
		CHECK(c->w.act == ACT_EXPIRE || c->w.side[1 - i].closed);
	c->w.acted |= c->w.act != ACT_DRAIN;
	if (i == 1 && c->n_ended < ENDED_MAX)
		memcpy(c->ended[c->n_ended++], trunk_session_id(side->trunk), TRUNK_SESSION_SIZE);
	if (l)
		l->over[i] = true;
}

static void
suspended(struct cuts *c, struct cable *l, int i)
{
	CHECK(l && l->trunk[i] == c->w.side[i].trunk);
	cable_let_go(c, l, i);
	if (i == 0 && !(c->w.act == ACT_EXPIRE && c->w.acted))
		c->dial_at = c->w.now + between(&c->w, 0, once_in(&c->w, 3) ? 2000 : 100) *
			NS_PER_MS;
}

/* R does not know the session any more: only after a restart, or because it has ended there. */
static void
forgotten(struct cuts *c)
{
	CHECK(c->w.acted || c->w.side[1].closed);
	c->w.acted = c->w.side[1].closed;
	c->totals->forgotten++;
	if (c->w.side[1].closed)
		trunk_close(c->w.side[0].trunk, CODE_NONE);
}

/* Rules that are broken on purpose. */
static void
break_rule(struct cuts *c, struct trunk *t)
{
	struct control_queue *q = &t->exchange;

	if (c->breach == BREACH_WINDOWS)
		list_for_each(it, &t->streams)
			container_of(it, struct stream, link)->control_flags &=
				(uint8_t)~CONTROL_WINDOW;
	if (c->breach == BREACH_HIGHEST && q->end - q->start >= FRAME_HEAD_SIZE + SESSION_PAYLOAD &&
		q->data[q->start] == FRAME_SESSION)
		put_u32(q->data + q->start + FRAME_HEAD_SIZE + 21, 0);
	if (c->breach == BREACH_GENERATION && !t->config.initiator)
		t->session.generation = 0;
	if (c->breach == BREACH_RESETS)
		resets_fini(t);
}

/* `l` is NULL for a session without connection. */
static void
take_event(struct cuts *c, struct cable *l, int i, struct trunk_event *event)
{
	struct side *side = &c->w.side[i];

	c->w.progress = c->w.now;
	switch (event->type) {
	case TRUNK_UP:
		if (side->closed)
			break;
		CHECK(!side->trunk || side->trunk == l->trunk[i]);
		side->trunk = l->trunk[i];
		side->up = true;
		break;
	case TRUNK_MOVED:
		moved(c, l, event->session);
		break;
	case TRUNK_SUSPENDED:
		suspended(c, l, i);
		break;
	case TRUNK_RESUMED:
		c->totals->resumed++;
		c->totals->resent += event->resent;
		break;
	case TRUNK_FORGOTTEN:
		forgotten(c);
		break;
	case TRUNK_GOAWAY:
		side->goaway = true;
		break;
	case TRUNK_CLOSED:
		closed(c, l, i, event);
		break;
	default:
		flows_event(&c->w, side, event);
	}
}

/* ---- one side at one moment ---- */

static void
run_conn(struct cuts *c, struct conn *conn)
{
	struct conn_job *job = conn_job(conn);

	if (job) {
		conn_job_run(job);
		conn_job_done(conn, job, c->w.now);
	}
	if (conn_deadline(conn) <= c->w.now)
		conn_tick(conn, c->w.now);
	if (c->w.renews && once_in(&c->w, 100))
		conn_renew(conn);
}

/* All events of the trunk at an end of a cable, or of the session that has none. */
static void
take_events(struct cuts *c, struct cable *l, int i)
{
	struct side *side = &c->w.side[i];
	struct trunk_event event;
	struct trunk *t;

	while ((t = l ? l->trunk[i] : side->trunk) && trunk_next_event(t, c->w.now, &event)) {
		take_event(c, l, i, &event);
		if (l && !l->trunk[i]) {
			if (side->trunk == t) /* suspended, and so are its events from now on */
				take_events(c, NULL, i);
			return;
		}
	}
}

static bool
run_cable(struct cuts *c, struct cable *l, int i)
{
	struct conn *conn = l->pair.ends[i].conn;
	bool did = cable_read(c, l, i);

	run_conn(c, conn);
	if (trunk_deadline(l->trunk[i]) <= c->w.now)
		trunk_tick(l->trunk[i], c->w.now);
	take_events(c, l, i);
	for (int k = 0; k < 20 && l->trunk[i]; k++) {
		trunk_seal(l->trunk[i], c->w.now);
		if (!trunk_has_event(l->trunk[i]))
			break;
		take_events(c, l, i);
	}
	return l->trunk[i] ? did | cable_write(c, l, i) : true;
}

bool
run_side(struct cuts *c, int i)
{
	struct side *side = &c->w.side[i];
	bool did = false;

	if (side->trunk && !cable_of(c, side->trunk, i)) {
		if (trunk_deadline(side->trunk) <= c->w.now)
			trunk_tick(side->trunk, c->w.now);
		take_events(c, NULL, i);
	}
	if (side->up && !side->closed && flows_act(&c->w, side))
		c->w.progress = c->w.now;
	for (size_t k = 0; k < CABLES_MAX; k++) {
		if (c->breach != BREACH_NONE && side->trunk)
			break_rule(c, side->trunk);
		if (c->cables[k].used && c->cables[k].trunk[i])
			did |= run_cable(c, &c->cables[k], i);
	}
	if (side->trunk) {
		take_events(c, cable_of(c, side->trunk, i), i); /* what is left unread is kept */
		check_side(side);
	}
	return did;
}

