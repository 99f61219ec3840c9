/* Knows a connection that may be cut: what was sent last is lost, what was sent before comes
   late. */
#include "cuts.h"

struct cable *
cable_new(struct cuts *c)
{
	struct cable *l = c->cables;

	while (l->used)
		CHECK(++l < c->cables + CABLES_MAX);
	memset(l, 0, sizeof(*l));
	l->used = true;
	pair_init(&l->pair, seeded_random_next(&c->w.random), LIST("X25519"), LIST("CAST-128"));
	l->pair.now = c->w.now;
	for (int i = 0; i < 2; i++) {
		struct conn_config *config = &l->pair.ends[i].config;
		config->bulk = c->bulk;
		config->n_bulk = 1;
		config->ratchet_records = c->ratchet_records;
		config->renewal.gap = NS_PER_MS;
		config->renewal.most = UINT32_MAX;
		config->hello.window = c->window[i];
		config->hello.max_streams = c->max_streams[i];
		config->hello.hold = (uint16_t)(c->hold / NS_PER_S + (i ? 1 : 0));
		wire_init(&l->wire[i], &c->w.random);
		if (once_in(&c->w, 4)) /* so that a younger connection is quicker */
			l->wire[i].delay += between(&c->w, 0, 1500) * NS_PER_MS;
		l->notices[i] = UINT64_MAX;
	}
	pair_up(&l->pair);
	c->totals->links++;
	return l;
}

void
cable_cut(struct cuts *c, struct cable *l)
{
	if (l->cut)
		return;
	l->cut = true;
	for (int i = 0; i < 2; i++) {
		wire_cut(&l->wire[i]);
		l->notices[i] = c->w.now + between(&c->w, 0, once_in(&c->w, 4) ? 3000 : 100) *
			NS_PER_MS;
	}
}

void
cable_let_go(struct cuts *c, struct cable *l, int end)
{
	if (!l->trunk[end])
		return;
	l->trunk[end] = NULL;
	wire_discard(&l->wire[1 - end], UINT64_MAX - 1);
	cable_cut(c, l);
}

void
cable_reap(struct cable *l)
{
	if (!l->used || l->trunk[0] || l->trunk[1])
		return;
	wire_fini(&l->wire[0]);
	wire_fini(&l->wire[1]);
	pair_fini(&l->pair);
	l->used = false;
}

bool
cable_read(struct cuts *c, struct cable *l, int end)
{
	struct wire *in = &l->wire[1 - end];
	struct conn *conn = l->pair.ends[end].conn;

	if (l->over[end])
		wire_discard(in, c->w.now);
	if (wire_read(in, conn, c->w.now))
		return true;
	if (!l->cut || c->w.now < l->notices[end])
		return false;
	/* What was before the cut comes, or the system has dropped it. */
	if (wire_next(in) != UINT64_MAX && once_in(&c->w, 2))
		return false;
	l->notices[end] = UINT64_MAX;
	conn_in_end(conn);
	trunk_lost(l->trunk[end]);
	return true;
}

bool
cable_write(struct cuts *c, struct cable *l, int end)
{
	struct conn *conn = l->pair.ends[end].conn;
	size_t n;

	if (!l->cut)
		return wire_write(&l->wire[end], conn, c->w.now);
	conn_out_buf(conn, &n);
	conn_out_ack(conn, n); /* the system takes it, and loses it */
	return n > 0;
}

uint64_t
cable_next(const struct cable *l)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		if (!l->trunk[i])
			continue;
		if (wire_next(&l->wire[1 - i]) != UINT64_MAX)
			next = min_u64(next, wire_next(&l->wire[1 - i]));
		next = min_u64(next, l->notices[i]);
		next = min_u64(next, trunk_deadline(l->trunk[i]));
		if (!l->over[i])
			next = min_u64(next, conn_deadline(l->pair.ends[i].conn));
	}
	return next;
}
