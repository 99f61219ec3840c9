/* Tests secureconn/handshake_flight.c: SecureConn 1.1 in one flight each way, and every way back to
   1.0. */
#include "conn_pair.h"

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
init(uint64_t seed)
{
	pair_init(&pair, seed, LIST("X25519", "ElGamal 2048"), LIST("AES 256", "AES 128"));
	pair_remember(&pair);
	pair.record = true;
}

static void
assert_protocol(const char *expected)
{
	for (int end = 0; end < 2; end++) {
		struct conn_info info;
		conn_get_info(conn_of(end), &info);
		assert_string_equal(info.protocol, expected);
		assert_memory_equal(info.peer_public, pair.ends[1 - end].public_keys[0],
			info.asym->algorithm->public_size);
	}
	pair_assert_exchange(&pair, 0, "from I");
	pair_assert_exchange(&pair, 1, "from R");
}

static size_t
count_lines(const struct pair_end *end, const char *start)
{
	const uint8_t *at = end->sent;
	size_t n = 0;

	while ((at = memmem(at, end->sent_size - (size_t)(at - end->sent), start, strlen(start)))) {
		at++;
		n++;
	}
	return n;
}

static void
test_one_flight_each_way(void **state)
{
	(void)state;
	init(1);
	pair_up(&pair);
	assert_protocol("SecureConn 1.1");
	static const char of_i[] = "SecureConn 1.1\nASYM: X25519\nSYM: AES 256\nASYM-KEY-ID: ";
	static const char of_r[] =
		"SecureConn 1.1\nASYM: X25519\nSYM: AES 256\nASYM-KEY-ID: ACCEPTED\n"
		"SYM-KEY-3: ACCEPTED\nSYM-KEY-1: ";
	assert_memory_equal(pair.ends[0].sent, of_i, sizeof(of_i) - 1);
	assert_memory_equal(pair.ends[1].sent, of_r, sizeof(of_r) - 1);
	assert_int_equal(count_lines(&pair.ends[0], "\nSYM-KEY-"), 3);
	/* Renewals go on in the same roles. */
	for (int end = 0; end < 2; end++) {
		struct span payload;
		pair.now += 60 * NS_PER_S;
		conn_renew(conn_of(end));
		conn_tick(conn_of(end), pair.now);
		for (int i = 0; i < 4; i++) {
			pair_receive(&pair, 0, &payload);
			pair_receive(&pair, 1, &payload);
		}
		assert_int_equal(conn_renewals(conn_of(0)), end + 1);
	}
}

/* What each side has to write at once: one write each way until both are up. */
static void
test_nothing_is_written_in_halves(void **state)
{
	struct conn_job *job;
	size_t n;
	(void)state;
	init(2);
	pair_start(&pair);
	for (int writes = 0; writes < 3; writes++) {
		int from = writes % 2;
		while ((job = conn_job(conn_of(from)))) {
			conn_out_buf(conn_of(from), &n);
			assert_int_equal(n, 0); /* not while work for the same flight is left */
			conn_job_run(job);
			conn_job_done(conn_of(from), job, 0);
		}
		const uint8_t *out = conn_out_buf(conn_of(from), &n);
		assert_true(n > 100);
		size_t room;
		uint8_t *in = conn_in_buf(conn_of(1 - from), &room);
		assert_true(room >= n);
		memcpy(in, out, n);
		conn_out_ack(conn_of(from), n);
		conn_in_ack(conn_of(1 - from), n, 0);
	}
	pair_run(&pair);
	assert_int_equal(conn_phase(conn_of(0)), CONN_UP);
	assert_int_equal(conn_phase(conn_of(1)), CONN_UP);
}

static bool
no_key(void *arg, const struct asym_impl *asym, const char *fingerprint, uint8_t *public_key)
{
	(void)arg;
	(void)asym;
	(void)fingerprint;
	(void)public_key;
	return false;
}

static void
test_back_to_1_0(void **state)
{
	(void)state;
	for (int why = 0; why < 4; why++) {
		init(3);
		if (why == 0)
			pair.ends[1].config.find_key = NULL; /* speaks 1.0 only */
		else if (why == 1)
			pair.ends[1].config.find_key = no_key;
		else if (why == 2)
			pair_set_bulk(&pair, 1, LIST("AES 128"));
		else
			pair.ends[0].memory.peer_public[0] ^= 1; /* a key of R's past */
		pair_up(&pair);
		assert_protocol("SecureConn 1.0");
		/* R suggested the protocol, so it opens ASYM. */
		assert_non_null(memmem(pair.ends[1].sent, pair.ends[1].sent_size,
			"SecureConn 1.0\nASYM: X25519\n", 28));
		pair_fini(&pair);
	}
}

static void
test_key_refused_on_1_0_after_1_1(void **state)
{
	(void)state;
	init(4);
	pair.ends[1].refuse_key = true;
	pair_start(&pair);
	pair_run(&pair);
	pair_assert_failed(&pair, 1, SC_ERR_KEY_NOT_VERIFIED);
	pair_assert_failed(&pair, 0, SC_ERR_KEY_REJECTED);
}

static void
test_initiator_no_longer_accepts_the_key(void **state)
{
	(void)state;
	init(5);
	pair.ends[0].refuse_key = true;
	pair_start(&pair);
	pair_run(&pair);
	pair_assert_failed(&pair, 0, SC_ERR_KEY_NOT_VERIFIED);
}

/* A flight for R typed by hand, with the right fingerprints and this SYM-KEY-3. */
static void
type_flight(const char *key_3, const char *last)
{
	char ids[2][FINGERPRINT_SIZE], text[1000];

	for (int end = 0; end < 2; end++)
		fingerprint_of(ids[end], pair.ends[end].keys[0].asym->algorithm,
			pair.ends[end].public_keys[0]);
	snprintf(text, sizeof(text),
		"SecureConn 1.1\nASYM: X25519\nSYM: AES 256\nASYM-KEY-ID: %s %s\nSYM-KEY-3: %s\n"
		"%s\n",
		ids[0], ids[1], key_3, last);
	pair_type(&pair, 1, text);
	struct conn_job *job = conn_job(conn_of(1));
	if (job) {
		conn_job_run(job);
		conn_job_done(conn_of(1), job, 0);
	}
}

static void
test_session_key_that_does_not_open(void **state)
{
	static const char answer[] =
		"SecureConn 1.1\nASYM: X25519\nSYM: AES 256\nASYM-KEY-ID: ACCEPTED\n"
		"SYM-KEY-3: ERROR\n";
	char hex[2 * (48 + 64) + 1];
	(void)state;
	memset(hex, 'a', sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	init(6);
	pair_start(&pair);
	type_flight(hex, "END");
	pair_assert_failed(&pair, 1, SC_ERR_SESSION_KEY);
	pair_assert_says(&pair, 1, answer);
	pair_fini(&pair);
	init(6);
	pair_start(&pair);
	type_flight("no hex", "END");
	pair_assert_failed(&pair, 1, SC_ERR_SESSION_KEY);
	pair_assert_says(&pair, 1, answer);
}

static void
test_malformed_flights_are_skipped(void **state)
{
	static const char *const flights[] = {
		"SecureConn 1.1\nEND\n",
		"SecureConn 1.1\nSYM: AES 256\nASYM: X25519\nASYM-KEY-ID: x y\nSYM-KEY-3: 00\n"
		"END\n",
		"SecureConn 1.1\nASYM: X25519\nSYM: AES 256\nASYM-KEY-ID: x y\nSYM-KEY-3: 00\n"
		"END\n",
		"SecureConn 1.1\nASYM: RSA\nSYM: AES 256\nASYM-KEY-ID: x y\nSYM-KEY-3: 00\nEND\n",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flights); i++) {
		init(7);
		pair_start(&pair);
		pair_type(&pair, 1, flights[i]);
		pair_assert_says(&pair, 1, "SecureConn 1.0\n");
		pair_type(&pair, 1, "SecureConn 1.0\n");
		pair_assert_says(&pair, 1, "ASYM: X25519\n");
		pair_fini(&pair);
	}
	/* One line too many. */
	init(7);
	pair_start(&pair);
	type_flight("00", "SYM-KEY-3: 00\nEND");
	pair_assert_says(&pair, 1, "SecureConn 1.0\n");
}

/* Only I's very first line may be 1.1. */
static void
test_1_1_anywhere_else_is_a_name_like_any(void **state)
{
	(void)state;
	init(8);
	pair_start(&pair);
	pair_type(&pair, 1, "SecureConn 7\n");
	pair_assert_says(&pair, 1, "SecureConn 1.0\n");
	pair_type(&pair, 1, "SecureConn 1.1\n");
	pair_assert_says(&pair, 1, "NONE\n");
}

static void
test_a_replayed_flight_yields_nothing(void **state)
{
	static uint8_t flight[2000];
	size_t size;
	(void)state;
	init(9);
	pair_up(&pair);
	uint8_t *end = memmem(pair.ends[0].sent, pair.ends[0].sent_size, "END\n", 4);
	size = (size_t)(end + 4 - pair.ends[0].sent);
	memcpy(flight, pair.ends[0].sent, size);
	conn_free(conn_of(0));
	conn_free(conn_of(1));
	pair_start(&pair);
	size_t n;
	memcpy(conn_in_buf(conn_of(1), &n), flight, size);
	conn_in_ack(conn_of(1), size, 0);
	for (struct conn_job *job; (job = conn_job(conn_of(1)));) {
		conn_job_run(job);
		conn_job_done(conn_of(1), job, 0);
	}
	conn_out_buf(conn_of(1), &n);
	assert_true(n > 100); /* it answered, */
	pair_type(&pair, 1, "SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ACCEPTED\n");
	uint8_t *in = conn_in_buf(conn_of(1), &n);
	memset(in, 0, 200);
	memcpy(in, (const uint8_t[]){1, 0, 0, 80}, 4);
	conn_in_ack(conn_of(1), 200, 0);
	pair_assert_failed(&pair, 1, SC_ERR_RECORD_TAG); /* and believes nothing that comes back */
}

static void
init_for_flips(struct pair *p)
{
	(void)p;
	init(10);
}

static void
test_a_changed_bit_never_authenticates(void **state)
{
	(void)state;
	pair_check_flips(&pair, 3, init_for_flips);
}

/* A fingerprint counts whole, and as it is shown. */
static void
test_fingerprints_by_hand(void **state)
{
	(void)state;
	for (int change = 0; change < 5; change++) {
		char ids[2][FINGERPRINT_SIZE], text[512];
		init(20);
		pair_start(&pair);
		for (int end = 0; end < 2; end++)
			fingerprint_of(ids[end], pair.ends[end].keys[0].asym->algorithm,
				pair.ends[end].public_keys[0]);
		char *last = &ids[change & 1][FINGERPRINT_SIZE - 2];
		if (change < 2)
			*last = *last == '0' ? '1' : '0';
		else if (change < 4)
			for (char *c = ids[change & 1]; *c; c++)
				*c |= *c >= 'A' ? 0x20 : 0;
		snprintf(text, sizeof(text),
			"SecureConn 1.1\nASYM: X25519\nSYM: AES 256\nASYM-KEY-ID: %s %s\n"
			"SYM-KEY-3: 00\nEND\n", ids[0], ids[1]);
		pair_type(&pair, 1, text);
		if (change < 4)
			pair_assert_says(&pair, 1, "SecureConn 1.0\n");
		else
			pair_assert_failed(&pair, 1, SC_ERR_SESSION_KEY);
		pair_fini(&pair);
	}
}

int
main(void)
{
	asym_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_one_flight_each_way, teardown),
		cmocka_unit_test_teardown(test_nothing_is_written_in_halves, teardown),
		cmocka_unit_test_teardown(test_back_to_1_0, teardown),
		cmocka_unit_test_teardown(test_key_refused_on_1_0_after_1_1, teardown),
		cmocka_unit_test_teardown(test_initiator_no_longer_accepts_the_key, teardown),
		cmocka_unit_test_teardown(test_session_key_that_does_not_open, teardown),
		cmocka_unit_test_teardown(test_malformed_flights_are_skipped, teardown),
		cmocka_unit_test_teardown(test_1_1_anywhere_else_is_a_name_like_any, teardown),
		cmocka_unit_test_teardown(test_a_replayed_flight_yields_nothing, teardown),
		cmocka_unit_test_teardown(test_a_changed_bit_never_authenticates, teardown),
		cmocka_unit_test_teardown(test_fingerprints_by_hand, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
