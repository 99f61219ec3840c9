/* Knows when links are cut, and what else happens to two nodes: they dial again, and the session of
   their programs goes on (protocol.md 8.1). */
#include "cuts.h"

#define STUCK (300 * NS_PER_S)

static void
cut_some(struct cuts *c)
{
	struct world *w = &c->w;

	if (w->now < c->cut_at)
		return;
	c->cut_at = w->now < c->cuts_end ? w->now + between(w, 1, 700) * NS_PER_MS : UINT64_MAX;
	struct cable *l = cable_of(c, w->side[0].trunk, 0);
	if (!l || w->side[0].closed)
		return;
	if (once_in(w, 4)) /* I takes it for dead, though it is not */
		trunk_lost(w->side[0].trunk);
	else
		cable_cut(c, l);
}

static void
act_in_the_middle(struct cuts *c)
{
	struct world *w = &c->w;
	struct side *side = &w->side[w->actor];
	struct cable *l;

	if (w->now < w->act_at)
		return;
	if (!side->trunk || !w->side[1].trunk || !w->side[0].trunk->session.known) {
		w->act_at = w->now + 20 * NS_PER_MS; /* not yet */
		return;
	}
	w->act_at = UINT64_MAX;
	switch (w->act) {
	case ACT_DRAIN_SOON:
		trunk_goaway(side->trunk, CODE_SHUTTING_DOWN);
		side->goaway = true;
		break;
	case ACT_CLOSE:
		w->acted = true;
		trunk_close(side->trunk, CODE_SHUTTING_DOWN);
		break;
	case ACT_EXPIRE:
		w->acted = true;
		c->dial_at = UINT64_MAX;
		l = cable_of(c, w->side[0].trunk, 0);
		if (l)
			cable_cut(c, l);
		break;
	case ACT_RESTART:
		restart(c);
		break;
	default:
		break;
	}
}

/* All flows have come to their end: one side says that it is over. */
static void
drain(struct cuts *c)
{
	struct world *w = &c->w;
	struct side *side = &w->side[w->actor];

	if (w->now < c->cuts_end || w->act_at != UINT64_MAX || !flows_done(w) || side->goaway ||
		!side->trunk || side->closed)
		return;
	trunk_goaway(side->trunk, CODE_NONE);
	side->goaway = true;
}

/* It has been told so; R may have begun anew and never heard of I's last words. */
static bool
over(const struct cuts *c, int i)
{
	const struct side *side = &c->w.side[i];
	return side->closed || (!side->trunk && c->w.side[1 - i].closed);
}

static void
pass_time(struct cuts *c)
{
	struct world *w = &c->w;
	uint64_t next = min_u64(min_u64(c->cut_at, c->dial_at), w->act_at);

	if (w->act == ACT_DRAIN && w->now < c->cuts_end)
		next = min_u64(next, c->cuts_end);
	for (size_t k = 0; k < CABLES_MAX; k++)
		if (c->cables[k].used)
			next = min_u64(next, cable_next(&c->cables[k]));
	for (int i = 0; i < 2; i++) {
		struct side *side = &w->side[i];
		if (side->trunk)
			next = min_u64(next, trunk_deadline(side->trunk));
		if (side->up && !side->closed)
			next = min_u64(next, flows_next(w, side));
	}
	CHECK(next != UINT64_MAX);
	w->now = next > w->now ? next : w->now + NS_PER_MS;
	CHECK(w->now < w->progress + STUCK);
}

/* ---- a whole life ---- */

static void
start(struct cuts *c)
{
	struct world *w = &c->w;

	c->bulk = some_bulk(w);
	c->ratchet_records = once_in(w, 2) ? between(w, 4, 60) : 0;
	c->hold = between(w, 12, 30) * NS_PER_S;
	w->renews = once_in(w, 3);
	w->now = NS_PER_S;
	for (int i = 0; i < 2; i++) {
		c->window[i] = (uint32_t)between(w, 4096, once_in(w, 2) ? 10000 : 300000);
		c->max_streams[i] = (uint32_t)between(w, 1, 50);
	}
	for (int i = 0; i < 2; i++) {
		w->side[i].index = i;
		w->side[i].chunks = chunk_pool_new(once_in(w, 2) ? 0 : 1 << 20);
		w->side[i].window = c->window[i];
		w->side[i].budget = between(w, 0, once_in(w, 2) ? 100000 : 10000000);
		chunk_pool_set_budget(w->side[i].chunks, w->side[i].budget);
		w->side[i].out.piece_max = w->side[i].out.capacity = once_in(w, 2) ? 100 : 100000;
	}
	flows_init(w);
	w->act = once_in(w, 2) ? ACT_DRAIN : (enum last_act)between(w, 1, 4);
	if (w->act > ACT_CLOSE)
		w->act = w->act == ACT_LOSE ? ACT_EXPIRE : ACT_RESTART;
	w->act_at = w->act == ACT_DRAIN ? UINT64_MAX : w->now + between(w, 0, 2000) * NS_PER_MS;
	w->actor = once_in(w, 2);
	w->progress = w->now;
	c->cuts_end = w->now + between(w, 0, 3000) * NS_PER_MS;
	c->cut_at = w->now + between(w, 0, 500) * NS_PER_MS;
	c->dial_at = w->now;
}

static void
finish(struct cuts *c)
{
	struct totals *totals = c->totals;

	for (int i = 0; i < 2; i++) {
		struct side *side = &c->w.side[i];
		for (size_t k = 0; k < CABLES_MAX; k++)
			if (c->cables[k].used && c->cables[k].trunk[i] != side->trunk)
				trunk_free(c->cables[k].trunk[i]);
		CHECK(!side->trunk || trunk_streams(side->trunk) == 0);
		trunk_free(side->trunk);
		CHECK(chunk_pool_used(side->chunks) == 0);
		chunk_pool_free(side->chunks);
	}
	for (size_t k = 0; k < CABLES_MAX; k++) {
		c->cables[k].trunk[0] = c->cables[k].trunk[1] = NULL;
		cable_reap(&c->cables[k]);
	}
	for (unsigned i = 0; i < c->w.n_flows; i++) {
		const struct flow *f = &c->w.flows[i];
		CHECK(!f->end[0].stream && !f->end[1].stream);
		totals->bytes += f->half[0].read + f->half[1].read;
		totals->ended += !f->was_reset;
		totals->reset += f->was_reset;
	}
}

void
cuts_run(uint64_t seed, enum breach breach, struct totals *totals)
{
	static struct cuts all[1];
	struct cuts *c = all;

	memset(c, 0, sizeof(*c));
	c->breach = breach;
	c->totals = totals;
	seeded_random_init(&c->w.random, seed);
	start(c);
	while (!over(c, 0) || !over(c, 1)) {
		bool did = false;
		int first = once_in(&c->w, 2);
		if (c->dial_at <= c->w.now && !c->w.side[0].closed)
			dial(c);
		for (int i = 0; i < 2; i++)
			did |= run_side(c, first ^ i);
		cut_some(c);
		act_in_the_middle(c);
		drain(c);
		for (size_t k = 0; k < CABLES_MAX; k++)
			cable_reap(&c->cables[k]);
		if (!did && !(over(c, 0) && over(c, 1)))
			pass_time(c);
	}
	finish(c);
}
