/* Tests tunnel/trunk_hold.c: what a trunk is without its connection, and for how long. */
#include "hand.h"

#include "secureconn/conn_state.h"

static const struct stream_request web = {.service_size = 3, .service = "web"};

static void
test_suspended(void **state)
{
	struct hand h;
	size_t n;
	(void)state;
	hand_up_holding(&h, false, 30);
	struct stream *s = hand_peer_stream(&h, 1), *lent = hand_own_stream(&h);
	stream_accept(s);
	hand_data(&h, 1, 10, 'x');
	hand_event(&h, TRUNK_DATA);
	assert_true(hand_write(lent, 10, 'y') == 10);
	uint8_t *room = stream_send_buf(lent, &n);
	trunk_lost(h.trunk);
	trunk_lost(h.trunk);
	hand_event(&h, TRUNK_SUSPENDED);
	assert_int_equal(h.event.error, SC_ERR_TRUNCATED);
	hand_quiet(&h);
	assert_true(trunk_suspended(h.trunk));
	assert_true(trunk_deadline(h.trunk) == h.now + 30 * NS_PER_S);
	assert_false(trunk_wants_seal(h.trunk));
	trunk_seal(h.trunk, h.now);
	assert_null(trunk_open(h.trunk, &web, NULL));
	/* What had come is still given out, and as much taken as the window allows. */
	assert_int_equal(hand_read(s, 100, 'x'), 10);
	memset(room, 'y', 5);
	stream_send_ack(lent, 5);
	assert_int_equal(hand_write(lent, 100000, 'y'), HAND_WINDOW - 15);
	stream_send_fin(lent);
	assert_int_equal(trunk_streams(h.trunk), 2);
	hand_fini(&h);
}

/* What the owner has been told of and has not taken does not go with the connection's memory. */
static void
test_bytes_in_place_outlive_the_connection(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, false, 30);
	struct stream *s = hand_peer_stream(&h, 1);
	stream_accept(s);
	hand_data(&h, 1, 10, 'x');
	hand_event(&h, TRUNK_DATA);
	trunk_lost(h.trunk);
	pair_fini(&h.pair);
	assert_int_equal(hand_read(s, 100, 'x'), 10);
	hand_event(&h, TRUNK_SUSPENDED);
	hand_fini(&h);
}

static void
test_hold_time(void **state)
{
	(void)state;
	for (int initiator = 0; initiator < 2; initiator++) {
		struct hand h;
		hand_up_holding(&h, initiator, 30);
		struct stream *s = hand_own_stream(&h);
		hand_lose(&h);
		h.now += 30 * NS_PER_S - 1;
		trunk_tick(h.trunk, h.now);
		hand_quiet(&h);
		h.now++;
		trunk_tick(h.trunk, h.now);
		assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
		assert_int_equal(h.event.code, CODE_LINK_LOST);
		assert_true(h.event.text.size > 0);
		hand_event(&h, TRUNK_CLOSED);
		assert_int_equal(h.event.error, SC_ERR_HOLD);
		assert_int_equal(h.event.code, CODE_LINK_LOST);
		assert_false(trunk_suspended(h.trunk));
		assert_true(trunk_deadline(h.trunk) == UINT64_MAX);
		hand_fini(&h);
	}
}

/* A link whose exchange does not come to its end gives no new time. */
static void
test_hold_time_over_a_link_that_comes_to_nothing(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = hand_own_stream(&h);
	hand_lose(&h);
	uint64_t end = h.now + 30 * NS_PER_S;
	for (int i = 0; i < 2; i++) {
		h.now += NS_PER_S;
		hand_relink(&h);
		assert_true(trunk_deadline(h.trunk) == h.now + 10 * NS_PER_S);
		h.now += 10 * NS_PER_S;
		trunk_tick(h.trunk, h.now);
		hand_event(&h, TRUNK_SUSPENDED);
		assert_int_equal(h.event.error, SC_ERR_TIMEOUT);
		assert_true(trunk_deadline(h.trunk) == end);
	}
	/* When it is over while an exchange is under way, R hears of it. */
	hand_relink(&h);
	h.now = end;
	trunk_tick(h.trunk, h.now);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_HOLD);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 4, 0, 1);
	hand_take(&h, FRAME_STATE, 1);
	assert_int_equal(get_u16(hand_take(&h, FRAME_CLOSE, 0)->payload), CODE_LINK_LOST);
	hand_fini(&h);
}

static void
test_smaller_of_both(void **state)
{
	static const struct {
		uint16_t own, peers;
		bool instance;
		uint16_t hold; /* 0: the session ends with its link */
	} cases[] = {{60, 60, true, 60}, {20, 60, true, 20}, {60, 20, true, 20}, {0, 60, true, 0},
		{60, 0, true, 0}, {60, 60, false, 0}};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		hand_start_holding(&h, true, cases[i].peers);
		struct trunk_config config = h.trunk->config;
		config.hold = cases[i].own * NS_PER_S;
		h.conn->peer_hello.has_instance = cases[i].instance;
		trunk_free(h.trunk);
		h.trunk = trunk_new(&config, h.conn, h.now);
		hand_event(&h, TRUNK_UP);
		trunk_lost(h.trunk);
		hand_event(&h, cases[i].hold ? TRUNK_SUSPENDED : TRUNK_CLOSED);
		if (cases[i].hold)
			assert_true(trunk_deadline(h.trunk) ==
				h.now + cases[i].hold * NS_PER_S);
		hand_fini(&h);
	}
}

/* R has no session before I's SESSION has come. */
static void
test_nothing_to_hold(void **state)
{
	struct hand h;
	(void)state;
	hand_start_holding(&h, false, 30);
	trunk_lost(h.trunk);
	hand_event(&h, TRUNK_CLOSED);
	hand_fini(&h);
}

/* Without a hold time the streams' ends say by what the connection was lost. */
static void
test_what_it_was_lost_by(void **state)
{
	const char *text = sc_error_text(SC_ERR_TRUNCATED);
	struct hand h;
	(void)state;
	hand_up(&h, true);
	hand_own_stream(&h);
	trunk_lost(h.trunk);
	hand_event(&h, TRUNK_RESET);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	assert_int_equal(h.event.text.size, strlen(text));
	assert_memory_equal(h.event.text.data, text, strlen(text));
	hand_event(&h, TRUNK_CLOSED);
	hand_fini(&h);
}

/* Streams, or resets that the peer has not heard of: those are worth another connection. */
static void
test_unsettled(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	assert_false(trunk_unsettled(h.trunk));
	struct stream *s = hand_own_stream(&h);
	assert_true(trunk_unsettled(h.trunk));
	hand_lose(&h);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_quiet(&h);
	assert_int_equal(trunk_streams(h.trunk), 0);
	assert_true(trunk_unsettled(h.trunk));
	s = NULL;
	hand_fini(&h);
	/* Of one that was never sent nobody need be told. */
	hand_up_holding(&h, true, 30);
	s = trunk_open(h.trunk, &web, NULL);
	hand_lose(&h);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_quiet(&h);
	assert_false(trunk_unsettled(h.trunk));
	hand_fini(&h);
}

static void
test_close_while_suspended(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	hand_own_stream(&h);
	hand_lose(&h);
	trunk_close_because(h.trunk, CODE_LINK_LOST, "peer restarted");
	hand_event(&h, TRUNK_RESET);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	assert_memory_equal(h.event.text.data, "peer restarted", h.event.text.size);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_OK);
	assert_false(trunk_wants_seal(h.trunk));
	hand_fini(&h);
}

static void
test_keepalive_suspends(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	for (int i = 0; i < 2; i++) {
		h.now += 20 * NS_PER_S;
		trunk_tick(h.trunk, h.now);
		hand_seal(&h);
	}
	hand_event(&h, TRUNK_SUSPENDED);
	assert_int_equal(h.event.error, SC_ERR_TIMEOUT);
	assert_int_equal(conn_error(h.conn), SC_ERR_TIMEOUT);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suspended),
		cmocka_unit_test(test_bytes_in_place_outlive_the_connection),
		cmocka_unit_test(test_hold_time),
		cmocka_unit_test(test_hold_time_over_a_link_that_comes_to_nothing),
		cmocka_unit_test(test_smaller_of_both),
		cmocka_unit_test(test_nothing_to_hold),
		cmocka_unit_test(test_what_it_was_lost_by),
		cmocka_unit_test(test_unsettled),
		cmocka_unit_test(test_close_while_suspended),
		cmocka_unit_test(test_keepalive_suspends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
