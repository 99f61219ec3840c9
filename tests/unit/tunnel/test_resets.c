/* Tests tunnel/resets.c: resets of which the peer may not know. */
#include "hand.h"

static struct stream *
accepted(struct hand *h, uint32_t id)
{
	struct stream *s = hand_peer_stream(h, id);
	stream_accept(s);
	hand_seal(h);
	hand_take(h, FRAME_OPENED, id);
	return s;
}

/* A reset that falls due without a link goes on being listed, and is sent after the exchange. */
static void
test_kept(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = accepted(&h, 2);
	hand_data(&h, 2, 5, 'x');
	hand_event(&h, TRUNK_DATA);
	hand_lose(&h);
	stream_reset(s, CODE_IDLE, "idle");
	assert_int_equal(trunk_streams(h.trunk), 0);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 2, 1);
	hand_take_state(&h, 2, STATE_OPENED, 5, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 0, 1);
	hand_state(&h, 2, 0, 0, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	hand_seal(&h);
	const struct hand_frame *f = hand_take(&h, FRAME_RESET, 2);
	assert_int_equal(get_u16(f->payload), CODE_IDLE);
	assert_memory_equal(f->payload + 2, "idle", 4);
	hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
	hand_quiet(&h);
	hand_no_frame(&h);
	/* It is known now. */
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 3, 2, 0);
	hand_fini(&h);
}

/* Without it the other side would take the stream for ended. */
static void
test_after_own_fin(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = accepted(&h, 2);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 2);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_seal(&h);
	hand_take(&h, FRAME_RESET, 2);
	/* R's answer shows that it has read the list: once is enough. */
	for (uint32_t generation = 2; generation < 4; generation++) {
		uint32_t listed = generation == 2 ? 1 : 0;
		hand_lose(&h);
		hand_relink(&h);
		hand_seal(&h);
		hand_take_session(&h, SESSION_GO_ON, generation, 2, listed);
		if (listed)
			hand_take_state(&h, 2, STATE_OPENED | STATE_RESET, 0, HAND_WINDOW);
		hand_go_on(&h, SESSION_DONE, generation, 0, 0);
		hand_event(&h, TRUNK_RESUMED);
		hand_seal(&h);
	}
	/* The answer to a PING that was sent later shows that all has come. */
	hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
	hand_quiet(&h);
	assert_int_equal(h.trunk->n_resets, 0);
	hand_fini(&h);
}

/* R has said so in its answer, which may be lost as well: it says so again. */
static void
test_after_own_fin_of_r(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, false, 30);
	struct stream *s = accepted(&h, 1);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 1);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_seal(&h);
	hand_take(&h, FRAME_RESET, 1);
	for (uint32_t generation = 2; generation < 5; generation++) {
		uint32_t listed = generation < 4 ? 1 : 0;
		hand_lose(&h);
		hand_relink(&h);
		hand_go_on(&h, SESSION_GO_ON, generation, 0, 1);
		hand_state(&h, 1, 0, 0, HAND_WINDOW);
		hand_moved(&h);
		hand_seal(&h);
		hand_take_session(&h, SESSION_DONE, generation, 1, listed);
		if (listed)
			hand_take_state(&h, 1, STATE_OPENED | STATE_RESET, 0, HAND_WINDOW);
		const struct hand_frame *ping = hand_take(&h, FRAME_PING, 0);
		if (generation == 3) { /* this one has come */
			hand_frame(&h, FRAME_PONG, 0, ping->payload, 8);
			hand_quiet(&h);
		}
	}
	hand_fini(&h);
}

/* Its OPEN was lost with all that came after it: I has not got the stream and never will, and R
   need not say so again. */
static void
test_after_own_fin_unheard(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, false, 30);
	struct stream *s = hand_own_stream(&h);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 2);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_seal(&h);
	hand_take(&h, FRAME_RESET, 2);
	hand_lose(&h);
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 0, 0);
	hand_moved(&h);
	assert_int_equal(h.trunk->n_resets, 0);
	hand_fini(&h);
}

/* The answer to a PING that was on its way before shows nothing. */
static void
test_an_earlier_ping(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = accepted(&h, 2);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 2);
	h.trunk->ping.wanted = true;
	hand_seal(&h);
	const struct hand_frame *ping = hand_take(&h, FRAME_PING, 0);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	hand_frame(&h, FRAME_PONG, 0, ping->payload, 8);
	hand_quiet(&h);
	assert_int_equal(h.trunk->n_resets, 1);
	hand_fini(&h);
}

/* Nor does that to one of R's new trunk, from before the exchange that R's answer is a part of. */
static void
test_a_ping_from_before_the_exchange(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, false, 30);
	struct stream *s = accepted(&h, 1);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 1);
	stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
	h.trunk->ping.wanted = true;
	hand_seal(&h);
	hand_take(&h, FRAME_RESET, 1);
	hand_take(&h, FRAME_PING, 0);
	hand_lose(&h);
	hand_relink(&h);
	h.trunk->ping.wanted = true;
	hand_seal(&h);
	const struct hand_frame *ping = hand_take(&h, FRAME_PING, 0);
	hand_go_on(&h, SESSION_GO_ON, 2, 0, 1);
	hand_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_moved(&h);
	hand_frame(&h, FRAME_PONG, 0, ping->payload, 8);
	hand_quiet(&h);
	assert_int_equal(h.trunk->n_resets, 1);
	/* Its own is another matter. */
	hand_seal(&h);
	hand_take_session(&h, SESSION_DONE, 2, 1, 1);
	hand_take_state(&h, 1, STATE_OPENED | STATE_RESET, 0, HAND_WINDOW);
	hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
	hand_quiet(&h);
	assert_int_equal(h.trunk->n_resets, 0);
	hand_fini(&h);
}

static void
test_bounded(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	for (uint32_t i = 1; i <= 200; i++) {
		struct stream *s = accepted(&h, 2 * i);
		stream_send_fin(s);
		hand_seal(&h);
		hand_take(&h, FRAME_FIN, 2 * i);
		stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
		hand_seal(&h);
		hand_take(&h, FRAME_RESET, 2 * i);
		if (h.count > 0)
			hand_frame(&h, FRAME_PONG, 0, hand_take(&h, FRAME_PING, 0)->payload, 8);
		hand_quiet(&h);
		assert_true(h.trunk->n_resets <= 64);
	}
	hand_fini(&h);
}

/* A peer that answers no PING. */
static void
test_never_known(void **state)
{
	enum { MOST = 65536 };
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	for (uint32_t i = 1; i <= MOST + 1; i++) {
		struct stream *s = accepted(&h, 2 * i);
		stream_send_fin(s);
		hand_seal(&h);
		stream_reset(s, CODE_RESET_BY_APPLICATION, NULL);
		hand_seal(&h);
		h.first += h.count;
		h.count = 0;
		assert_true(h.trunk->n_resets <= MOST);
	}
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_LIMIT);
	hand_fini(&h);
}

/* RESETs that are lost, while other streams came in their place: the peer expects no more STATEs
   of streams than the limits allow. */
static void
test_no_more_than_the_limits(void **state)
{
	enum { RESETS = 3 * HAND_STREAMS };
	struct hand h;
	unsigned streams = 0;
	(void)state;
	hand_up_holding(&h, true, 30);
	for (uint32_t i = 1; i <= RESETS; i++) {
		stream_reset(accepted(&h, 2 * i), CODE_IDLE, NULL);
		hand_seal(&h);
		hand_take(&h, FRAME_RESET, 2 * i);
	}
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	for (uint32_t i = 1; i <= RESETS; i++)
		hand_open(&h, 2 * (RESETS + i));
	hand_quiet(&h);
	hand_lose(&h);
	hand_relink(&h);
	h.first += h.count;
	h.count = 0;
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 4 * RESETS, RESETS);
	for (uint32_t i = 0; i < RESETS; i++) {
		const struct hand_frame *f = hand_take(&h, FRAME_STATE, 2 * (RESETS + i + 1));
		streams += f->payload[0] == 0;
		assert_true(f->payload[0] == 0 || f->payload[0] == STATE_RESET);
	}
	assert_int_equal(streams, 2 * HAND_STREAMS);
	hand_fini(&h);
}

/* A refusal says that nothing was passed on: that must not get lost with the link. */
static void
test_refusal(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_open(&h, 2);
	hand_quiet(&h);
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 2, 1);
	hand_take_state(&h, 2, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 0, 1);
	hand_state(&h, 2, 0, 0, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	hand_seal(&h);
	assert_int_equal(get_u16(hand_take(&h, FRAME_RESET, 2)->payload), CODE_SHUTTING_DOWN);
	hand_take(&h, FRAME_PING, 0);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_fini(&h);
}

/* What the peer has never heard of it need not hear of now. */
static void
test_unheard(void **state)
{
	const struct stream_request web = {.service_size = 3, .service = "web"};
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *sealed = hand_own_stream(&h), *unsealed = trunk_open(h.trunk, &web, NULL);
	hand_lose(&h);
	stream_reset(sealed, CODE_IDLE, NULL);
	stream_reset(unsealed, CODE_IDLE, NULL);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 0, 1);
	hand_take_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 0, 0);
	hand_event(&h, TRUNK_RESUMED);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	hand_no_frame(&h);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_after_own_fin),
		cmocka_unit_test(test_after_own_fin_of_r),
		cmocka_unit_test(test_after_own_fin_unheard),
		cmocka_unit_test(test_an_earlier_ping),
		cmocka_unit_test(test_a_ping_from_before_the_exchange),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_never_known),
		cmocka_unit_test(test_no_more_than_the_limits),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_unheard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
