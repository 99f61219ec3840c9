/* Tests secureconn/conn.c and conn_records.c, two ends at a time: every pair of algorithms, roles,
   splits, records, ratchets, and what a change of any byte leads to. */
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
test_every_pair_of_algorithms(void **state)
{
	static const char *const asym[] = {"X25519", "ElGamal 2048", "ElGamal 3072"};
	(void)state;
	for (size_t a = 0; a < ARRAY_SIZE(asym); a++)
		for (size_t b = 0; bulk_algorithms[b]; b++) {
			static const char *const order[] = {"gcrypt", "nettle"};
			struct conn_info info;
			if (!bulk_choose(bulk_algorithms[b], order, 2, NULL))
				continue;
			pair_init(&pair, a * 16 + b, LIST(asym[a]), LIST(bulk_algorithms[b]->name));
			pair_up(&pair);
			for (int end = 0; end < 2; end++) {
				conn_get_info(conn_of(end), &info);
				assert_string_equal(info.protocol, "SecureConn 1.0");
				assert_string_equal(info.asym->algorithm->name, asym[a]);
				assert_ptr_equal(info.bulk->algorithm, bulk_algorithms[b]);
				assert_memory_equal(info.peer_public,
					pair.ends[1 - end].public_keys[0],
					info.asym->algorithm->public_size);
				assert_int_equal(pair.ends[end].asked, 1);
			}
			assert_string_equal(conn_peer_hello(conn_of(0))->name, "end-1");
			pair_assert_exchange(&pair, 0, "from I");
			pair_assert_exchange(&pair, 1, "from R");
			pair_fini(&pair);
		}
}

static void
test_any_split(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++) {
		pair_init(&pair, seed, LIST("X25519"), LIST("AES 128"));
		pair.chunk_max = 1 + seed * 3;
		pair_up(&pair);
		pair_assert_exchange(&pair, 0, "split");
		pair_fini(&pair);
	}
}

/* ---- the end ---- */

static void
test_end_of_input_and_late_job(void **state)
{
	struct conn_job *job;
	(void)state;
	pair_init(&pair, 8, LIST("X25519"), LIST("AES 128"));
	pair_start(&pair);
	char key[2 * X25519_SIZE + 1], text[200];
	hex_encode(key, pair.ends[0].public_keys[0], X25519_SIZE);
	snprintf(text, sizeof(text), "SecureConn 1.0\nASYM: X25519\nSYM: AES 128\nASYM-KEY: %s\n",
		key);
	pair_type(&pair, 1, text);
	job = conn_job(conn_of(1));
	assert_non_null(job);
	assert_null(conn_job(conn_of(1))); /* it is out */
	conn_in_end(conn_of(1));
	pair_assert_failed(&pair, 1, SC_ERR_TRUNCATED);
	conn_job_run(job);
	conn_job_done(conn_of(1), job, 0);
	assert_null(conn_job(conn_of(1)));
	assert_int_equal(pair.ends[1].asked, 0);
}

/* ---- forward secrecy ---- */

#define SECRETS_MAX 64

/* What must be gone when it has been used. */
static struct {
	uint8_t bytes[SECRETS_MAX][HASH_SIZE];
	size_t n;
} secrets;

static void
collect(const uint8_t *bytes)
{
	static const uint8_t nothing[HASH_SIZE];

	if (memcmp(bytes, nothing, HASH_SIZE) == 0)
		return;
	for (size_t i = 0; i < secrets.n; i++)
		if (memcmp(secrets.bytes[i], bytes, HASH_SIZE) == 0)
			return;
	assert_true(secrets.n < SECRETS_MAX);
	memcpy(secrets.bytes[secrets.n++], bytes, HASH_SIZE);
}

/* Looks into both ends whenever something passes between them. */
static size_t
look(struct pair *p, int from, uint8_t *data, size_t n)
{
	(void)from;
	(void)data;
	for (int end = 0; end < 2; end++) {
		const struct conn *c = p->ends[end].conn;
		for (size_t i = 0; i < SESSION_KEYS; i++)
			collect(c->handshake.keys[i]);
		for (size_t i = 0; i < 4; i++)
			collect(c->schedule.secret[i / 2][i % 2]);
		collect(c->handshake.ephemeral_private);
		collect(c->renewal.own_private);
		collect(c->renewal.shared);
	}
	return n;
}

static void
assert_nothing_is_left(size_t least)
{
	assert_true(secrets.n >= least);
	for (size_t i = 0; i < secrets.n; i++)
		for (int end = 0; end < 2; end++) {
			const struct conn *c = conn_of(end);
			assert_null(memmem(c, sizeof(*c), secrets.bytes[i], HASH_SIZE));
			assert_null(memmem(c->in, c->in_size, secrets.bytes[i], HASH_SIZE));
			assert_null(memmem(c->out.data, c->out.size, secrets.bytes[i], HASH_SIZE));
		}
	secrets.n = 0;
}

static void
test_nothing_of_a_handshake_is_left(void **state)
{
	(void)state;
	for (int flight = 0; flight < 2; flight++) {
		pair_init(&pair, 15, LIST("X25519"), LIST("AES 256"));
		if (flight)
			pair_remember(&pair);
		pair.meddle = look;
		pair_up(&pair);
		/* Session keys, channels, ephemeral keys; in a flight two keys are gone before
		   anything is said. */
		assert_nothing_is_left(flight ? 1 + 4 + 2 : 3 + 4 + 2);
		pair_fini(&pair);
	}
}

static void
test_nothing_of_a_renewal_is_left(void **state)
{
	struct span payload;
	(void)state;
	pair_init(&pair, 16, LIST("X25519"), LIST("AES 256"));
	pair_up(&pair);
	pair.meddle = look;
	pair.now += 60 * NS_PER_S;
	conn_renew(conn_of(0));
	conn_tick(conn_of(0), pair.now);
	for (int i = 0; i < 20; i++)
		assert_int_equal(pair_receive(&pair, i % 2, &payload), 0);
	assert_int_equal(conn_renewals(conn_of(0)), 1);
	assert_int_equal(conn_renewals(conn_of(1)), 1);
	assert_nothing_is_left(3 + 1);
}

/* ---- someone changes a byte ---- */

static void
init_for_flips(struct pair *p)
{
	pair_init(p, 9, LIST("X25519"), LIST("AES 128"));
}

static void
test_a_changed_bit_never_authenticates(void **state)
{
	(void)state;
	pair_check_flips(&pair, 5, init_for_flips);
}

static void
test_a_changed_record_ends_the_link(void **state)
{
	struct span payload;
	(void)state;
	for (size_t at = 0; at < 4 + 8 + 5 + 16; at++) {
		pair_init(&pair, 10, LIST("X25519"), LIST("CAST-128"));
		pair_up(&pair);
		pair_flip(&pair, 0, at);
		assert_int_equal(pair_send(&pair, 0, FRAME_DATA, "hello", 5), SC_OK);
		/* A length that became longer waits for more: give it. */
		for (int i = 0; i < 3 && conn_phase(conn_of(1)) == CONN_UP; i++) {
			static const uint8_t more[40000];
			assert_int_equal(pair_receive(&pair, 1, &payload), 0);
			assert_int_equal(
				pair_send(&pair, 0, FRAME_DATA, more, sizeof(more)), SC_OK);
		}
		assert_int_equal(conn_phase(conn_of(1)), CONN_FAILED);
		pair_fini(&pair);
	}
}

/* ---- records and ratchets ---- */

static void
test_ratchets_past_256_epochs(void **state)
{
	(void)state;
	pair_init(&pair, 11, LIST("X25519"), LIST("ChaCha20-Poly1305"));
	for (int end = 0; end < 2; end++)
		pair.ends[end].config.ratchet_records = 4;
	pair_up(&pair);
	for (int i = 0; i < 1500; i++) {
		struct span payload;
		pair_assert_exchange(&pair, i % 2, "data");
		assert_int_equal(pair_send(&pair, 1, FRAME_PING, "12345678", 8), SC_OK);
		assert_int_equal(pair_receive(&pair, 0, &payload), FRAME_PING);
	}
	for (int end = 0; end < 2; end++)
		for (uint8_t channel = 1; channel <= 2; channel++)
			assert_int_equal(conn_epoch(conn_of(end), true, channel),
				conn_epoch(conn_of(1 - end), false, channel));
	assert_true(conn_epoch(conn_of(1), true, 1) > 256);
	assert_true(conn_epoch(conn_of(1), true, 2) > 150);
}

static void
test_cast128_steps_before_8_mib(void **state)
{
	static uint8_t data[32000];
	struct span payload;
	(void)state;
	pair_init(&pair, 12, LIST("X25519"), LIST("CAST-128"));
	pair_up(&pair);
	for (size_t sent = 0; sent < 20u << 20; sent += sizeof(data)) {
		assert_int_equal(pair_send(&pair, 0, FRAME_DATA, data, sizeof(data)), SC_OK);
		assert_int_equal(pair_receive(&pair, 1, &payload), FRAME_DATA);
	}
	assert_int_equal(conn_epoch(conn_of(0), true, 2), 3);
	assert_int_equal(conn_epoch(conn_of(0), true, 1), 1);
}

static void
test_ratchet_after_15_minutes(void **state)
{
	(void)state;
	pair_init(&pair, 13, LIST("X25519"), LIST("AES 128"));
	pair_up(&pair);
	pair.now += 15 * 60 * NS_PER_S;
	pair_assert_exchange(&pair, 0, "still the same");
	assert_int_equal(conn_epoch(conn_of(0), true, 2), 1);
	pair.now += 1;
	pair_assert_exchange(&pair, 0, "stepped");
	assert_int_equal(conn_epoch(conn_of(0), true, 2), 2);
	assert_int_equal(conn_epoch(conn_of(1), false, 1), 2); /* it carried the announcement */
}

static enum sc_error
update_keys(const uint8_t *payload, size_t n)
{
	return conn_control(conn_of(0), FRAME_KEY_UPDATE, (struct span){payload, n}, 0);
}

static void
test_bad_key_updates(void **state)
{
	static const uint8_t bad[][3] = {{0, 0}, {3, 0}, {1, 1}, {2, 2}};
	(void)state;
	pair_init(&pair, 14, LIST("X25519"), LIST("AES 128"));
	pair_up(&pair);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(update_keys(bad[i], 2), SC_ERR_FRAME);
	assert_int_equal(update_keys((const uint8_t[]){1, 0, 0}, 3), SC_ERR_FRAME);
	assert_int_equal(conn_epoch(conn_of(0), false, 1), 1);
}

static void
test_room_and_biggest_record(void **state)
{
	static uint8_t big[RECORD_PLAINTEXT_MAX - FRAME_HEAD_SIZE];
	struct span payload;
	(void)state;
	pair_init(&pair, 15, LIST("X25519"), LIST("AES 256"));
	pair_up(&pair);
	assert_int_equal(conn_room(conn_of(0)), RECORD_PLAINTEXT_MAX);
	memset(big, 'x', sizeof(big));
	unsigned sent = 0, got = 0;
	while (conn_room(conn_of(0)) == RECORD_PLAINTEXT_MAX) {
		assert_int_equal(pair_send(&pair, 0, FRAME_DATA, big, sizeof(big)), SC_OK);
		sent++;
	}
	assert_true(sent >= 2);
	for (size_t room; (room = conn_room(conn_of(0))) > 0; sent++) {
		assert_true(room >= 8);
		assert_int_equal(
			pair_send(&pair, 0, FRAME_DATA, big, room - FRAME_HEAD_SIZE), SC_OK);
	}
	while (pair_receive(&pair, 1, &payload) == FRAME_DATA)
		got++;
	assert_int_equal(got, sent);
	assert_int_equal(conn_room(conn_of(0)), RECORD_PLAINTEXT_MAX);
}

/* In what I sends: the length in the head of the record after its last line. */
static size_t
claim_length(struct pair *p, int from, uint8_t *data, size_t n)
{
	uint8_t *head = from == 0 ? memmem(data, n, "\n\x01\x00", 3) : NULL;

	if (head)
		put_u16(head + 3, (uint16_t)p->flip_at);
	return n;
}

/* A HELLO that claims too much ends the connection at once, not when all of it has come. */
static void
test_the_longest_hello(void **state)
{
	(void)state;
	for (size_t length = HELLO_RECORD_MAX; length <= HELLO_RECORD_MAX + 1; length++) {
		pair_init(&pair, 23, LIST("X25519"), LIST("AES 128"));
		pair.flip_at = length;
		pair.meddle = claim_length;
		pair_start(&pair);
		pair_run(&pair);
		assert_int_equal(conn_error(conn_of(1)),
			length > HELLO_RECORD_MAX ? SC_ERR_HELLO : SC_OK);
		assert_int_equal(conn_phase(conn_of(1)),
			length > HELLO_RECORD_MAX ? CONN_FAILED : CONN_HANDSHAKE);
		pair_fini(&pair);
	}
}

static void
test_nothing_is_sent_before_hello(void **state)
{
	(void)state;
	pair_init(&pair, 16, LIST("X25519"), LIST("AES 128"));
	pair_start(&pair);
	uint8_t channel;
	struct span plain;
	assert_int_equal(conn_room(conn_of(0)), 0);
	assert_int_equal(conn_receive(conn_of(0), &channel, &plain), 0);
}

/* Looking at a record changes nothing, also when more input has come behind it. */
static void
test_peek(void **state)
{
	struct span seen, got;
	uint8_t channel;
	(void)state;
	pair_init(&pair, 17, LIST("X25519"), LIST("AES 128"));
	pair_up(&pair);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(conn_peek(conn_of(1), &channel, &seen), 0);
		assert_int_equal(pair_send(&pair, 0, FRAME_DATA, "look", 4), SC_OK);
		pair_run(&pair);
		assert_int_equal(conn_peek(conn_of(1), &channel, &seen), 1);
		assert_int_equal(channel, CHANNEL_DATA);
		assert_memory_equal(seen.data + seen.size - 4, "look", 4);
		assert_int_equal(pair_send(&pair, 0, FRAME_DATA, "more", 4), SC_OK);
		pair_run(&pair);
		assert_int_equal(conn_peek(conn_of(1), &channel, &seen), 1);
		assert_memory_equal(seen.data + seen.size - 4, "look", 4);
		assert_int_equal(conn_receive(conn_of(1), &channel, &got), 1);
		assert_int_equal(channel, CHANNEL_DATA);
		assert_memory_equal(got.data + got.size - 4, "look", 4);
		assert_int_equal(conn_receive(conn_of(1), &channel, &got), 1);
		assert_memory_equal(got.data + got.size - 4, "more", 4);
	}
	pair_assert_exchange(&pair, 1, "back");
}

static void
test_peek_at_a_forged_record(void **state)
{
	struct span seen;
	uint8_t channel;
	(void)state;
	pair_init(&pair, 18, LIST("X25519"), LIST("AES 128"));
	pair_up(&pair);
	pair_flip(&pair, 0, 10);
	assert_int_equal(pair_send(&pair, 0, FRAME_DATA, "look", 4), SC_OK);
	pair_run(&pair);
	assert_int_equal(conn_peek(conn_of(1), &channel, &seen), -1);
	assert_int_equal(conn_error(conn_of(1)), SC_ERR_RECORD_TAG);
	assert_int_equal(conn_receive(conn_of(1), &channel, &seen), -1);
}

/* protocol.md 11. The most is held between the own HELLO and the other's: two halves of two
   contexts each. */
static void
test_unauthenticated_memory_is_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; bulk_impls[i]; i++)
		assert_in_range(sizeof(struct conn) + IN_SIZE_HANDSHAKE + OUT_SIZE_HANDSHAKE +
					4 * bulk_impls[i]->context_size,
			LINE_SIZE_MAX, 64 * 1024);
}

/* What an end has ready; every piece is there once. */
struct stock {
	struct pair_end *end;
	unsigned prepared, ephemeral; /* left */
};
static struct stock stocks[2];

static struct stock *
stock_of(void *arg)
{
	return stocks[0].end == arg ? &stocks[0] : &stocks[1];
}

static bool
take_prepared(void *arg, const struct asym_impl *asym, const uint8_t *key, uint8_t *prepared)
{
	struct stock *s = stock_of(arg);

	assert_memory_equal(key, s->end->peer->public_keys[0], asym->algorithm->public_size);
	return s->prepared > 0 && s->prepared-- > 0 &&
		asym->prepare(asym, &random_system, key, prepared) == 0;
}

static bool
take_ephemeral(void *arg, uint8_t own_private[X25519_SIZE], uint8_t own_public[X25519_SIZE])
{
	struct stock *s = stock_of(arg);

	if (s->ephemeral == 0)
		return false;
	s->ephemeral--;
	x25519_generate(&random_system, own_private, own_public);
	return true;
}

static void
assert_stock(unsigned prepared_i, unsigned prepared_r, unsigned ephemeral)
{
	const uint8_t zero[ASYM_PREPARED_MAX] = {0};

	assert_int_equal(stocks[0].prepared, prepared_i);
	assert_int_equal(stocks[1].prepared, prepared_r);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stocks[i].ephemeral, ephemeral);
		/* Nothing of it is left where it was used. */
		assert_memory_equal(conn_of(i)->handshake.job.prepared, zero, sizeof(zero));
		assert_memory_equal(conn_of(i)->handshake.job.ephemeral_private, zero, X25519_SIZE);
	}
}

/* Handshakes and renewals use what is ready, each piece once, and go on without when there is no
   more. */
static void
test_work_done_ahead(void **state)
{
	static const char *const asym[] = {"X25519", "ElGamal 2048"};
	struct span payload;
	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		bool one_flight = round & 1;
		pair_init(&pair, round, LIST(asym[round / 2]), LIST("AES 128"));
		for (int i = 0; i < 2; i++) {
			stocks[i] = (struct stock){&pair.ends[i], 4, 1};
			pair.ends[i].config.take_prepared = take_prepared;
			pair.ends[i].config.take_ephemeral = take_ephemeral;
			pair.ends[i].config.renewal.gap = 0;
		}
		if (one_flight)
			pair_remember(&pair);
		pair_up(&pair);
		/* C encrypts one key, S two. Who is C: I where one flight was enough, else whoever
		   suggested the last name. */
		bool i_is_s = stocks[0].prepared == 2;
		assert_false(one_flight && i_is_s);
		assert_stock(i_is_s ? 2 : 3, i_is_s ? 3 : 2, 0);
		for (int i = 0; i < 2; i++) { /* the second one finds too little */
			conn_renew(conn_of(0));
			conn_tick(conn_of(0), pair.now += NS_PER_S);
			for (int turn = 0; turn < 8; turn++)
				assert_int_equal(pair_receive(&pair, turn & 1, &payload), 0);
		}
		assert_int_equal(conn_renewals(conn_of(0)), 2);
		assert_stock(i_is_s ? 0 : 1, i_is_s ? 1 : 0, 0);
		pair_assert_exchange(&pair, 0, "after");
		pair_fini(&pair);
	}
}

int
main(void)
{
	asym_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_every_pair_of_algorithms, teardown),
		cmocka_unit_test_teardown(test_any_split, teardown),
		cmocka_unit_test_teardown(test_end_of_input_and_late_job, teardown),
		cmocka_unit_test_teardown(test_nothing_of_a_handshake_is_left, teardown),
		cmocka_unit_test_teardown(test_nothing_of_a_renewal_is_left, teardown),
		cmocka_unit_test_teardown(test_a_changed_bit_never_authenticates, teardown),
		cmocka_unit_test_teardown(test_a_changed_record_ends_the_link, teardown),
		cmocka_unit_test_teardown(test_ratchets_past_256_epochs, teardown),
		cmocka_unit_test_teardown(test_cast128_steps_before_8_mib, teardown),
		cmocka_unit_test_teardown(test_ratchet_after_15_minutes, teardown),
		cmocka_unit_test_teardown(test_bad_key_updates, teardown),
		cmocka_unit_test_teardown(test_work_done_ahead, teardown),
		cmocka_unit_test_teardown(test_room_and_biggest_record, teardown),
		cmocka_unit_test(test_the_longest_hello),
		cmocka_unit_test_teardown(test_nothing_is_sent_before_hello, teardown),
		cmocka_unit_test_teardown(test_peek, teardown),
		cmocka_unit_test_teardown(test_peek_at_a_forged_record, teardown),
		cmocka_unit_test(test_unauthenticated_memory_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
