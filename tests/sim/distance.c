/* Knows one stream over a long way: its window must grow until the way is full, stay within the
   budget, and shrink when the stream has little to do. The time is the simulation's. */
#include "sim.h"

#include <inttypes.h>

#define DELAY       (50 * NS_PER_MS) /* each way */
#define WINDOW      (256 * 1024)     /* W0 */
#define GIGABIT     (1000000000 / 8) /* bytes in a second */
#define IN_FLIGHT   (64u << 20)      /* bytes that the way holds */

struct end {
	struct conn *conn;
	struct trunk *trunk;
	struct chunk_pool *chunks;
	struct stream *stream;
	struct wire out;
	bool blocked; /* waits for TRUNK_WRITABLE */
};

struct distance {
	struct seeded_random random;
	struct pair pair;
	struct end end[2];
	uint64_t now, moved;
	size_t budget;
	size_t pace; /* bytes that the writer has each 100 ms; 0: always more */
	uint64_t next_write;
};

void
sim_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	exit(1);
}

static void
start(struct distance *d, size_t budget)
{
	memset(d, 0, sizeof(*d));
	d->budget = budget;
	seeded_random_init(&d->random, 1);
	pair_init(&d->pair, 1, LIST("X25519"), LIST("AES 128"));
	for (int i = 0; i < 2; i++)
		d->pair.ends[i].config.hello.window = WINDOW;
	pair_up(&d->pair);
	d->now = d->pair.now;
	for (int i = 0; i < 2; i++) {
		struct end *e = &d->end[i];
		e->conn = d->pair.ends[i].conn;
		e->chunks = chunk_pool_new(1 << 20);
		chunk_pool_set_budget(e->chunks, budget);
		struct trunk_config config = {.initiator = i == 0, .window = WINDOW,
			.max_streams = 10, .random = d->pair.random.source,
			.keepalive = 60 * NS_PER_S, .chunks = e->chunks};
		e->trunk = trunk_new(&config, e->conn, d->now);
		wire_init(&e->out, &d->random);
		free(e->out.data);
		e->out.data = malloc(IN_FLIGHT);
		e->out.capacity = IN_FLIGHT;
		e->out.piece_max = 4 << 20;
		e->out.delay = DELAY;
		e->out.jitter = 1;
		CHECK(e->trunk && e->chunks && e->out.data);
	}
	static const struct stream_request request = {.service_size = 1, .service = "a"};
	d->end[0].stream = trunk_open(d->end[0].trunk, &request, NULL);
	CHECK(d->end[0].stream);
}

static void
stop(struct distance *d)
{
	for (int i = 0; i < 2; i++) {
		trunk_free(d->end[i].trunk);
		CHECK(chunk_pool_used(d->end[i].chunks) == 0);
		/* Promises too: all of the budget is there again. */
		CHECK(chunk_pool_share(d->end[i].chunks) == d->budget / 4);
		chunk_pool_free(d->end[i].chunks);
		wire_fini(&d->end[i].out);
	}
	pair_fini(&d->pair);
}

static void
write_some(struct distance *d, struct end *e)
{
	size_t n, left = SIZE_MAX;

	if (e->blocked || d->now < d->next_write)
		return;
	if (d->pace) {
		d->next_write = d->now + 100 * NS_PER_MS;
		left = d->pace;
	}
	while (left > 0) {
		uint8_t *p = stream_send_buf(e->stream, &n);
		e->blocked = !p;
		if (!p)
			return;
		n = min_size(n, left);
		memset(p, 'x', n);
		stream_send_ack(e->stream, n);
		left -= n;
	}
}

static void
take_event(struct distance *d, struct end *e, const struct trunk_event *event)
{
	size_t n;

	if (event->type == TRUNK_OPEN) {
		e->stream = event->stream;
		stream_accept(e->stream);
	} else if (event->type == TRUNK_WRITABLE) {
		e->blocked = false;
	} else if (event->type == TRUNK_DATA) {
		while (stream_recv_buf(e->stream, &n)) {
			stream_recv_ack(e->stream, n);
			d->moved += n;
		}
	} else {
		CHECK(event->type == TRUNK_UP || event->type == TRUNK_OPENED);
	}
}

static bool
run_end(struct distance *d, int i)
{
	struct end *e = &d->end[i];
	struct trunk_event event;
	bool did = wire_read(&d->end[1 - i].out, e->conn, d->now);

	if (trunk_deadline(e->trunk) <= d->now)
		trunk_tick(e->trunk, d->now);
	while (trunk_next_event(e->trunk, d->now, &event))
		take_event(d, e, &event);
	if (i == 0)
		write_some(d, e);
	trunk_seal(e->trunk, d->now);
	return did | wire_write(&e->out, e->conn, d->now);
}

/* Runs for so long. Returns the bytes that arrived in a second. */
static uint64_t
run(struct distance *d, uint64_t time)
{
	uint64_t end = d->now + time, before = d->moved;

	while (d->now < end) {
		bool did = run_end(d, 0);
		did |= run_end(d, 1);
		if (did)
			continue;
		uint64_t next = d->pace ? d->next_write : UINT64_MAX;
		for (int i = 0; i < 2; i++) {
			next = min_u64(next, wire_next(&d->end[i].out));
			next = min_u64(next, trunk_deadline(d->end[i].trunk));
		}
		CHECK(next != UINT64_MAX);
		d->now = next > d->now ? next : d->now + 1000;
	}
	return (d->moved - before) * (NS_PER_S / NS_PER_MS) / (time / NS_PER_MS);
}

static uint64_t
granted(const struct distance *d)
{
	const struct stream_recv *recv = &d->end[1].stream->recv;
	return recv->limit - recv->consumed;
}

/* Grows, fills the way, and shrinks again. */
static void
test_growth(struct distance *d)
{
	start(d, 256 << 20);
	uint64_t first = run(d, NS_PER_S), full = run(d, 2 * NS_PER_S);
	uint64_t most = granted(d);
	printf("first second %" PRIu64 ", then %" PRIu64 " bytes in a second, window %" PRIu64 "\n",
		first, full, most);
	CHECK(full > GIGABIT);
	CHECK(first > GIGABIT / 10);
	CHECK(most <= 256 << 20);
	d->pace = 50000;
	run(d, 200 * NS_PER_S);
	printf("with little to do: window %" PRIu64 "\n", granted(d));
	CHECK(granted(d) <= WINDOW);
	d->pace = 0;
	d->next_write = 0;
	run(d, NS_PER_S);
	full = run(d, 2 * NS_PER_S);
	printf("again %" PRIu64 " bytes in a second\n", full);
	CHECK(full > GIGABIT);
	stop(d);
}

/* Without a budget it still goes, and nearly nothing is kept. */
static void
test_no_budget(struct distance *d)
{
	start(d, 0);
	uint64_t rate = run(d, 20 * NS_PER_S);
	printf("without memory: %" PRIu64 " bytes in a second\n", rate);
	CHECK(rate >= CHUNK_SMALL);
	CHECK(chunk_pool_used(d->end[0].chunks) <= 4096);
	CHECK(granted(d) <= WINDOW);
	stop(d);
}

int
main(void)
{
	static struct distance d;

	test_growth(&d);
	test_no_budget(&d);
	return 0;
}
