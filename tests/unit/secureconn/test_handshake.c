/* Tests secureconn/handshake.c and handshake_keys.c through a connection: roles, refusals, lines
   typed by hand. */
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
test_weak_asymmetric_narrows_the_ciphers(void **state)
{
	struct conn_info info;
	(void)state;
	pair_init(&pair, 1, LIST("ElGamal 1024"),
		LIST("AES 256", "ChaCha20-Poly1305", "AES 128", "CAST-128"));
	pair_up(&pair);
	conn_get_info(conn_of(0), &info);
	assert_string_equal(info.bulk->algorithm->name, "AES 128");
	pair_fini(&pair);
	static const char *const too_much[] = {
		"AES 256", "AES 128 OCB", "AES 256 OCB", "ChaCha20-Poly1305"};
	for (size_t i = 0; i < ARRAY_SIZE(too_much); i++) {
		static const char *const order[] = {"gcrypt", "nettle"};
		if (!bulk_choose(bulk_algorithm_find(too_much[i]), order, 2, NULL))
			continue;
		pair_init(&pair, 1, LIST("ElGamal 1024"), LIST(too_much[i]));
		pair_start(&pair);
		pair_run(&pair);
		pair_assert_failed(&pair, 0, SC_ERR_NO_SYMMETRIC);
		pair_assert_failed(&pair, 1, SC_ERR_NO_SYMMETRIC);
		pair_fini(&pair);
	}
}

/* The lines of both sides in which the paper's client of section 3.3 is now I, now R. */
static void
test_roles_move_with_suggestions(void **state)
{
	(void)state;
	pair.record = true;
	pair_init(&pair, 2, LIST("X25519", "ElGamal 2048"), LIST("AES 256", "AES 128"));
	pair_set_asym(&pair, 1, LIST("ElGamal 2048"));
	pair_set_bulk(&pair, 1, LIST("AES 128"));
	pair.record = true;
	pair_up(&pair);
	/* R repeats the protocol; I opens ASYM with X25519, R suggests ElGamal, I repeats: R opens
	   SYM. */
	static const char of_i[] =
		"SecureConn 1.0\nASYM: X25519\nASYM: ElGamal 2048\nSYM: AES 128\nASYM-KEY: ";
	static const char of_r[] = "SecureConn 1.0\nASYM: ElGamal 2048\nSYM: AES 128\nASYM-KEY: ";
	assert_memory_equal(pair.ends[0].sent, of_i, sizeof(of_i) - 1);
	assert_memory_equal(pair.ends[1].sent, of_r, sizeof(of_r) - 1);
	/* R is C: the session keys 1 and 2 come from I. */
	assert_non_null(memmem(pair.ends[0].sent, pair.ends[0].sent_size, "\nSYM-KEY-2: ", 12));
	assert_non_null(memmem(pair.ends[1].sent, pair.ends[1].sent_size, "\nSYM-KEY-3: ", 12));
}

static void
test_key_not_verified(void **state)
{
	(void)state;
	for (int refuser = 0; refuser < 2; refuser++) {
		pair_init(&pair, 3, LIST("X25519"), LIST("AES 128"));
		pair.ends[refuser].refuse_key = true;
		pair.record = true;
		pair_start(&pair);
		pair_run(&pair);
		pair_assert_failed(&pair, refuser, SC_ERR_KEY_NOT_VERIFIED);
		pair_assert_failed(&pair, 1 - refuser, SC_ERR_KEY_REJECTED);
		/* Both have seen the other's key, so both can note it. */
		assert_int_equal(pair.ends[0].asked, 1);
		assert_int_equal(pair.ends[1].asked, 1);
		static const char last[] = "ASYM-KEY REJECTED - Not authorized\n";
		const struct pair_end *end = &pair.ends[refuser];
		assert_memory_equal(
			end->sent + end->sent_size - sizeof(last) + 1, last, sizeof(last) - 1);
		pair_fini(&pair);
	}
}

static void
run_job(int end)
{
	struct conn_job *job = conn_job(conn_of(end));

	assert_non_null(job);
	conn_job_run(job);
	conn_job_done(conn_of(end), job, 0);
}

/* R, by hand: everything up to I's key, which is valid and verified. */
static void
type_up_to_key(void)
{
	char key[2 * X25519_SIZE + 1], text[256];

	pair_init(&pair, 8, LIST("X25519"), LIST("AES 128"));
	pair_start(&pair);
	hex_encode(key, pair.ends[0].public_keys[0], X25519_SIZE);
	snprintf(text, sizeof(text),
		"SecureConn 1.0\nASYM: X25519\nSYM: AES 128\nASYM-KEY: %s\n", key);
	pair_type(&pair, 1, text);
	run_job(1);
}

/* Whatever stands behind the word. */
static void
test_every_rejection(void **state)
{
	static const char *const verdicts[] = {
		"REJECTED - Not authorized", "REJECTED", "REJECTED: 7", "REJECTEDLY"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		char text[64];
		type_up_to_key();
		snprintf(text, sizeof(text), "ASYM-KEY %s\n", verdicts[i]);
		pair_type(&pair, 1, text);
		pair_assert_failed(&pair, 1, SC_ERR_KEY_REJECTED);
		pair_fini(&pair);
	}
}

/* R is S here, and has sent SYM-KEY-1. */
static void
test_every_answer_to_a_session_key(void **state)
{
	static const struct {
		const char *text;
		enum sc_error error;
	} cases[] = {
		{"SYM-KEY-1: ERROR\n", SC_ERR_SESSION_KEY_REFUSED},
		{"SYM-KEY-1: ERROR - why\n", SC_ERR_LINE_UNEXPECTED},
		{"SYM-KEY-1: accepted\n", SC_ERR_LINE_UNEXPECTED},
		{"SYM-KEY-1: \n", SC_ERR_LINE_UNEXPECTED},
		{"SYM-KEY-2: ACCEPTED\n", SC_ERR_LINE_UNEXPECTED},
		{"SYM-KEY-1: ACCEPTED\nSYM-KEY-1: ACCEPTED\n", SC_ERR_LINE_UNEXPECTED},
		{"SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ERROR\n", SC_ERR_SESSION_KEY_REFUSED},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		type_up_to_key();
		pair_type(&pair, 1, "ASYM-KEY ACCEPTED\n");
		run_job(1); /* SYM-KEY-1 */
		run_job(1); /* and 2 */
		pair_type(&pair, 1, cases[i].text);
		pair_assert_failed(&pair, 1, cases[i].error);
		pair_fini(&pair);
	}
}

/* An error, no rejection: nothing is answered, and nobody is asked about the key. */
static void
test_invalid_key(void **state)
{
	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		pair_init(&pair, 9, LIST("X25519"), LIST("AES 128"));
		memset(pair.ends[bad].public_keys[0], 0xff, X25519_SIZE);
		pair.record = true;
		pair_start(&pair);
		pair_run(&pair);
		pair_assert_failed(&pair, 1 - bad, SC_ERR_PUBLIC_KEY);
		assert_int_equal(pair.ends[1 - bad].asked, 0);
		assert_null(memmem(
			pair.ends[1 - bad].sent, pair.ends[1 - bad].sent_size, "REJECTED", 8));
		pair_fini(&pair);
	}
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
	while (n > 0 && bytes[n - 1] == 0)
		n--;
	return n == 0;
}

/* What is encrypted is a key and a salt, each of its own. */
static void
test_salts(void **state)
{
	uint8_t seen[SESSION_KEYS][2 * BULK_KEY_MAX] = {{0}};
	unsigned jobs = 0;
	(void)state;
	pair_init(&pair, 10, LIST("X25519"), LIST("AES 256"));
	pair_start(&pair);
	for (int i = 0; i < 100; i++) {
		const struct conn_job *job = &conn_of(i % 2)->handshake.job;
		if (job->kind == JOB_ENCRYPT && is_zero(seen[job->index - 1], 64)) {
			assert_int_equal(job->message_size, 64);
			memcpy(seen[job->index - 1], job->message, 64);
			jobs++;
		}
		pair_step(&pair, i % 2);
	}
	assert_int_equal(jobs, SESSION_KEYS);
	for (size_t i = 0; i < 2 * SESSION_KEYS; i++) {
		assert_false(is_zero(seen[i / 2] + i % 2 * 32, 32));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(
				seen[i / 2] + i % 2 * 32, seen[k / 2] + k % 2 * 32, 32);
	}
}

static void
test_nothing_in_common(void **state)
{
	(void)state;
	pair_init(&pair, 4, LIST("X25519"), LIST("AES 128"));
	pair_set_asym(&pair, 1, LIST("ElGamal 2048"));
	pair_start(&pair);
	pair_run(&pair);
	pair_assert_failed(&pair, 0, SC_ERR_NO_ASYMMETRIC);
	pair_assert_failed(&pair, 1, SC_ERR_NO_ASYMMETRIC);
}

static void
test_unknown_protocols_by_hand(void **state)
{
	(void)state;
	pair_init(&pair, 5, LIST("X25519"), LIST("AES 128"));
	pair_start(&pair);
	pair_type(&pair, 1, "SecureConn 9.9\n");
	pair_assert_says(&pair, 1, "SecureConn 1.0\n");
	pair_type(&pair, 1, "Telnet\n");
	pair_assert_says(&pair, 1, "NONE\n");
	pair_assert_failed(&pair, 1, SC_ERR_NO_PROTOCOL);
	size_t n;
	conn_in_buf(conn_of(1), &n);
	assert_int_equal(n, 0); /* nothing more is read */
}

static void
test_unexpected_lines(void **state)
{
	static const struct {
		const char *text;
		enum sc_error error;
	} cases[] = {
		{"SecureConn 1.0\nSYM: AES 128\n", SC_ERR_LINE_UNEXPECTED},
		{"SecureConn 1.0\nASYM: X25519\nASYM: X25519\n", SC_ERR_LINE_UNEXPECTED},
		{"SecureConn 1.0\nASYM: A\nASYM: A\n", SC_ERR_SUGGESTED_TWICE},
		{"SecureConn 1.0\nASYM: NONE\n", SC_ERR_NO_ASYMMETRIC},
		{"SecureConn 1.0\nASYM: X25519\nSYM: AES 128\nASYM-KEY: 12\n", SC_ERR_PUBLIC_KEY},
		{"\n", SC_ERR_LINE_EMPTY},
		{"GET / HTTP/1.1\r\nHost: x\r\n", SC_ERR_NO_PROTOCOL},
		{"\x16\x03\x01", SC_ERR_LINE_BYTE},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pair_init(&pair, 7, LIST("X25519"), LIST("AES 128"));
		pair_start(&pair);
		pair_type(&pair, 1, cases[i].text);
		pair_assert_failed(&pair, 1, cases[i].error);
		conn_fail(conn_of(1), SC_ERR_TIMEOUT); /* the first error sticks */
		pair_assert_failed(&pair, 1, cases[i].error);
		pair_fini(&pair);
	}
}

int
main(void)
{
	asym_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_weak_asymmetric_narrows_the_ciphers, teardown),
		cmocka_unit_test_teardown(test_roles_move_with_suggestions, teardown),
		cmocka_unit_test_teardown(test_key_not_verified, teardown),
		cmocka_unit_test_teardown(test_every_rejection, teardown),
		cmocka_unit_test_teardown(test_every_answer_to_a_session_key, teardown),
		cmocka_unit_test_teardown(test_invalid_key, teardown),
		cmocka_unit_test_teardown(test_salts, teardown),
		cmocka_unit_test_teardown(test_nothing_in_common, teardown),
		cmocka_unit_test_teardown(test_unknown_protocols_by_hand, teardown),
		cmocka_unit_test_teardown(test_unexpected_lines, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
