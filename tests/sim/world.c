/* Knows the two ends, the clock and the network between, and what must hold at every moment. */
#include "sim.h"

#define STUCK (300 * NS_PER_S)

size_t
between(struct world *w, size_t low, size_t high)
{
	return low + seeded_random_below(&w->random, high - low + 1);
}

bool
once_in(struct world *w, size_t n)
{
	return seeded_random_below(&w->random, n) == 0;
}

const struct bulk_impl *const *
some_bulk(struct world *w)
{
	size_t n = 0;
	while (bulk_impls[n])
		n++;
	return &bulk_impls[seeded_random_below(&w->random, n)];
}

static void
connect_both(struct world *w)
{
	const struct bulk_impl *const *bulk = some_bulk(w);
	uint64_t records = once_in(w, 2) ? between(w, 4, 60) : 0;
	uint64_t bytes = once_in(w, 3) ? between(w, 200000, 1000000) : 0;

	w->renews = once_in(w, 3);

	pair_init(&w->pair, seeded_random_next(&w->random), LIST("X25519"), LIST("CAST-128"));
	for (int i = 0; i < 2; i++) {
		struct conn_config *config = &w->pair.ends[i].config;
		config->bulk = bulk;
		config->n_bulk = 1;
		config->ratchet_records = records;
		config->ratchet_bytes = bytes;
		config->renewal.gap = NS_PER_MS;
		config->renewal.most = UINT32_MAX;
		config->hello.window = (uint32_t)between(w, 4096, once_in(w, 2) ? 10000 : 300000);
		config->hello.max_streams = (uint32_t)between(w, 1, 50);
	}
	pair_up(&w->pair);
	w->now = w->pair.now;
}

static void
start_side(struct world *w, int i)
{
	struct side *side = &w->side[i];
	const struct hello *hello = &w->pair.ends[i].config.hello;

	side->index = i;
	side->conn = w->pair.ends[i].conn;
	side->chunks = chunk_pool_new(once_in(w, 2) ? 0 : 1 << 20);
	side->window = hello->window;
	side->budget = between(w, 0, once_in(w, 2) ? 100000 : 10000000);
	chunk_pool_set_budget(side->chunks, side->budget);
	wire_init(&side->out, &w->random);
	struct trunk_config config = {.initiator = i == 0, .window = hello->window,
		.max_streams = hello->max_streams, .random = w->pair.random.source,
		.keepalive = 60 * NS_PER_S, .chunks = side->chunks};
	side->trunk = trunk_new(&config, side->conn, w->now);
	CHECK(side->chunks && side->trunk);
}

/* What must hold for each stream. */
static void
check_stream(const struct side *side, const struct stream *s)
{
	const struct stream_send *send = &s->send;
	const struct stream_recv *recv = &s->recv;

	CHECK(min_u64(send->covered, send->sent) == send->covered || send->fin_sealed);
	CHECK(send->sent <= send->written && send->written <= send->limit);
	CHECK(recv->announced <= recv->consumed && recv->consumed <= recv->received);
	CHECK(recv->received <= recv->limit);
	CHECK(recv->limit - recv->consumed <= max_u64(side->window, side->budget));
	if (!recv->fin)
		CHECK(recv->limit - recv->received <= side->window + recv->promised);
	CHECK(!list_empty(&s->ready) ==
		(send->sent < send->written && (s->own || s->opened) && session_open(s->trunk)));
	CHECK(!list_empty(&s->control) == (s->control_flags != 0));
	if (send->written <= send->covered && send->lent == 0)
		CHECK(!send->bytes.first);
	if (recv->received == recv->consumed)
		CHECK(!recv->bytes.first);
}

void
check_side(const struct side *side)
{
	const struct trunk *t = side->trunk;
	size_t n = 0;

	list_for_each(it, &t->streams) {
		n++;
		if (!t->end.ended)
			check_stream(side, container_of(it, struct stream, link));
	}
	CHECK(n == trunk_streams(t) && n == t->own_streams + t->peer_streams);
	CHECK(!t->in_place);
	/* The budget, and for each stream W0, a small chunk and the ends of large ones. */
	n += t->last_event ? 1 : 0;
	CHECK(chunk_pool_used(side->chunks) <=
		side->budget + n * (side->window + CHUNK_SMALL + 4 * CHUNK_BIG));
}

static void
take_event(struct world *w, struct side *side, struct trunk_event *event)
{
	w->progress = w->now;
	switch (event->type) {
	case TRUNK_UP:
		CHECK(!side->up);
		side->up = true;
		break;
	case TRUNK_GOAWAY:
		side->goaway = true;
		break;
	case TRUNK_CLOSED:
		CHECK(!side->closed);
		side->closed = true;
		side->end = *event;
		break;
	default:
		flows_event(w, side, event);
	}
}

/* What the connection does besides carrying the trunk. */
static void
run_conn(struct world *w, struct side *side)
{
	struct conn_job *job = conn_job(side->conn);

	if (job) {
		conn_job_run(job);
		conn_job_done(side->conn, job, w->now);
	}
	if (conn_deadline(side->conn) <= w->now)
		conn_tick(side->conn, w->now);
	if (w->renews && once_in(w, 100))
		conn_renew(side->conn);
}

/* All that one side can do at this moment. True: it did anything that others may see. */
static bool
run_side(struct world *w, struct side *side)
{
	struct trunk_event event;
	struct wire *in = &w->side[1 - side->index].out;
	bool did = wire_read(in, side->conn, w->now);

	if (side->closed)
		wire_discard(in, w->now);
	run_conn(w, side);
	if (trunk_deadline(side->trunk) <= w->now)
		trunk_tick(side->trunk, w->now);
	do {
		while (trunk_next_event(side->trunk, w->now, &event))
			take_event(w, side, &event);
		if (side->up && !side->closed && flows_act(w, side))
			w->progress = w->now;
		trunk_seal(side->trunk, w->now);
	} while (trunk_has_event(side->trunk));
	while (trunk_next_event(side->trunk, w->now, &event))
		take_event(w, side, &event); /* what the programs left unread is kept */
	check_side(side);
	return did | wire_write(&side->out, side->conn, w->now);
}

/* What happens in the middle of some runs. */
static void
act_in_the_middle(struct world *w)
{
	struct side *side = &w->side[w->actor];

	switch (w->act) {
	case ACT_DRAIN_SOON:
		trunk_goaway(side->trunk, CODE_SHUTTING_DOWN);
		side->goaway = true;
		break;
	case ACT_CLOSE:
		trunk_close(side->trunk, CODE_SHUTTING_DOWN);
		break;
	case ACT_LOSE:
		for (int i = 0; i < 2; i++)
			trunk_lost(w->side[i].trunk);
		break;
	case ACT_FLIP:
		if (!wire_flip(&side->out)) {
			w->act_at = w->now + NS_PER_MS; /* nothing is under way: later */
			return;
		}
		break;
	default:
		return;
	}
	w->acted = w->act != ACT_DRAIN_SOON;
	w->act_at = UINT64_MAX;
}

/* A flipped bit is found by the reader; its writer learns of it by the end of the connection. */
static void
tell_loss(struct world *w)
{
	for (int i = 0; i < 2; i++)
		if (w->side[i].closed && conn_error(w->side[i].conn) != SC_OK)
			trunk_lost(w->side[1 - i].trunk);
}

static bool
finished(const struct world *w)
{
	return w->side[0].closed && w->side[1].closed && !trunk_wants_seal(w->side[0].trunk) &&
	       !trunk_wants_seal(w->side[1].trunk);
}

/* When all flows are done, one side drains. */
static void
drain(struct world *w)
{
	if (w->act_at == UINT64_MAX || !flows_done(w))
		return;
	trunk_goaway(w->side[w->actor].trunk, CODE_NONE);
	w->act_at = UINT64_MAX;
	w->act = ACT_DRAIN;
}

static void
pass_time(struct world *w)
{
	uint64_t next = w->act == ACT_DRAIN ? UINT64_MAX : w->act_at;

	for (int i = 0; i < 2; i++) {
		next = min_u64(next, wire_next(&w->side[i].out));
		next = min_u64(next, trunk_deadline(w->side[i].trunk));
		if (!w->side[i].closed)
			next = min_u64(next, conn_deadline(w->side[i].conn));
		if (w->side[i].up && !w->side[i].closed)
			next = min_u64(next, flows_next(w, &w->side[i]));
	}
	CHECK(next != UINT64_MAX);
	w->now = next > w->now ? next : w->now + NS_PER_MS;
	CHECK(w->now < w->progress + STUCK);
}

static bool
by_damage(enum sc_error error)
{
	return error >= SC_ERR_RECORD_LENGTH && error <= SC_ERR_RECORD_TAG;
}

/* A bit in a length may make the reader wait for what never comes. */
static bool
waited(enum sc_error error)
{
	return error == SC_ERR_TIMEOUT || error == SC_ERR_RENEWAL;
}

/* Which ends are right for what happened. */
static void
check_ends(const struct world *w)
{
	const struct trunk_event *actor = &w->side[w->actor].end;
	const struct trunk_event *other = &w->side[1 - w->actor].end;

	switch (w->act) {
	case ACT_DRAIN:
	case ACT_DRAIN_SOON:
		CHECK(actor->error == SC_OK && other->error == SC_ERR_CLOSED);
		CHECK(actor->code == CODE_NONE && other->code == CODE_NONE);
		break;
	case ACT_CLOSE:
		CHECK(actor->error == SC_OK && other->error == SC_ERR_CLOSED);
		CHECK(actor->code == CODE_SHUTTING_DOWN && other->code == CODE_SHUTTING_DOWN);
		break;
	case ACT_LOSE:
		CHECK(actor->error == SC_ERR_TRUNCATED && other->error == SC_ERR_TRUNCATED);
		break;
	default:
		CHECK(actor->code == CODE_LINK_LOST && other->code == CODE_LINK_LOST);
		CHECK(by_damage(other->error) || waited(other->error) || waited(actor->error));
	}
}

static void
finish(struct world *w, struct totals *totals)
{
	check_ends(w);
	for (int i = 0; i < 2; i++) {
		struct side *side = &w->side[i];
		CHECK(trunk_streams(side->trunk) == 0);
		CHECK(chunk_pool_used(side->chunks) == 0);
		totals->renewals += conn_renewals(side->conn);
		trunk_free(side->trunk);
		chunk_pool_free(side->chunks);
		wire_fini(&side->out);
	}
	for (unsigned i = 0; i < w->n_flows; i++) {
		const struct flow *f = &w->flows[i];
		CHECK(!f->end[0].stream && !f->end[1].stream);
		totals->bytes += f->half[0].read + f->half[1].read;
		totals->ended += !f->was_reset;
		totals->reset += f->was_reset;
	}
	pair_fini(&w->pair);
}

void
world_run(uint64_t seed, struct totals *totals)
{
	static struct world worlds[1];
	struct world *w = worlds;

	memset(w, 0, sizeof(*w));
	seeded_random_init(&w->random, seed);
	connect_both(w);
	start_side(w, 0);
	start_side(w, 1);
	flows_init(w);
	w->act = once_in(w, 2) ? ACT_DRAIN : (enum last_act)between(w, 0, ACT_FLIP);
	w->act_at = w->now + between(w, 0, 1000) * NS_PER_MS;
	w->actor = once_in(w, 2);
	w->progress = w->now;
	while (!finished(w)) {
		bool did = false;
		int first = once_in(w, 2);
		for (int i = 0; i < 2; i++)
			did |= run_side(w, &w->side[first ^ i]);
		if (w->now >= w->act_at)
			act_in_the_middle(w);
		drain(w);
		tell_loss(w);
		if (!did && !finished(w))
			pass_time(w);
	}
	finish(w, totals);
}
