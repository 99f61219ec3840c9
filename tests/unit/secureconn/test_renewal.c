/* Tests secureconn/renewal.c: session keys are renewed while records flow, whoever begins, and
   nothing out of place is taken. */
#include "conn_pair.h"

#include "secureconn/conn_state.h"

static struct pair pair;

static struct conn *
conn_of(int end)
{
	return pair.ends[end].conn;
}

static int
teardown(void **state)
{
	(void)state;
	pair_fini(&pair);
	return 0;
}

static void
start(uint64_t seed, const char *asym, const char *bulk)
{
	pair_init(&pair, seed, LIST(asym), LIST(bulk));
	for (int end = 0; end < 2; end++)
		pair.ends[end].config.renewal.gap = NS_PER_S;
	pair_up(&pair);
}

/* Lets both ends work off what has come; no DATA is expected. */
static void
settle(void)
{
	struct span payload;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pair_receive(&pair, 0, &payload), 0);
		assert_int_equal(pair_receive(&pair, 1, &payload), 0);
	}
}

/* The same with DATA in between. */
static void
settle_data(void)
{
	struct span payload;
	while (pair_receive(&pair, 1, &payload) == FRAME_DATA ||
		pair_receive(&pair, 0, &payload) != 0)
		continue;
}

static void
assert_renewed(uint64_t times)
{
	for (int end = 0; end < 2; end++) {
		assert_int_equal(conn_renewals(conn_of(end)), times);
		for (uint8_t channel = 1; channel <= 2; channel++) {
			/* A ratchet may have come in between. */
			assert_true(conn_epoch(conn_of(end), true, channel) >= 1 + times);
			assert_int_equal(conn_epoch(conn_of(end), true, channel),
				conn_epoch(conn_of(1 - end), false, channel));
		}
	}
	pair_assert_exchange(&pair, 0, "after");
	pair_assert_exchange(&pair, 1, "after");
}

static void
test_on_request_by_either_or_both(void **state)
{
	static const char *const asym[] = {"X25519", "ElGamal 2048"};
	(void)state;
	for (unsigned who = 1; who <= 3; who++)
		for (size_t a = 0; a < ARRAY_SIZE(asym); a++) {
			start(who, asym[a], "AES 256");
			for (uint64_t times = 1; times <= 3; times++) {
				pair.now += NS_PER_S;
				for (unsigned end = 0; end < 2; end++)
					if (who & 1u << end) {
						conn_renew(conn_of((int)end));
						conn_tick(conn_of((int)end), pair.now);
					}
				settle();
				assert_renewed(times);
				for (unsigned end = 0; end < 2; end++) {
					struct conn_keys keys = conn_get_keys(conn_of((int)end));
					assert_int_equal(keys.renewals, times);
					assert_int_equal(keys.begun_here, (who & 1u << end) != 0);
					assert_true(keys.since == pair.now && keys.next > pair.now);
				}
			}
			pair_fini(&pair);
		}
}

static void
test_by_time_and_not_sooner(void **state)
{
	(void)state;
	start(4, "X25519", "AES 128");
	uint64_t due = renewal_rules_default.after;
	assert_true(conn_deadline(conn_of(0)) == due);
	conn_tick(conn_of(0), due - 1);
	assert_null(conn_job(conn_of(0)));
	conn_renew(conn_of(1)); /* a request waits for the gap only */
	assert_true(conn_deadline(conn_of(1)) == NS_PER_S);
	pair.now = due;
	conn_tick(conn_of(0), due);
	settle();
	assert_renewed(1);
}

static void
test_by_volume(void **state)
{
	static uint8_t data[60000];
	struct span payload;
	(void)state;
	pair_init(&pair, 5, LIST("X25519"), LIST("CAST-128"));
	pair.ends[0].config.renewal.bytes = 1000000;
	pair_up(&pair);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(pair_send(&pair, 1, FRAME_DATA, data, sizeof(data)), SC_OK);
		assert_int_equal(pair_receive(&pair, 0, &payload), FRAME_DATA);
	}
	assert_true(conn_deadline(conn_of(0)) == 60 * NS_PER_S);
	pair.now = 60 * NS_PER_S;
	conn_tick(conn_of(0), pair.now);
	settle();
	assert_renewed(1);
}

/* Data and ratchets both ways at every step of many renewals, bytes in random pieces. */
static void
test_under_load_with_ratchets(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++) {
		pair_init(&pair, seed, LIST("X25519"), LIST("ChaCha20-Poly1305"));
		for (int end = 0; end < 2; end++) {
			pair.ends[end].config.renewal.gap = 0;
			pair.ends[end].config.renewal.most = UINT32_MAX;
			pair.ends[end].config.ratchet_records = 7;
		}
		pair_up(&pair);
		pair.chunk_max = 300;
		uint8_t next_out[2] = {0, 0}, next_in[2] = {0, 0};
		for (int i = 0; i < 3000; i++) {
			int from = (int)seeded_random_below(&pair.random, 2);
			uint8_t byte = next_out[from]++;
			struct span payload;
			assert_int_equal(pair_send(&pair, from, FRAME_DATA, &byte, 1), SC_OK);
			if (seeded_random_below(&pair.random, 10) == 0) {
				conn_renew(conn_of(from));
				pair.now += NS_PER_S;
				conn_tick(conn_of(from), pair.now);
			}
			int at = (int)seeded_random_below(&pair.random, 2);
			while (pair_receive(&pair, at, &payload) == FRAME_DATA) {
				assert_int_equal(payload.size, 1);
				assert_int_equal(payload.data[0], next_in[at]++);
			}
		}
		assert_true(conn_renewals(conn_of(0)) > 100);
		pair_fini(&pair);
	}
}

static void
test_out_of_place(void **state)
{
	static const uint8_t key[X25519_SIZE] = {9};
	struct span renew = {key, sizeof(key)}, line = {(const uint8_t *)"SYM-KEY-2: ACCEPTED", 19};
	struct span update = {(const uint8_t[]){1, 1}, 2};
	(void)state;
	start(6, "X25519", "AES 128");
	struct conn *c = conn_of(0);
	assert_int_equal(conn_control(c, FRAME_LINE, line, 0), SC_ERR_FRAME);
	assert_int_equal(conn_control(c, FRAME_KEY_UPDATE, update, 0), SC_ERR_FRAME);
	assert_int_equal(conn_control(c, FRAME_RENEW, (struct span){key, 31}, 0), SC_ERR_FRAME);
	assert_int_equal(conn_control(c, FRAME_RENEW, renew, 0), SC_OK);
	assert_int_equal(conn_control(c, FRAME_RENEW, renew, 0), SC_ERR_FRAME); /* a second one */
	assert_int_equal(
		conn_control(c, FRAME_LINE, line, 0), SC_ERR_FRAME); /* ours has not passed */
	assert_int_equal(conn_control(c, FRAME_KEY_UPDATE, update, 0), SC_ERR_FRAME);
	pair_run(&pair);
	assert_int_equal(conn_control(c, FRAME_LINE, (struct span){(const uint8_t *)"\n", 1}, 0),
		SC_ERR_FRAME);
	assert_int_equal(conn_control(c, FRAME_KEY_UPDATE, update, 0), SC_ERR_FRAME);
	assert_int_equal(
		conn_control(c, FRAME_LINE, line, 0), SC_ERR_FRAME); /* C waits for S's key */
	/* Were the keys there: channel 1 comes first. */
	c->renewal.keys_ready = true;
	update.data = (const uint8_t[]){2, 1};
	assert_int_equal(conn_control(c, FRAME_KEY_UPDATE, update, 0), SC_ERR_FRAME);
}

static void
test_all_zero_result_ends_it(void **state)
{
	static const uint8_t zero[X25519_SIZE];
	(void)state;
	start(7, "X25519", "AES 128");
	assert_int_equal(
		conn_control(conn_of(0), FRAME_RENEW, (struct span){zero, sizeof(zero)}, 0), SC_OK);
	assert_int_equal(conn_fault(conn_of(0)), SC_OK);
	pair_run(&pair);
	assert_int_equal(conn_fault(conn_of(0)), SC_ERR_FRAME);
	/* The link still carries the CLOSE that the caller owes. */
	struct span payload;
	assert_int_equal(pair_send(&pair, 0, FRAME_CLOSE, "\0\1", 2), SC_OK);
	assert_int_equal(pair_receive(&pair, 1, &payload), FRAME_CLOSE);
}

/* S has got C's last line, and another one before the job for it was done. */
static void
test_a_line_behind_the_last_one(void **state)
{
	static const uint8_t more[] = "SYM-KEY-3: 00";
	struct span line = {more, sizeof(more) - 1};
	bool seen = false;
	(void)state;
	start(12, "X25519", "AES 128");
	pair.now += NS_PER_S;
	conn_renew(conn_of(0));
	conn_tick(conn_of(0), pair.now);
	for (int i = 0; i < 20 && !seen; i++) {
		uint8_t channel;
		struct span plain, payload;
		pair_receive(&pair, 0, &payload);
		pair_run(&pair);
		while (conn_receive(conn_of(1), &channel, &plain) == 1) {
			payload = (struct span){
				plain.data + FRAME_HEAD_SIZE, plain.size - FRAME_HEAD_SIZE};
			seen |= memmem(payload.data, payload.size, "SYM-KEY-3: ", 11) != NULL;
			assert_int_equal(
				conn_control(conn_of(1), plain.data[0], payload, pair.now), SC_OK);
		}
	}
	assert_true(seen);
	assert_int_equal(
		conn_control(conn_of(1), FRAME_LINE, line, pair.now), SC_OK); /* it waits */
	pair_run(&pair);
	assert_int_equal(conn_fault(conn_of(1)), SC_ERR_FRAME);
}

static void
test_deadlines(void **state)
{
	(void)state;
	start(8, "X25519", "AES 128");
	conn_renew(conn_of(0));
	conn_tick(conn_of(0), NS_PER_S);
	pair_run(&pair); /* R never takes the RENEW */
	assert_true(conn_deadline(conn_of(0)) == 121 * NS_PER_S);
	conn_tick(conn_of(0), 121 * NS_PER_S);
	pair_assert_failed(&pair, 0, SC_ERR_RENEWAL);
	/* R never began one: 48 hours. */
	pair.ends[1].config.renewal.after = UINT64_MAX / 2;
	conn_tick(conn_of(1), renewal_rules_default.latest - 1);
	assert_int_equal(conn_phase(conn_of(1)), CONN_UP);
	conn_tick(conn_of(1), renewal_rules_default.latest);
	pair_assert_failed(&pair, 1, SC_ERR_RENEWAL);
}

static void
test_too_many_an_hour(void **state)
{
	(void)state;
	pair_init(&pair, 9, LIST("X25519"), LIST("AES 128"));
	pair.ends[0].config.renewal.gap = 0;
	pair.ends[1].config.renewal.most = 3;
	pair_up(&pair);
	for (int i = 0; i < 4; i++) {
		conn_renew(conn_of(0));
		conn_tick(conn_of(0), ++pair.now);
		struct span payload;
		for (int k = 0; k < 4 && i < 3; k++) {
			pair_receive(&pair, 1, &payload);
			pair_receive(&pair, 0, &payload);
		}
	}
	assert_int_equal(conn_renewals(conn_of(1)), 3);
	pair_run(&pair);
	uint8_t channel;
	struct span plain;
	assert_int_equal(conn_receive(conn_of(1), &channel, &plain), 1);
	assert_int_equal(plain.data[0], FRAME_RENEW);
	struct span payload = {plain.data + FRAME_HEAD_SIZE, plain.size - FRAME_HEAD_SIZE};
	assert_int_equal(conn_control(conn_of(1), FRAME_RENEW, payload, pair.now),
		SC_ERR_RENEWAL_COUNT);
	pair_assert_failed(&pair, 1, SC_ERR_RENEWAL_COUNT);
}

/* Gives one end what the other has written, and lets it take all records; no jobs. */
static enum sc_error
deliver(int to)
{
	struct conn *from = conn_of(1 - to), *at = conn_of(to);
	enum sc_error error = SC_OK;
	uint8_t channel;
	struct span plain;
	size_t n, room;
	const uint8_t *out = conn_out_buf(from, &n);
	uint8_t *in = conn_in_buf(at, &room);

	assert_true(n <= room);
	memcpy(in, out, n);
	conn_out_ack(from, n);
	conn_in_ack(at, n, pair.now);
	while (!error && conn_receive(at, &channel, &plain) == 1)
		if (plain.data[0] != FRAME_DATA)
			error = conn_control(at, plain.data[0],
				(struct span){plain.data + FRAME_HEAD_SIZE,
					plain.size - FRAME_HEAD_SIZE}, pair.now);
	return error;
}

static void
run_jobs(int end)
{
	for (struct conn_job *job; (job = conn_job(conn_of(end)));) {
		conn_job_run(job);
		conn_job_done(conn_of(end), job, pair.now);
	}
}

/* C has no room for its KEY_UPDATEs when S's come: they wait, and nothing is wrong. */
static void
test_full_output_at_the_switch(void **state)
{
	static uint8_t data[RECORD_PLAINTEXT_MAX];
	(void)state;
	pair_init(&pair, 11, LIST("X25519"), LIST("AES 256"));
	pair.ends[0].config.ratchet_records = 1; /* its ratchets take the space that is kept back */
	pair_up(&pair);
	pair.now += 61 * NS_PER_S;
	conn_renew(conn_of(0));
	conn_tick(conn_of(0), pair.now);
	for (int i = 0; i < 20 && conn_epoch(conn_of(1), true, 1) == 1; i++) {
		run_jobs(0);
		assert_int_equal(deliver(1), SC_OK);
		run_jobs(1);
		if (conn_epoch(conn_of(1), true, 1) == 1) /* S has not switched yet */
			assert_int_equal(deliver(0), SC_OK);
	}
	/* The last record takes all the room that there is. */
	const struct outbuf *out = &conn_of(0)->out;
	for (size_t room; (room = conn_room(conn_of(0))) > 0;) {
		size_t n = outbuf_room(out) > 100000 ? 50000 : room;
		assert_int_equal(pair_send(&pair, 0, FRAME_DATA, data, n - FRAME_HEAD_SIZE), SC_OK);
	}
	assert_true(outbuf_room(out) < 2 * KEY_UPDATE_RECORD);
	assert_int_equal(deliver(0), SC_OK); /* ACCEPTED, KEY_UPDATE(1, 1), KEY_UPDATE(2, 1) */
	assert_int_equal(conn_renewals(conn_of(0)), 0);
	settle_data();
	assert_int_equal(conn_renewals(conn_of(0)), 1);
	assert_int_equal(conn_renewals(conn_of(1)), 1);
	pair_assert_exchange(&pair, 0, "after");
	pair_assert_exchange(&pair, 1, "after");
}

static void
test_wrong_session_key_loses_the_link(void **state)
{
	(void)state;
	start(10, "X25519", "AES 128");
	/* I is C here: it waits for S's SYM-KEY-1. */
	uint8_t key[X25519_SIZE];
	x25519_generate(&pair.random.source, key, key);
	assert_int_equal(
		conn_control(conn_of(0), FRAME_RENEW, (struct span){key, sizeof(key)}, 0), SC_OK);
	pair_run(&pair);
	static const uint8_t line[] = "SYM-KEY-1: 00";
	assert_int_equal(
		conn_control(conn_of(0), FRAME_LINE, (struct span){line, sizeof(line) - 1}, 0),
		SC_ERR_SESSION_KEY);
	pair_assert_failed(&pair, 0, SC_ERR_SESSION_KEY);
}

int
main(void)
{
	asym_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_on_request_by_either_or_both, teardown),
		cmocka_unit_test_teardown(test_by_time_and_not_sooner, teardown),
		cmocka_unit_test_teardown(test_by_volume, teardown),
		cmocka_unit_test_teardown(test_under_load_with_ratchets, teardown),
		cmocka_unit_test_teardown(test_out_of_place, teardown),
		cmocka_unit_test_teardown(test_all_zero_result_ends_it, teardown),
		cmocka_unit_test_teardown(test_a_line_behind_the_last_one, teardown),
		cmocka_unit_test_teardown(test_deadlines, teardown),
		cmocka_unit_test_teardown(test_too_many_an_hour, teardown),
		cmocka_unit_test_teardown(test_full_output_at_the_switch, teardown),
		cmocka_unit_test_teardown(test_wrong_session_key_loses_the_link, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
