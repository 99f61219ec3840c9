/* Tests tunnel/trunk_resume.c and trunk_session.c at generations above 1: what each side says of
   its streams, and what it does about what the other says (protocol.md 8.1). */
#include "hand.h"

static const struct stream_request web = {.service_size = 3, .service = "web"};

/* I, with stream 1 of its own, accepted. */
static struct stream *
setup_initiator(struct hand *h)
{
	hand_up_holding(h, true, 30);
	struct stream *s = hand_own_stream(h);
	hand_frame(h, FRAME_OPENED, 1, NULL, 0);
	hand_event(h, TRUNK_OPENED);
	return s;
}

/* I's exchange up to the answer, when it has one stream. */
static void
relink(struct hand *h, uint8_t flags, uint64_t received, uint64_t limit)
{
	hand_lose(h);
	hand_relink(h);
	hand_seal(h);
	hand_take_session(h, SESSION_GO_ON, 2, 0, 1);
	hand_take_state(h, 1, flags, received, limit);
	hand_no_frame(h);
}

static void
test_initiator_sends_again(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup_initiator(&h);
	hand_write(s, 1000, 'x');
	hand_seal(&h);
	hand_take(&h, FRAME_DATA, 1);
	hand_data(&h, 1, 300, 'y');
	hand_event(&h, TRUNK_DATA);
	hand_read(s, 100, 'y');
	hand_write(s, 50, 'x'); /* not sealed */
	relink(&h, 0, 300, 100 + HAND_WINDOW);
	hand_write(s, 7, 'x');
	assert_null(trunk_open(h.trunk, &web, NULL));
	hand_no_frame(&h);
	h.now += 5 * NS_PER_S;
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_state(&h, 1, STATE_OPENED, 400, 400 + HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	assert_int_equal(h.event.resent, 600);
	assert_int_equal(h.event.gap, 5 * NS_PER_S);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	const uint8_t *window = hand_take(&h, FRAME_WINDOW, 1)->payload;
	assert_int_equal(get_u64(window), 100);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, 657);
	hand_no_frame(&h);
	assert_non_null(trunk_open(h.trunk, &web, NULL));
	/* A later WINDOW may say less than the STATE did. */
	hand_window(&h, 1, 0, 400 + HAND_WINDOW);
	hand_quiet(&h);
	hand_fini(&h);
}

/* What was read ahead of its turn goes with the link: it comes again. */
static void
test_read_ahead_is_dropped(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *a = hand_own_stream(&h);
	hand_own_stream(&h);
	hand_frame(&h, FRAME_OPENED, 1, NULL, 0);
	hand_event(&h, TRUNK_OPENED);
	hand_frame(&h, FRAME_OPENED, 3, NULL, 0);
	hand_event(&h, TRUNK_OPENED);
	hand_put(&h, FRAME_DATA, 1, "x", 1);
	hand_put(&h, FRAME_DATA, 3, "y", 1);
	hand_record(&h, CHANNEL_DATA);
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), a);
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 0, 2);
	hand_take_state(&h, 1, 0, 1, HAND_WINDOW);
	hand_take_state(&h, 3, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 3, 2);
	hand_state(&h, 1, STATE_OPENED, 0, HAND_WINDOW);
	hand_state(&h, 3, STATE_OPENED, 0, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	hand_data(&h, 3, 1, 'y');
	hand_event(&h, TRUNK_DATA);
	assert_int_equal(hand_read(a, 100, 'x'), 1);
	hand_fini(&h);
}

static void
test_fin_again_unless_counted(void **state)
{
	(void)state;
	for (int counted = 0; counted < 2; counted++) {
		struct hand h;
		struct stream *s = setup_initiator(&h);
		hand_write(s, 10, 'x');
		stream_send_fin(s);
		hand_seal(&h);
		hand_take(&h, FRAME_DATA, 1);
		hand_take(&h, FRAME_FIN, 1);
		relink(&h, 0, 0, HAND_WINDOW);
		hand_go_on(&h, SESSION_DONE, 2, 1, 1);
		hand_state(&h, 1, STATE_OPENED, counted ? 11 : 10, counted ? 0 : HAND_WINDOW);
		hand_event(&h, TRUNK_RESUMED);
		assert_int_equal(h.event.resent, 0);
		hand_seal(&h);
		hand_take(&h, FRAME_PING, 0);
		if (!counted)
			assert_int_equal(get_u64(hand_take(&h, FRAME_FIN, 1)->payload), 10);
		hand_no_frame(&h);
		/* STATE does not end it, WINDOW does. */
		hand_fin(&h, 1, 0);
		hand_event(&h, TRUNK_FIN);
		stream_recv_fin_ack(s);
		hand_seal(&h);
		hand_take(&h, FRAME_WINDOW, 1);
		hand_quiet(&h);
		hand_window(&h, 1, 11, 0);
		assert_ptr_equal(hand_event(&h, TRUNK_END), s);
		hand_fini(&h);
	}
}

/* What was announced before does not count, also not the end. */
static void
test_announced_again(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup_initiator(&h);
	hand_fin(&h, 1, 0);
	hand_event(&h, TRUNK_FIN);
	stream_recv_fin_ack(s);
	hand_seal(&h);
	hand_take(&h, FRAME_WINDOW, 1);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_FIN, 1);
	relink(&h, 0, 1, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_state(&h, 1, STATE_OPENED, 1, 0);
	hand_event(&h, TRUNK_RESUMED);
	hand_window(&h, 1, 1, 0);
	hand_quiet(&h);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	assert_int_equal(get_u64(hand_take(&h, FRAME_WINDOW, 1)->payload), 1);
	assert_ptr_equal(hand_event(&h, TRUNK_END), s);
	hand_fini(&h);
}

/* The peer, which has had the end's WINDOW over the first link, ends the stream over the second;
   before this side hears of that, or says it again, that is lost too. */
static void
test_announced_over_an_earlier_link(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup_initiator(&h);
	hand_fin(&h, 1, 0);
	hand_event(&h, TRUNK_FIN);
	stream_recv_fin_ack(s);
	stream_send_fin(s);
	hand_seal(&h);
	hand_take(&h, FRAME_WINDOW, 1);
	hand_take(&h, FRAME_FIN, 1);
	relink(&h, 0, 1, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_state(&h, 1, STATE_OPENED, 1, 0);
	hand_event(&h, TRUNK_RESUMED);
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 3, 0, 1);
	hand_take_state(&h, 1, 0, 1, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 3, 1, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_END), s);
	hand_fini(&h);
}

static void
test_opened_and_room_by_state(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = hand_own_stream(&h);
	hand_write(s, HAND_WINDOW, 'x');
	assert_int_equal(hand_write(s, 1, 'x'), 0);
	hand_seal(&h);
	hand_take(&h, FRAME_DATA, 1);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_state(&h, 1, STATE_OPENED, HAND_WINDOW, HAND_WINDOW + 10);
	assert_ptr_equal(hand_event(&h, TRUNK_RESUMED), NULL);
	assert_ptr_equal(hand_event(&h, TRUNK_OPENED), s);
	assert_ptr_equal(hand_event(&h, TRUNK_WRITABLE), s);
	assert_int_equal(hand_write(s, 100, 'x'), 10);
	hand_fini(&h);
}

static void
test_open_again(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *a = hand_own_stream(&h), *b = hand_own_stream(&h);
	struct stream *c = trunk_open(h.trunk, &web, NULL);
	hand_write(a, 10, 'a');
	hand_write(b, 20, 'b');
	hand_write(c, 30, 'c');
	stream_send_fin(b);
	hand_seal(&h);
	h.first += h.count;
	h.count = 0;
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 0, 3);
	for (uint32_t id = 1; id <= 5; id += 2)
		hand_take_state(&h, id, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1); /* 1 was seen */
	hand_state(&h, 1, 0, 10, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	assert_int_equal(h.event.resent, 50);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	const struct hand_frame *f = hand_take(&h, FRAME_OPEN, 3);
	assert_int_equal(f->size, 4);
	assert_memory_equal(f->payload, "\003web", 4);
	hand_take(&h, FRAME_OPEN, 5);
	assert_int_equal(hand_take(&h, FRAME_DATA, 3)->size, 20);
	assert_int_equal(hand_take(&h, FRAME_DATA, 5)->size, 30);
	assert_int_equal(get_u64(hand_take(&h, FRAME_FIN, 3)->payload), 20);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* The first window of a stream that is opened again is the new link's; what does not fit waits. */
static void
test_open_again_under_a_smaller_window(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = hand_own_stream(&h);
	hand_write(s, 6000, 'x');
	stream_send_fin(s);
	hand_lose(&h);
	hand_relink(&h);
	h.trunk->peer_window = 4096;
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 0, 1);
	hand_take(&h, FRAME_STATE, 1);
	hand_go_on(&h, SESSION_DONE, 2, 0, 0);
	hand_event(&h, TRUNK_RESUMED);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	hand_take(&h, FRAME_OPEN, 1);
	size_t n = 0;
	while (h.count > 0)
		n += hand_take(&h, FRAME_DATA, 1)->size;
	assert_int_equal(n, 4096);
	hand_window(&h, 1, 1000, 8000);
	hand_quiet(&h);
	hand_seal(&h);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, 6000 - 4096);
	hand_take(&h, FRAME_FIN, 1);
	hand_fini(&h);
}

/* So is this side's. */
static void
test_open_again_with_a_smaller_window(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = hand_own_stream(&h);
	hand_lose(&h);
	hand_relink(&h);
	h.trunk->config.window = 4096;
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 2, 0, 1);
	hand_take(&h, FRAME_STATE, 1);
	hand_go_on(&h, SESSION_DONE, 2, 0, 0);
	hand_event(&h, TRUNK_RESUMED);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	hand_take(&h, FRAME_OPEN, 1);
	hand_frame(&h, FRAME_OPENED, 1, NULL, 0);
	hand_event(&h, TRUNK_OPENED);
	hand_data(&h, 1, 4096, 'x');
	assert_ptr_equal(hand_event(&h, TRUNK_DATA), s);
	hand_data(&h, 1, 1, 'x');
	hand_expect_error(&h, SC_ERR_CREDIT);
	hand_fini(&h);
}

/* Until its OPEN is there again the peer may say nothing of it. */
static void
test_not_open_yet(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	hand_own_stream(&h);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 0, 0);
	hand_window(&h, 1, 0, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
}

static void
test_never_opened_and_listed(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	trunk_open(h.trunk, &web, NULL);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 0, 1);
	hand_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

/* It would be refused, and nothing of it was passed on. */
static void
test_not_opened_again_after_goaway(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, true, 30);
	struct stream *s = hand_own_stream(&h);
	hand_frame(&h, FRAME_GOAWAY, 0, "\0\12", 2);
	hand_event(&h, TRUNK_GOAWAY);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 0, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(h.event.code, CODE_SHUTTING_DOWN);
	hand_event(&h, TRUNK_RESUMED);
	hand_fini(&h);
}

/* The hold time is that of the link that is lost. */
static void
test_another_hold_time(void **state)
{
	struct hand h;
	(void)state;
	setup_initiator(&h);
	hand_lose(&h);
	assert_true(trunk_deadline(h.trunk) == h.now + 30 * NS_PER_S);
	h.hold = 7;
	hand_relink(&h);
	hand_seal(&h);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_state(&h, 1, STATE_OPENED, 0, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	hand_lose(&h);
	assert_true(trunk_deadline(h.trunk) == h.now + 7 * NS_PER_S);
	hand_fini(&h);
}

static void
test_not_listed(void **state)
{
	static const struct {
		bool fin, counted;
		enum trunk_event_type type;
	} cases[] = {{true, true, TRUNK_END}, {true, false, TRUNK_RESET},
		{false, true, TRUNK_RESET}};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		struct stream *s = setup_initiator(&h);
		if (cases[i].fin)
			stream_send_fin(s);
		hand_fin(&h, 1, 0);
		hand_event(&h, TRUNK_FIN);
		if (cases[i].counted)
			stream_recv_fin_ack(s);
		hand_seal(&h);
		h.first += h.count;
		h.count = 0;
		relink(&h, 0, 1, HAND_WINDOW);
		hand_go_on(&h, SESSION_DONE, 2, 1, 0);
		assert_ptr_equal(hand_event(&h, cases[i].type), s);
		if (cases[i].type == TRUNK_RESET)
			assert_int_equal(h.event.code, CODE_LINK_LOST);
		hand_event(&h, TRUNK_RESUMED);
		hand_fini(&h);
	}
}

static void
test_reset_there(void **state)
{
	struct hand h;
	(void)state;
	struct stream *s = setup_initiator(&h);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 2);
	hand_state(&h, 7, STATE_OPENED, 9, 99); /* not one of ours: ignored */
	hand_state(&h, 1, STATE_RESET, 0, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_event(&h, TRUNK_RESUMED);
	hand_fini(&h);
}

static void
test_wrong_answers(void **state)
{
	static const struct {
		uint32_t highest, id;
		uint64_t received, limit;
		unsigned times;
	} cases[] = {
		{1, 1, 11, HAND_WINDOW, 1},          /* received beyond what was sent */
		{1, 1, 4, HAND_WINDOW + 5, 1},       /* below what a WINDOW covered */
		{1, 1, 10, HAND_WINDOW + 4, 1},      /* credit taken back */
		{3, 1, 10, HAND_WINDOW + 5, 1},      /* a stream that was never opened */
		{1, 1, 10, HAND_WINDOW + 5, 2},      /* twice */
		{0, 0, 0, 0, 0},                     /* never heard of, but covered */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		struct stream *s = setup_initiator(&h);
		hand_write(s, 10, 'x');
		hand_seal(&h);
		hand_take(&h, FRAME_DATA, 1);
		hand_window(&h, 1, 5, HAND_WINDOW);
		hand_quiet(&h);
		relink(&h, 0, 0, HAND_WINDOW);
		hand_go_on(&h, SESSION_DONE, 2, cases[i].highest, cases[i].times);
		for (unsigned k = 0; k < cases[i].times; k++)
			hand_state(&h, cases[i].id, 0, cases[i].received, cases[i].limit);
		hand_expect_error(&h, SC_ERR_FRAME);
		hand_fini(&h);
	}
}

static void
test_initiator_waits_for_all_states(void **state)
{
	struct hand h;
	(void)state;
	setup_initiator(&h);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_window(&h, 1, 0, HAND_WINDOW);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
	setup_initiator(&h);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 1, 1, 0); /* another generation */
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

static void
test_forgotten(void **state)
{
	struct hand h;
	uint8_t first[TRUNK_SESSION_SIZE];
	(void)state;
	struct stream *s = setup_initiator(&h);
	memcpy(first, trunk_session_id(h.trunk), sizeof(first));
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_UNKNOWN, 2, 0, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_event(&h, TRUNK_FORGOTTEN);
	hand_seal(&h);
	hand_take_session(&h, SESSION_BEGIN, 1, 0, 0);
	assert_memory_not_equal(trunk_session_id(h.trunk), first, sizeof(first));
	hand_take(&h, FRAME_PING, 0);
	hand_go_on(&h, SESSION_DONE, 1, 0, 0);
	hand_peer_stream(&h, 2); /* R begins to count anew */
	hand_fini(&h);
}

/* What waits for the session that R does not take has no place in the one that follows it; GOAWAY
   has. */
static void
test_forgotten_at_once(void **state)
{
	struct hand h;
	(void)state;
	hand_start_holding(&h, true, 30);
	hand_event(&h, TRUNK_UP);
	hand_seal(&h);
	hand_take_session(&h, SESSION_BEGIN, 1, 0, 0);
	hand_take(&h, FRAME_PING, 0);
	struct stream *reset = hand_own_stream(&h), *open = hand_own_stream(&h);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0);
	stream_reset(reset, CODE_IDLE, NULL);
	hand_go_on(&h, SESSION_UNKNOWN, 1, 0, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), open);
	hand_event(&h, TRUNK_FORGOTTEN);
	hand_seal(&h);
	hand_take_session(&h, SESSION_BEGIN, 1, 0, 0);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_no_frame(&h);
	hand_fini(&h);
}

/* Before R has answered once, I does not know whether it knows the session. */
static void
test_kind_0_until_known(void **state)
{
	struct hand h;
	(void)state;
	hand_start_holding(&h, true, 30);
	hand_event(&h, TRUNK_UP);
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_BEGIN, 2, 0, 0);
	hand_go_on(&h, SESSION_DONE, 2, 0, 0);
	hand_event(&h, TRUNK_RESUMED);
	hand_lose(&h);
	hand_relink(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_GO_ON, 3, 0, 0);
	hand_fini(&h);
}

static void
test_goaway_again(void **state)
{
	struct hand h;
	(void)state;
	setup_initiator(&h);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN);
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_take(&h, FRAME_PING, 0);
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 1);
	hand_state(&h, 1, STATE_OPENED, 0, HAND_WINDOW);
	hand_event(&h, TRUNK_RESUMED);
	hand_seal(&h);
	hand_take(&h, FRAME_PING, 0);
	hand_take(&h, FRAME_GOAWAY, 0);
	hand_fini(&h);
}

/* ---- R ---- */

/* R with stream 1 of the peer, and 10 bytes in its own stream 2. */
static struct stream *
setup_responder(struct hand *h)
{
	hand_up_holding(h, false, 30);
	struct stream *theirs = hand_peer_stream(h, 1), *own = hand_own_stream(h);
	stream_accept(theirs);
	hand_write(own, 10, 'x');
	hand_seal(h);
	hand_take(h, FRAME_OPENED, 1);
	hand_take(h, FRAME_DATA, 2);
	return own;
}

static void
test_responder(void **state)
{
	(void)state;
	for (int noticed = 0; noticed < 2; noticed++) {
		struct hand h;
		setup_responder(&h);
		if (noticed)
			hand_lose(&h);
		hand_relink(&h);
		hand_go_on(&h, SESSION_GO_ON, 2, 2, 2);
		hand_quiet(&h);
		hand_state(&h, 2, 0, 4, HAND_WINDOW);
		hand_quiet(&h);
		hand_no_frame(&h);
		hand_state(&h, 1, 0, 0, HAND_WINDOW);
		hand_moved(&h);
		assert_int_equal(h.event.resent, 6);
		hand_seal(&h);
		hand_take_session(&h, SESSION_DONE, 2, 1, 2);
		hand_take_state(&h, 1, STATE_OPENED, 0, HAND_WINDOW);
		hand_take_state(&h, 2, 0, 0, HAND_WINDOW);
		hand_take(&h, FRAME_PING, 0);
		assert_int_equal(hand_take(&h, FRAME_DATA, 2)->size, 6);
		hand_no_frame(&h);
		hand_data(&h, 1, 5, 'y');
		hand_event(&h, TRUNK_DATA);
		hand_fini(&h);
	}
}

/* A PING that either side has sent before the exchange was complete is answered after it. */
static void
test_pings_around_the_exchange(void **state)
{
	struct hand h;
	uint8_t value[8];
	(void)state;
	setup_responder(&h);
	hand_lose(&h);
	hand_relink(&h);
	trunk_goaway(h.trunk, CODE_SHUTTING_DOWN); /* has a PING behind it */
	hand_seal(&h);
	hand_take(&h, FRAME_GOAWAY, 0);
	memcpy(value, hand_take(&h, FRAME_PING, 0)->payload, sizeof(value));
	hand_go_on(&h, SESSION_GO_ON, 2, 2, 2);
	hand_frame(&h, FRAME_PING, 0, "12345678", 8);
	hand_quiet(&h);
	hand_state(&h, 2, 0, 10, HAND_WINDOW);
	hand_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_moved(&h);
	hand_frame(&h, FRAME_PONG, 0, value, sizeof(value));
	hand_quiet(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_DONE, 2, 1, 2);
	hand_take_state(&h, 1, STATE_OPENED, 0, HAND_WINDOW);
	hand_take_state(&h, 2, 0, 0, HAND_WINDOW);
	assert_memory_equal(hand_take(&h, FRAME_PONG, 0)->payload, "12345678", 8);
	hand_fini(&h);
}

/* Accepted while there was no link: OPENED comes after the exchange, which did not say it. */
static void
test_accepted_meanwhile(void **state)
{
	struct hand h;
	(void)state;
	hand_up_holding(&h, false, 30);
	struct stream *s = hand_peer_stream(&h, 1);
	hand_lose(&h);
	stream_accept(s);
	hand_write(s, 3, 'x');
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 0, 1);
	hand_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_moved(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_DONE, 2, 1, 1);
	hand_take_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_take(&h, FRAME_PING, 0);
	hand_take(&h, FRAME_OPENED, 1);
	hand_take(&h, FRAME_DATA, 1);
	hand_fini(&h);
}

/* Not above the last accepted: that link ends without a word, nothing else is touched. */
static void
test_stale(void **state)
{
	(void)state;
	for (uint32_t generation = 1; generation < 3; generation++) {
		struct hand h;
		setup_responder(&h);
		h.trunk->session.generation = 2;
		hand_relink(&h);
		hand_go_on(&h, generation == 1 ? SESSION_BEGIN : SESSION_GO_ON, generation, 0, 0);
		hand_event(&h, TRUNK_CLOSED);
		assert_int_equal(h.event.error, SC_ERR_STALE);
		assert_null(h.event.session);
		hand_no_frame(&h);
		assert_int_equal(trunk_streams(h.session), 2);
		assert_false(trunk_has_event(h.session));
		hand_fini(&h);
	}
}

static void
test_ended_or_unknown(void **state)
{
	struct hand h;
	(void)state;
	setup_responder(&h);
	hand_lose(&h);
	hand_relink(&h);
	h.no_more = true;
	hand_go_on(&h, SESSION_BEGIN, 2, 0, 0);
	hand_quiet(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_UNKNOWN, 2, 0, 0);
	hand_fini(&h);
	/* It ends while the STATEs are coming. */
	setup_responder(&h);
	hand_lose(&h);
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 0, 1);
	hand_quiet(&h);
	trunk_close(h.session, CODE_LINK_LOST);
	hand_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_quiet(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_UNKNOWN, 2, 0, 0);
	hand_fini(&h);
}

/* Also where STATEs would follow: it is said at once. */
static void
test_refused_before_the_states(void **state)
{
	struct hand h;
	(void)state;
	setup_responder(&h);
	h.trunk->session.generation = 2;
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 0, 7);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.error, SC_ERR_STALE);
	hand_fini(&h);
	hand_start_holding(&h, false, 30);
	hand_session(&h, SESSION_GO_ON, (const uint8_t *)"a session's id..", 2, 1);
	hand_quiet(&h);
	hand_seal(&h);
	hand_take_session(&h, SESSION_UNKNOWN, 2, 0, 0);
	hand_state(&h, 1, 0, 0, HAND_WINDOW);
	hand_window(&h, 1, 0, HAND_WINDOW);
	hand_quiet(&h);
	hand_fini(&h);
}

/* What other links do while the STATEs are coming. */
static void
test_overtaken(void **state)
{
	enum { QUICKER, QUICKER_AND_CLOSE, FORGOTTEN };
	(void)state;
	for (int what = QUICKER; what <= FORGOTTEN; what++) {
		struct hand h;
		setup_responder(&h);
		hand_lose(&h);
		hand_relink(&h);
		struct trunk *session = h.session;
		hand_go_on(&h, SESSION_GO_ON, 2, 0, 1);
		hand_quiet(&h);
		if (what == FORGOTTEN)
			h.session = NULL;
		else
			session->session.generation = 2;
		if (what == QUICKER_AND_CLOSE)
			hand_frame(&h, FRAME_CLOSE, 0, "\0\3", 2);
		else
			hand_state(&h, 1, 0, 0, HAND_WINDOW);
		if (what == FORGOTTEN) {
			hand_quiet(&h);
			hand_seal(&h);
			hand_take_session(&h, SESSION_UNKNOWN, 2, 0, 0);
		} else {
			hand_event(&h, TRUNK_CLOSED);
			assert_int_equal(
				h.event.error, what == QUICKER ? SC_ERR_STALE : SC_ERR_CLOSED);
			assert_null(h.event.session);
		}
		assert_true(trunk_suspended(session));
		h.session = session;
		hand_fini(&h);
	}
}

/* A key that is due to step does so before the first frame. */
static void
test_ratchet_before_the_first_frame(void **state)
{
	struct hand h;
	(void)state;
	hand_start_holding(&h, false, 30);
	h.now += 16 * 60 * NS_PER_S;
	hand_session(&h, SESSION_BEGIN, (const uint8_t *)"a session's id..", 1, 0);
	hand_event(&h, TRUNK_UP);
	assert_true(conn_epoch(h.conn, false, CHANNEL_PROTOCOL) == 2);
	hand_fini(&h);
}

static void
test_close_in_the_exchange(void **state)
{
	struct hand h;
	(void)state;
	setup_responder(&h);
	hand_lose(&h);
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 0, 1);
	hand_frame(&h, FRAME_CLOSE, 0, "\0\3", 2);
	hand_event(&h, TRUNK_CLOSED);
	assert_ptr_equal(h.event.session, h.session);
	struct trunk_event event;
	assert_true(trunk_next_event(h.session, h.now, &event));
	assert_int_equal(event.type, TRUNK_RESET);
	assert_int_equal(event.code, CODE_DENIED);
	hand_fini(&h);
}

/* R's own CLOSE(1) in an exchange: a session that another link holds goes on. */
static void
test_broken_exchange(void **state)
{
	(void)state;
	for (int held = 0; held < 2; held++) {
		struct hand h;
		setup_responder(&h);
		if (!held)
			hand_lose(&h);
		hand_relink(&h);
		hand_go_on(&h, SESSION_GO_ON, 2, 2, 1);
		hand_state(&h, 2, 0, 11, HAND_WINDOW); /* more than was sent */
		hand_event(&h, TRUNK_CLOSED);
		assert_int_equal(h.event.error, SC_ERR_FRAME);
		assert_true((h.event.session == h.session) == !held);
		assert_int_equal(trunk_has_event(h.session), !held);
		hand_fini(&h);
	}
}

static void
test_too_many_states(void **state)
{
	struct hand h;
	(void)state;
	setup_responder(&h);
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 2, 100);
	for (uint32_t i = 0; i < 50; i++) /* these do not count */
		hand_state(&h, 101 + 2 * i, STATE_RESET, 0, 0);
	for (uint32_t i = 0; i < 2 * HAND_STREAMS; i++)
		hand_state(&h, 1 + 2 * i, 0, 0, HAND_WINDOW);
	hand_quiet(&h);
	hand_state(&h, 55, 0, 0, HAND_WINDOW);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

/* A link that allowed more streams than the present one may have left more of them. */
static void
test_largest_limits(void **state)
{
	struct hand h;
	(void)state;
	setup_initiator(&h);
	h.trunk->session.own_limit = h.trunk->session.peer_limit = 10 * HAND_STREAMS;
	relink(&h, 0, 0, HAND_WINDOW);
	hand_go_on(&h, SESSION_DONE, 2, 1, 21 * HAND_STREAMS);
	for (uint32_t i = 0; i < 20 * HAND_STREAMS; i++)
		hand_state(&h, 2 + 2 * i, STATE_OPENED, 0, HAND_WINDOW);
	hand_quiet(&h);
	hand_state(&h, 999, STATE_OPENED, 0, HAND_WINDOW);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

/* Those that do not count are not kept without end. */
static void
test_endless_states(void **state)
{
	enum { MOST = 2 * 65536 };
	struct hand h;
	(void)state;
	setup_responder(&h);
	hand_relink(&h);
	hand_go_on(&h, SESSION_GO_ON, 2, 2, UINT32_MAX);
	uint8_t frame[FRAME_HEAD_SIZE + STATE_PAYLOAD];
	for (uint32_t i = 0; i < MOST + 5000; i++) {
		state_encode(frame, &(struct state){.id = 101 + 2 * i, .flags = STATE_RESET});
		hand_put(&h, FRAME_STATE, 101 + 2 * i, frame + FRAME_HEAD_SIZE, STATE_PAYLOAD);
		if (i % 1000 == 999) {
			hand_record(&h, CHANNEL_PROTOCOL);
			hand_quiet(&h);
		}
	}
	assert_int_equal(h.trunk->session.list.n, MOST);
	/* What is here counts all the same. */
	hand_state(&h, 2, STATE_RESET, 0, 0);
	hand_quiet(&h);
	assert_int_equal(h.trunk->session.list.n, MOST + 1);
	/* But not more often than there are streams: then one has come twice. */
	hand_state(&h, 2, STATE_RESET, 0, 0);
	hand_quiet(&h);
	hand_state(&h, 2, STATE_RESET, 0, 0);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

/* I has kept a session of which R never heard. */
static void
test_new_at_a_later_generation(void **state)
{
	struct hand h;
	(void)state;
	hand_start_holding(&h, false, 30);
	hand_session(&h, SESSION_BEGIN, (const uint8_t *)"a session's id..", 3, 0);
	hand_event(&h, TRUNK_UP);
	hand_seal(&h);
	hand_take_session(&h, SESSION_DONE, 3, 0, 0);
	hand_take(&h, FRAME_PING, 0);
	hand_peer_stream(&h, 5);
	hand_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initiator_sends_again),
		cmocka_unit_test(test_read_ahead_is_dropped),
		cmocka_unit_test(test_fin_again_unless_counted),
		cmocka_unit_test(test_announced_again),
		cmocka_unit_test(test_announced_over_an_earlier_link),
		cmocka_unit_test(test_opened_and_room_by_state),
		cmocka_unit_test(test_open_again),
		cmocka_unit_test(test_open_again_under_a_smaller_window),
		cmocka_unit_test(test_open_again_with_a_smaller_window),
		cmocka_unit_test(test_not_open_yet),
		cmocka_unit_test(test_never_opened_and_listed),
		cmocka_unit_test(test_not_opened_again_after_goaway),
		cmocka_unit_test(test_another_hold_time),
		cmocka_unit_test(test_not_listed),
		cmocka_unit_test(test_reset_there),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_initiator_waits_for_all_states),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_forgotten_at_once),
		cmocka_unit_test(test_kind_0_until_known),
		cmocka_unit_test(test_goaway_again),
		cmocka_unit_test(test_responder),
		cmocka_unit_test(test_pings_around_the_exchange),
		cmocka_unit_test(test_accepted_meanwhile),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_ended_or_unknown),
		cmocka_unit_test(test_refused_before_the_states),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_ratchet_before_the_first_frame),
		cmocka_unit_test(test_close_in_the_exchange),
		cmocka_unit_test(test_broken_exchange),
		cmocka_unit_test(test_too_many_states),
		cmocka_unit_test(test_largest_limits),
		cmocka_unit_test(test_endless_states),
		cmocka_unit_test(test_new_at_a_later_generation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
