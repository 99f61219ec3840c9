/* Tests the trunk where memory runs out, at each place where that can be: it must go on or end in
   order, and leave nothing behind. */
#include "faults.h"
#include "hand.h"

/* Takes all events; the first unread byte of each stream stays unread. Returns the last
   TRUNK_OPEN's stream. */
static struct stream *
events(struct hand *h, bool *closed)
{
	struct stream *opened = NULL;

	while (trunk_next_event(h->trunk, h->now, &h->event)) {
		if (h->event.type == TRUNK_OPEN)
			opened = h->event.stream;
		if (h->event.type == TRUNK_RESET)
			assert_true(h->event.code == CODE_INTERNAL_ERROR);
		if (h->event.type == TRUNK_RESET && h->event.stream == opened)
			opened = NULL;
		*closed |= h->event.type == TRUNK_CLOSED;
	}
	return opened;
}

/* Brings what the peer has sent to the trunk's connection. */
static void
deliver(struct hand *h)
{
	size_t n, room;
	const uint8_t *out = conn_out_buf(h->peer, &n);
	uint8_t *in = conn_in_buf(h->conn, &room);
	assert_true(n <= room);
	memcpy(in, out, n);
	conn_out_ack(h->peer, n);
	conn_in_ack(h->conn, n, h->now);
}

/* Calls of all kinds. */
static void
use(struct hand *h)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	bool closed = false;
	size_t n;

	struct stream *theirs = events(h, &closed);
	struct stream *own = trunk_open(h->trunk, &request, NULL);
	if (own && stream_send_buf(own, &n))
		stream_send_ack(own, n);
	if (own && stream_send_buf(own, &n))
		stream_send_ack(own, n);
	if (theirs) {
		stream_accept(theirs);
		stream_recv_hold(theirs, &n);
		stream_reset(theirs, CODE_DENIED, "a text that takes some room in the queue");
	}
	for (int i = 0; i < 3; i++)
		if ((own = trunk_open(h->trunk, &request, NULL)))
			stream_reset(own, CODE_NONE, NULL);
	trunk_seal(h->trunk, h->now);
	events(h, &closed);
}

static void
try_use(void *arg)
{
	struct hand h;
	(void)arg;

	hand_up(&h, false);
	for (uint32_t id = 1; id < 60; id += 2)
		hand_put(&h, FRAME_OPEN, id, "\001a\200\000", 4); /* each needs a RESET */
	hand_put(&h, FRAME_OPEN, 101, "\001a", 2);
	hand_record(&h, CHANNEL_PROTOCOL);
	hand_data(&h, 101, 3000, 'x');
	hand_data(&h, 101, 3000, 'y');
	deliver(&h);
	faults_begin();
	use(&h);
	faults_end();
	hand_collect(&h);
	hand_fini(&h);
}

static void
try_new(void *arg)
{
	struct hand h;
	(void)arg;

	hand_start(&h, true);
	faults_begin();
	struct trunk *t = trunk_new(&h.trunk->config, h.conn, h.now);
	assert_true(faults_end() == !t);
	trunk_free(t);
	hand_fini(&h);
}

static void
test_use(void **state)
{
	(void)state;
	faults_each(FAULT_MEMORY, try_use, NULL);
}

static void
test_new(void **state)
{
	(void)state;
	faults_each(FAULT_MEMORY, try_new, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
