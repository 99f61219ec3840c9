/* Tests the trunk where memory runs out: in a run with all kinds of calls each allocation fails
   once in its turn; the trunk must go on or end in order, and leave nothing behind. Linked with
   malloc, calloc and realloc wrapped. */
#include "hand.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

/* Allocations that still succeed before one fails; negative: none fails. */
static long until_failure = -1;

static bool
fails(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

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

/* The part in which allocations may fail: only calls of the trunk. */
static bool
use(struct hand *h, long fail_at)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	bool closed = false;
	size_t n;

	until_failure = fail_at;
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
	bool failed = until_failure < 0;
	until_failure = -1;
	return failed;
}

static void
test_each_allocation_fails_once(void **state)
{
	bool failed = true;
	(void)state;
	for (long i = 0; failed; i++) {
		struct hand h;
		assert_true(i < 100);
		hand_up(&h, false);
		for (uint32_t id = 1; id < 60; id += 2)
			hand_put(&h, FRAME_OPEN, id, "\001a\200\000", 4); /* each needs a RESET */
		hand_put(&h, FRAME_OPEN, 101, "\001a", 2);
		hand_record(&h, CHANNEL_PROTOCOL);
		hand_data(&h, 101, 3000, 'x');
		hand_data(&h, 101, 3000, 'y');
		deliver(&h);
		failed = use(&h, i);
		assert_true(failed || i > 5);
		hand_collect(&h);
		hand_fini(&h);
	}
}

static void
test_new_trunk(void **state)
{
	(void)state;
	for (long i = 0;; i++) {
		struct hand h;
		hand_start(&h, true);
		until_failure = i;
		struct trunk *t = trunk_new(&h.trunk->config, h.conn, h.now);
		bool failed = until_failure < 0;
		until_failure = -1;
		assert_true(failed == !t);
		trunk_free(t);
		hand_fini(&h);
		if (!failed)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails_once),
		cmocka_unit_test(test_new_trunk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
