/* Tests tunnel/stream_window.c: the window follows the rate and the budget. */
#include "hand.h"

#define RTT (100 * NS_PER_MS)

/* The PING that waits is answered after so long. */
static void
answer_ping(struct hand *h, uint64_t after)
{
	hand_seal(h);
	const struct hand_frame *f = hand_take(h, FRAME_PING, 0);
	h->now += after;
	hand_frame(h, FRAME_PONG, 0, f->payload, 8);
	hand_quiet(h);
}

/* Stream 1 of the peer, and a round trip of 100 ms measured. */
static struct stream *
setup(struct hand *h)
{
	hand_up(h, false);
	h->trunk->ping.least = 0; /* the first PING was answered at once */
	h->trunk->ping.wanted = true;
	answer_ping(h, RTT);
	struct stream *s = hand_peer_stream(h, 1);
	stream_accept(s);
	hand_seal(h);
	hand_take(h, FRAME_OPENED, 1);
	return s;
}

/* The peer sends n bytes; they are taken at once. */
static void
bring(struct hand *h, struct stream *s, size_t n)
{
	for (; n > 0; n -= min_size(n, 50000)) {
		hand_data(h, stream_id(s), min_size(n, 50000), 'x');
		hand_event(h, TRUNK_DATA);
		hand_read(s, n, 'x');
		hand_quiet(h);
	}
}

/* What the peer may send: as its WINDOWs say. No more PINGs are answered. */
static uint64_t
limit(struct hand *h, uint64_t *limit)
{
	hand_seal(h);
	while (h->count > 0) {
		const struct hand_frame *f = &h->frames[h->first];
		if (f->type == FRAME_PING) {
			hand_take(h, FRAME_PING, 0);
			continue;
		}
		f = hand_take(h, FRAME_WINDOW, 1);
		uint64_t said = get_u64(f->payload) + get_u32(f->payload + 8);
		assert_true(said >= *limit); /* never less than before */
		*limit = said;
	}
	return *limit;
}

/* One round trip in which the peer uses all it may. */
static void
full_round(struct hand *h, struct stream *s, uint64_t *sent, uint64_t *said)
{
	h->now += RTT;
	bring(h, s, (size_t)(limit(h, said) - *sent));
	*sent = *said;
	limit(h, said);
}

static void
test_grows_while_it_is_used_up(void **state)
{
	uint64_t sent = 0, said = HAND_WINDOW;
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	chunk_pool_set_budget(h.pool, 100 << 20);
	for (int i = 0; i < 6; i++) {
		uint64_t before = stream_window(s);
		full_round(&h, s, &sent, &said);
		assert_in_range(stream_window(s), before + 1, 2 * before);
	}
	assert_true(stream_window(s) > 20 * HAND_WINDOW);
	hand_fini(&h);
}

/* On a short way with slow ciphers, both ends have something to work on all the same; but not while
   somebody is in conversation beside. */
static void
test_both_ends_have_work(void **state)
{
	(void)state;
	for (int brisk = 0; brisk < 2; brisk++) {
		uint64_t said = HAND_WINDOW;
		struct hand h;
		struct stream *s = setup(&h);
		chunk_pool_set_budget(h.pool, 100 << 20);
		trunk_brisk(h.trunk, brisk);
		h.trunk->ping.rtt = h.trunk->ping.least = NS_PER_MS / 10;
		h.now += RTT; /* measures */
		bring(&h, s, 1);
		limit(&h, &said);
		for (int i = 0; i < 40; i++) { /* 8 MB a second */
			h.now += NS_PER_MS / 2;
			bring(&h, s, 4000);
			limit(&h, &said);
		}
		if (brisk)
			assert_int_equal(stream_window(s), HAND_WINDOW);
		else
			assert_in_range(stream_window(s), 4 * 7900, 4 * 8100);
		hand_fini(&h);
	}
}

/* The faster the cipher, the fewer bytes are that work. */
static void
test_work_is_less_where_it_is_quick(void **state)
{
	/* bytes in half a millisecond; what half the window grows to: four of them, while that is
	   not more than 512 KiB; 512 KiB * 512 KiB / them; 256 KiB; what the way itself needs */
	static const uint32_t rates[][2] = {{60000, 240000}, {125000, 500000}, {200000, 343597},
		{240000, 286331}, {400000, 400000}};
	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t sent = 0, said = HAND_WINDOW;
		struct hand h;
		struct stream *s = setup(&h);
		chunk_pool_set_budget(h.pool, 100 << 20);
		h.trunk->ping.rtt = h.trunk->ping.least = NS_PER_MS / 10;
		for (int round = 0; round < 40; round++) {
			uint64_t n = min_u64(rates[i][0], limit(&h, &said) - sent);
			h.now += NS_PER_MS / 2;
			bring(&h, s, (size_t)n);
			sent += n;
		}
		assert_in_range(stream_window(s), 2 * rates[i][1] / 100 * 99,
			2 * rates[i][1] / 100 * 101);
		hand_fini(&h);
	}
}

/* While somebody is in conversation beside, little is under way on a short way: a few bytes wait
   behind it. On a long one the way itself needs more. */
static void
test_little_is_under_way_beside_a_conversation(void **state)
{
	(void)state;
	for (int far = 0; far < 2; far++) {
		uint64_t sent = 0, said = HAND_WINDOW;
		struct hand h;
		struct stream *s = setup(&h);
		chunk_pool_set_budget(h.pool, 100 << 20);
		for (int i = 0; i < 12; i++)
			full_round(&h, s, &sent, &said);
		uint32_t wide = stream_window(s);
		assert_true(wide > 256 * 1024);
		if (!far)
			h.trunk->ping.rtt = h.trunk->ping.least = NS_PER_MS / 10;
		trunk_brisk(h.trunk, true);
		assert_int_equal(stream_window(s), far ? wide : 64 * 1024);
		h.now += NS_PER_MS / 16;
		for (uint64_t rest = said - sent; rest > 0; rest -= min_u64(rest, 50000)) {
			bring(&h, s, (size_t)min_u64(rest, 50000));
			sent += min_u64(rest, 50000);
			limit(&h, &said);
		}
		if (!far) /* what was granted stays so; then it is little */
			assert_in_range(said - sent, 32 * 1024, 64 * 1024);
		trunk_brisk(h.trunk, false);
		assert_true(stream_window(s) >= wide);
		hand_fini(&h);
	}
}

static void
test_stays_where_there_is_no_need(void **state)
{
	uint64_t said = HAND_WINDOW;
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	for (int i = 0; i < 20; i++) {
		h.now += RTT;
		bring(&h, s, HAND_WINDOW / 2 - 10);
		limit(&h, &said);
	}
	assert_int_equal(stream_window(s), HAND_WINDOW);
	hand_fini(&h);
}

static void
test_shrinks_and_takes_nothing_back(void **state)
{
	uint64_t sent = 0, said = HAND_WINDOW;
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	for (int i = 0; i < 6; i++)
		full_round(&h, s, &sent, &said);
	uint64_t large = said - sent;
	assert_true(large > 10 * HAND_WINDOW);
	while (said - sent > HAND_WINDOW) {
		h.now += NS_PER_S;
		bring(&h, s, 1000);
		sent += 1000;
		limit(&h, &said);
	}
	assert_int_equal(stream_window(s), HAND_WINDOW);
	assert_true(sent > large - 2 * HAND_WINDOW);
	hand_fini(&h);
}

/* A window is a promise: the budget counts it until it is kept, or the stream is gone. */
static void
test_promises(void **state)
{
	uint64_t sent = 0, said = HAND_WINDOW;
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	chunk_pool_set_budget(h.pool, 4 << 20);
	assert_int_equal(chunk_pool_share(h.pool), 1 << 20);
	for (int i = 0; i < 20; i++)
		full_round(&h, s, &sent, &said);
	uint64_t promised = said - sent - HAND_WINDOW;
	assert_in_range(promised, 700000, 1 << 20);
	assert_int_equal(chunk_pool_share(h.pool), ((4 << 20) - promised) / 4);
	hand_fin(&h, 1, sent);
	hand_event(&h, TRUNK_FIN);
	assert_int_equal(chunk_pool_share(h.pool), 1 << 20);
	hand_fini(&h);
}

static void
test_promises_of_a_stream_that_is_reset(void **state)
{
	uint64_t sent = 0, said = HAND_WINDOW;
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	chunk_pool_set_budget(h.pool, 4 << 20);
	for (int i = 0; i < 10; i++)
		full_round(&h, s, &sent, &said);
	assert_true(chunk_pool_share(h.pool) < 1 << 20);
	stream_reset(s, CODE_DENIED, NULL);
	assert_int_equal(chunk_pool_share(h.pool), 1 << 20);
	hand_fini(&h);
}

static void
test_no_budget_left(void **state)
{
	uint64_t sent = 0, said = HAND_WINDOW;
	struct hand h;
	(void)state;
	struct stream *s = setup(&h);
	chunk_pool_set_budget(h.pool, 0);
	for (int i = 0; i < 5; i++)
		full_round(&h, s, &sent, &said);
	assert_int_equal(said - sent, 4096);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_while_it_is_used_up),
		cmocka_unit_test(test_both_ends_have_work),
		cmocka_unit_test(test_work_is_less_where_it_is_quick),
		cmocka_unit_test(test_little_is_under_way_beside_a_conversation),
		cmocka_unit_test(test_stays_where_there_is_no_need),
		cmocka_unit_test(test_shrinks_and_takes_nothing_back),
		cmocka_unit_test(test_promises),
		cmocka_unit_test(test_promises_of_a_stream_that_is_reset),
		cmocka_unit_test(test_no_budget_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
