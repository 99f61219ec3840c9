/* Tests tunnel/trunk_session.c: the first exchange of a link, with all that may be wrong in it. */
#include "hand.h"

static const uint8_t id[] = "a session's id..", other_id[] = "another id......";

static void
assert_session(struct hand *h, uint8_t kind, const uint8_t *session, uint32_t generation)
{
	const struct hand_frame *f = hand_take(h, FRAME_SESSION, 0);
	assert_int_equal(f->payload[0], kind);
	assert_memory_equal(f->payload + 1, session, TRUNK_SESSION_SIZE);
	assert_int_equal(get_u32(f->payload + 17), generation);
	assert_int_equal(get_u32(f->payload + 21), 0);
	assert_int_equal(get_u32(f->payload + 25), 0);
}

static void
test_initiator_goes_on_at_once(void **state)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	struct hand h;
	(void)state;
	hand_start(&h, true);
	hand_event(&h, TRUNK_UP);
	struct stream *s = trunk_open(h.trunk, &request, NULL);
	hand_write(s, 100, 'x');
	hand_seal(&h);
	assert_session(&h, SESSION_BEGIN, trunk_session_id(h.trunk), 1);
	hand_take(&h, FRAME_PING, 0);
	assert_int_equal(hand_take(&h, FRAME_OPEN, 1)->record, 1);
	assert_int_equal(hand_take(&h, FRAME_DATA, 1)->size, 100);
	hand_session(&h, SESSION_DONE, trunk_session_id(h.trunk), 1, 0);
	hand_frame(&h, FRAME_OPENED, 1, NULL, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_OPENED), s);
	hand_fini(&h);
}

static void
test_responder_waits(void **state)
{
	struct stream_request request = {.service_size = 1, .service = "a"};
	struct hand h;
	(void)state;
	hand_start(&h, false);
	hand_quiet(&h);
	hand_no_frame(&h);
	assert_null(trunk_open(h.trunk, &request, NULL));
	hand_session(&h, SESSION_BEGIN, id, 1, 0);
	hand_event(&h, TRUNK_UP);
	assert_memory_equal(trunk_session_id(h.trunk), id, TRUNK_SESSION_SIZE);
	hand_seal(&h);
	assert_session(&h, SESSION_DONE, id, 1);
	hand_take(&h, FRAME_PING, 0);
	assert_non_null(trunk_open(h.trunk, &request, NULL));
	hand_fini(&h);
}

/* What is looked at is still there for the trunk. */
static void
test_named(void **state)
{
	uint8_t named[TRUNK_SESSION_SIZE];
	struct hand h;
	(void)state;
	hand_start(&h, false);
	assert_int_equal(trunk_named(h.conn, named), TRUNK_NAMED_NOT_YET);
	hand_session(&h, SESSION_BEGIN, id, 1, 0);
	pair_run(&h.pair);
	for (int i = 0; i < 2; i++) {
		memset(named, 0, sizeof(named));
		assert_int_equal(trunk_named(h.conn, named), TRUNK_NAMED_SESSION);
		assert_memory_equal(named, id, sizeof(named));
	}
	hand_event(&h, TRUNK_UP);
	assert_memory_equal(trunk_session_id(h.trunk), id, sizeof(named));
	assert_int_equal(trunk_named(h.conn, named), TRUNK_NAMED_NOT_YET);
	hand_fini(&h);
}

static void
test_something_else_is_named(void **state)
{
	const uint8_t garbage[] = {FRAME_SESSION, 0, 0, 200, 0, 0, 0, 0};
	uint8_t named[TRUNK_SESSION_SIZE], code[2] = {0};
	struct hand h;
	(void)state;
	hand_start(&h, false);
	hand_frame(&h, FRAME_CLOSE, 0, code, sizeof(code));
	pair_run(&h.pair);
	assert_int_equal(trunk_named(h.conn, named), TRUNK_NAMED_NOTHING);
	hand_fini(&h);
	hand_start(&h, false);
	hand_data(&h, 1, 10, 'x');
	pair_run(&h.pair);
	assert_int_equal(trunk_named(h.conn, named), TRUNK_NAMED_NOTHING);
	hand_fini(&h);
	hand_start(&h, false);
	assert_int_equal(conn_send(h.peer, CHANNEL_PROTOCOL,
				 &(struct span){garbage, sizeof(garbage)}, 1, h.now),
		SC_OK);
	pair_run(&h.pair);
	assert_int_equal(trunk_named(h.conn, named), TRUNK_NAMED_NOTHING);
	hand_fini(&h);
}

static void
test_responder_takes_only_session_first(void **state)
{
	static const struct {
		unsigned type;
		uint32_t stream;
		size_t size;
	} cases[] = {
		{FRAME_PING, 0, 8}, {FRAME_PAD, 0, 1}, {FRAME_OPEN, 1, 2}, {FRAME_GOAWAY, 0, 2},
		{FRAME_STATE, 1, 17}, {FRAME_RESET, 1, 2}, {FRAME_PONG, 0, 8}, {FRAME_RENEW, 0, 32},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t payload[64] = {0};
		struct hand h;
		hand_start(&h, false);
		hand_frame(&h, cases[i].type, cases[i].stream, payload, cases[i].size);
		hand_expect_error(&h, SC_ERR_FRAME_PLACE);
		hand_fini(&h);
	}
}

static void
test_close_before_session(void **state)
{
	struct hand h;
	(void)state;
	hand_start(&h, false);
	hand_frame(&h, FRAME_CLOSE, 0, "\0\012", 2);
	hand_event(&h, TRUNK_CLOSED);
	assert_int_equal(h.event.code, CODE_SHUTTING_DOWN);
	assert_int_equal(h.event.error, SC_ERR_CLOSED);
	hand_fini(&h);
}

static void
test_initiator_takes_no_stream_frame_before_the_answer(void **state)
{
	struct hand h;
	(void)state;
	hand_start(&h, true);
	hand_event(&h, TRUNK_UP);
	hand_frame(&h, FRAME_PING, 0, "12345678", 8);
	hand_quiet(&h);
	hand_open(&h, 2);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
}

static void
test_wrong_sessions_to_the_responder(void **state)
{
	static const struct {
		uint8_t kind;
		uint32_t generation, count;
	} cases[] = {
		{SESSION_GO_ON, 1, 0}, {SESSION_BEGIN, 1, 1}, {SESSION_BEGIN, 0, 0},
		{SESSION_DONE, 1, 0}, {SESSION_UNKNOWN, 1, 0}, {4, 1, 0}, {SESSION_DONE, 2, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		hand_start(&h, false);
		hand_session(&h, cases[i].kind, id, cases[i].generation, cases[i].count);
		hand_expect_error(&h, SC_ERR_FRAME);
		hand_fini(&h);
	}
}

static void
test_wrong_answers_to_the_initiator(void **state)
{
	static const struct {
		uint8_t kind;
		bool same_id;
		uint32_t generation;
	} cases[] = {
		{SESSION_BEGIN, true, 1}, {SESSION_GO_ON, true, 1}, {SESSION_DONE, false, 1},
		{SESSION_DONE, true, 2}, {SESSION_UNKNOWN, false, 1}, {SESSION_DONE, true, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hand h;
		hand_start(&h, true);
		hand_event(&h, TRUNK_UP);
		hand_session(&h, cases[i].kind,
			cases[i].same_id ? trunk_session_id(h.trunk) : other_id,
			cases[i].generation, 0);
		hand_expect_error(&h, SC_ERR_FRAME);
		hand_fini(&h);
	}
}

static void
test_no_second_session(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, false);
	hand_session(&h, SESSION_BEGIN, other_id, 1, 0);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
	hand_up(&h, true);
	hand_session(&h, SESSION_DONE, trunk_session_id(h.trunk), 1, 0);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
}

static void
test_responder_does_not_know_a_session(void **state)
{
	struct hand h;
	(void)state;
	hand_start(&h, false);
	hand_session(&h, SESSION_GO_ON, id, 5, 1);
	hand_frame(&h, FRAME_STATE, 1, (uint8_t[17]){0}, 17);
	hand_frame(&h, FRAME_RESET, 9, "\0\1", 2); /* stream frames are ignored now */
	hand_data(&h, 11, 5, 'x');
	hand_frame(&h, FRAME_PING, 0, "12345678", 8);
	hand_quiet(&h);
	hand_seal(&h);
	assert_session(&h, SESSION_UNKNOWN, id, 5);
	hand_take(&h, FRAME_PONG, 0);
	hand_session(&h, SESSION_BEGIN, other_id, 1, 0);
	hand_event(&h, TRUNK_UP);
	hand_seal(&h);
	assert_session(&h, SESSION_DONE, other_id, 1);
	hand_take(&h, FRAME_PING, 0);
	hand_peer_stream(&h, 13);
	hand_fini(&h);
}

static void
test_initiator_begins_again(void **state)
{
	uint8_t first[TRUNK_SESSION_SIZE];
	struct stream_request request = {.service_size = 1, .service = "a"};
	struct hand h;
	(void)state;
	hand_start(&h, true);
	hand_event(&h, TRUNK_UP);
	memcpy(first, trunk_session_id(h.trunk), sizeof(first));
	struct stream *s = trunk_open(h.trunk, &request, NULL);
	hand_write(s, 10, 'x');
	hand_seal(&h);
	assert_session(&h, SESSION_BEGIN, first, 1);
	hand_take(&h, FRAME_PING, 0);
	hand_take(&h, FRAME_OPEN, 1);
	hand_take(&h, FRAME_DATA, 1);
	hand_session(&h, SESSION_UNKNOWN, first, 1, 0);
	assert_ptr_equal(hand_event(&h, TRUNK_RESET), s);
	assert_int_equal(h.event.code, CODE_LINK_LOST);
	hand_event(&h, TRUNK_FORGOTTEN);
	hand_quiet(&h);
	assert_memory_not_equal(trunk_session_id(h.trunk), first, sizeof(first));
	hand_seal(&h);
	assert_session(&h, SESSION_BEGIN, trunk_session_id(h.trunk), 1);
	hand_session(&h, SESSION_DONE, trunk_session_id(h.trunk), 1, 0);
	hand_quiet(&h);
	assert_int_equal(stream_id(hand_own_stream(&h)), 3);
	hand_no_frame(&h);
	hand_fini(&h);
}

static void
state_frame(struct hand *h, uint32_t stream, uint8_t flags)
{
	uint8_t payload[17] = {flags};
	hand_frame(h, FRAME_STATE, stream, payload, sizeof(payload));
}

static void
test_states_of_an_unknown_session(void **state)
{
	struct hand h;
	(void)state;
	hand_start(&h, false);
	hand_session(&h, SESSION_BEGIN, id, 3, 3);
	state_frame(&h, 1, 0);
	state_frame(&h, 2, 3);
	hand_quiet(&h);
	hand_no_frame(&h);
	state_frame(&h, 7, 1);
	hand_event(&h, TRUNK_UP);
	hand_seal(&h);
	assert_session(&h, SESSION_DONE, id, 3);
	hand_take(&h, FRAME_PING, 0);
	assert_int_equal(trunk_streams(h.trunk), 0);
	hand_peer_stream(&h, 1); /* I opens it again */
	hand_fini(&h);
}

static void
test_states_out_of_place(void **state)
{
	struct hand h;
	(void)state;
	hand_up(&h, false);
	state_frame(&h, 1, 0);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
	hand_start(&h, false);
	hand_session(&h, SESSION_BEGIN, id, 2, 1);
	state_frame(&h, 1, 4);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
	hand_start(&h, false);
	hand_session(&h, SESSION_BEGIN, id, 2, 1);
	hand_open(&h, 1);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
	hand_start(&h, false);
	hand_session(&h, SESSION_BEGIN, id, 2, 1);
	hand_session(&h, SESSION_BEGIN, id, 2, 0);
	hand_expect_error(&h, SC_ERR_FRAME_PLACE);
	hand_fini(&h);
}

static void
test_too_many_states(void **state)
{
	uint8_t payload[17] = {0};
	struct hand h;
	(void)state;
	hand_start(&h, false);
	hand_session(&h, SESSION_BEGIN, id, 2, 70000);
	for (uint32_t i = 0; i < 65536; i++) {
		hand_put(&h, FRAME_STATE, 2 * i + 1, payload, sizeof(payload));
		if (i % 2048 == 2047) {
			hand_record(&h, 1);
			hand_quiet(&h);
		}
	}
	payload[0] = 2; /* streams that were reset do not count */
	hand_frame(&h, FRAME_STATE, 1, payload, sizeof(payload));
	hand_quiet(&h);
	state_frame(&h, 1, 1);
	hand_expect_error(&h, SC_ERR_FRAME);
	hand_fini(&h);
}

static void
test_ten_seconds(void **state)
{
	(void)state;
	for (int initiator = 0; initiator < 2; initiator++) {
		struct hand h;
		hand_start(&h, initiator);
		if (initiator)
			hand_event(&h, TRUNK_UP);
		hand_quiet(&h);
		assert_true(trunk_deadline(h.trunk) == h.now + 10 * NS_PER_S);
		hand_seal(&h);
		h.now += 10 * NS_PER_S - 1;
		trunk_tick(h.trunk, h.now);
		hand_quiet(&h);
		h.now++;
		trunk_tick(h.trunk, h.now);
		hand_event(&h, TRUNK_CLOSED);
		assert_int_equal(h.event.error, SC_ERR_TIMEOUT);
		assert_int_equal(h.event.code, CODE_LINK_LOST);
		assert_int_equal(conn_error(h.conn), SC_ERR_TIMEOUT);
		assert_false(trunk_wants_seal(h.trunk));
		hand_fini(&h);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initiator_goes_on_at_once),
		cmocka_unit_test(test_responder_waits),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_something_else_is_named),
		cmocka_unit_test(test_responder_takes_only_session_first),
		cmocka_unit_test(test_close_before_session),
		cmocka_unit_test(test_initiator_takes_no_stream_frame_before_the_answer),
		cmocka_unit_test(test_wrong_sessions_to_the_responder),
		cmocka_unit_test(test_wrong_answers_to_the_initiator),
		cmocka_unit_test(test_no_second_session),
		cmocka_unit_test(test_responder_does_not_know_a_session),
		cmocka_unit_test(test_initiator_begins_again),
		cmocka_unit_test(test_states_of_an_unknown_session),
		cmocka_unit_test(test_states_out_of_place),
		cmocka_unit_test(test_too_many_states),
		cmocka_unit_test(test_ten_seconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
