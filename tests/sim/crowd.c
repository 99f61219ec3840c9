/* Knows ten thousand streams on one link, all with more to send than there is room for: each must
   get its part, and the memory of all must stay within the budget. */
#include "sim.h"

#include <inttypes.h>

#define STREAMS 10000
#define WINDOW  (256 * 1024)
#define BUDGET  (64u << 20)
#define EACH    40000 /* bytes, on average, that are moved */

struct sender {
	struct stream *stream;
	bool blocked;
	uint64_t moved; /* taken at the other end */
};

struct crowd {
	struct pair pair;
	struct trunk *trunk[2];
	struct chunk_pool *chunks[2];
	struct sender senders[STREAMS];
	uint64_t now, moved;
	size_t most[2]; /* memory */
};

void
sim_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	exit(1);
}

static void
start(struct crowd *c)
{
	pair_init(&c->pair, 1, LIST("X25519"), LIST("AES 128"));
	for (int i = 0; i < 2; i++) {
		c->pair.ends[i].config.hello.window = WINDOW;
		c->pair.ends[i].config.hello.max_streams = STREAMS;
	}
	pair_up(&c->pair);
	c->now = c->pair.now;
	for (int i = 0; i < 2; i++) {
		c->chunks[i] = chunk_pool_new(1 << 20);
		chunk_pool_set_budget(c->chunks[i], BUDGET);
		struct trunk_config config = {.initiator = i == 0, .window = WINDOW,
			.max_streams = STREAMS, .random = c->pair.random.source,
			.keepalive = 60 * NS_PER_S, .chunks = c->chunks[i]};
		c->trunk[i] = trunk_new(&config, c->pair.ends[i].conn, c->now);
		CHECK(c->trunk[i]);
	}
	static const struct stream_request request = {.service_size = 1, .service = "a"};
	for (size_t i = 0; i < STREAMS; i++) {
		c->senders[i].stream = trunk_open(c->trunk[0], &request, &c->senders[i]);
		CHECK(c->senders[i].stream);
	}
}

static void
fill(struct sender *s)
{
	size_t n;

	while (!s->blocked) {
		uint8_t *p = stream_send_buf(s->stream, &n);
		s->blocked = !p;
		if (!p)
			return;
		memset(p, 'x', n);
		stream_send_ack(s->stream, n);
	}
}

static void
take_event(struct crowd *c, int side, const struct trunk_event *event)
{
	struct stream *s = event->stream;
	size_t n;

	if (event->type == TRUNK_OPEN) {
		stream_accept(s);
		stream_set_user(s, &c->senders[(stream_id(s) - 1) / 2]);
	} else if (event->type == TRUNK_WRITABLE) {
		((struct sender *)stream_user(s))->blocked = false;
		fill(stream_user(s));
	} else if (event->type == TRUNK_DATA) {
		while (stream_recv_buf(s, &n)) {
			stream_recv_ack(s, n);
			((struct sender *)stream_user(s))->moved += n;
			c->moved += n;
		}
	} else {
		CHECK(event->type == TRUNK_UP || event->type == TRUNK_OPENED);
	}
	c->most[side] = max_u64(c->most[side], chunk_pool_used(c->chunks[side]));
}

/* From one end to the other, as much as goes. */
static void
move(struct crowd *c, int from)
{
	size_t n, room;
	struct conn *a = c->pair.ends[from].conn, *b = c->pair.ends[1 - from].conn;
	const uint8_t *out = conn_out_buf(a, &n);
	uint8_t *in = conn_in_buf(b, &room);

	n = min_size(n, room);
	memcpy(in, out, n);
	conn_out_ack(a, n);
	conn_in_ack(b, n, c->now);
}

static void
turn(struct crowd *c, int side)
{
	struct trunk_event event;

	if (trunk_deadline(c->trunk[side]) <= c->now)
		trunk_tick(c->trunk[side], c->now);
	while (trunk_next_event(c->trunk[side], c->now, &event))
		take_event(c, side, &event);
	trunk_seal(c->trunk[side], c->now);
	move(c, side);
}

/* Moves EACH for each. */
static void
run(struct crowd *c)
{
	uint64_t end = c->moved + (uint64_t)STREAMS * EACH;

	while (c->moved < end) {
		turn(c, 0);
		turn(c, 1);
		c->now += NS_PER_MS / 2; /* half a megabyte: a gigabyte a second */
	}
}

int
main(void)
{
	static struct crowd c;
	uint64_t least = UINT64_MAX, most = 0;

	start(&c);
	for (size_t i = 0; i < STREAMS; i++)
		fill(&c.senders[i]);
	run(&c); /* the first ones had begun with all the memory for them alone */
	for (size_t i = 0; i < STREAMS; i++)
		c.senders[i].moved = 0;
	run(&c);
	for (size_t i = 0; i < STREAMS; i++) {
		least = min_u64(least, c.senders[i].moved);
		most = max_u64(most, c.senders[i].moved);
	}
	printf("of %d streams: at least %" PRIu64 " bytes, at most %" PRIu64
	       "; memory %zu and %zu\n",
		STREAMS, least, most, c.most[0], c.most[1]);
	CHECK(most <= 2 * least);
	/* A small chunk for each besides, and nothing where bytes are taken at once. */
	CHECK(c.most[0] <= BUDGET + (size_t)STREAMS * 4096);
	CHECK(c.most[1] <= 1 << 20);
	for (int i = 0; i < 2; i++) {
		trunk_free(c.trunk[i]);
		CHECK(chunk_pool_used(c.chunks[i]) == 0);
		chunk_pool_free(c.chunks[i]);
	}
	pair_fini(&c.pair);
	return 0;
}
