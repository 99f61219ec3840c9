/* Tests secureconn/keyroll.c: a new key is announced, challenged, proven and answered, in either
   direction, and nothing out of order is taken. */
#include "conn_pair.h"

#include "secureconn/conn_state.h"

/* A new key of one end, and what its peer is to say to it. */
struct end {
	uint8_t public_key[ASYM_PUBLIC_MAX], private_key[ASYM_PRIVATE_MAX];
	struct conn_key key;
	bool at_once;
	uint8_t answer; /* of this end's owner, to the other's key */
	unsigned judged, proven, answers;
	uint8_t heard; /* the peer's last answer */
};

static struct pair pair;
static struct end ends[2];
static unsigned frames[5]; /* by step */

static struct conn *
conn_of(int end)
{
	return pair.ends[end].conn;
}

static bool
judge_roll(void *arg, const struct asym_impl *asym, const uint8_t *public_key, uint8_t *answer)
{
	struct pair_end *at = arg;
	struct end *end = &ends[at - pair.ends];

	(void)asym;
	(void)public_key;
	end->judged++;
	*answer = end->answer;
	return end->at_once;
}

static int
teardown(void **state)
{
	(void)state;
	pair_fini(&pair);
	return 0;
}

static void
start(uint64_t seed, const char *asym)
{
	pair_init(&pair, seed, LIST("X25519"), LIST("AES 256"));
	memset(ends, 0, sizeof(ends));
	memset(frames, 0, sizeof(frames));
	for (int i = 0; i < 2; i++) {
		const struct asym_impl *impl = asym_find(asym);
		pair.ends[i].config.judge_roll = judge_roll;
		pair.ends[i].config.renewal.gap = 1;
		assert_int_equal(impl->generate(impl, &pair.random.source, ends[i].private_key,
					 ends[i].public_key),
			0);
		ends[i].key = (struct conn_key){impl, ends[i].public_key, ends[i].private_key};
	}
	pair_up(&pair);
}

static void
owner(int i)
{
	struct conn_roll roll;

	while (conn_next_roll(conn_of(i), &roll)) {
		if (roll.kind == CONN_ROLL_ANSWER) {
			ends[i].answers++;
			ends[i].heard = roll.answer;
			assert_memory_equal(roll.public_key, ends[i].public_key,
				roll.asym->algorithm->public_size);
			continue;
		}
		ends[i].proven++;
		assert_memory_equal(
			roll.public_key, ends[1 - i].public_key, roll.asym->algorithm->public_size);
		conn_answer_roll(conn_of(i), ends[i].answer);
	}
}

static void
settle(void)
{
	struct span payload;
	bool any = true;

	while (any) {
		any = false;
		for (int i = 0; i < 2; i++) {
			unsigned type = pair_receive(&pair, i, &payload);
			if (type == FRAME_KEYROLL) {
				frames[payload.data[0]]++;
				assert_int_equal(
					conn_control(conn_of(i), type, payload, pair.now), SC_OK);
			}
			any |= type != 0;
			owner(i);
		}
	}
}

static enum sc_error
announce(int end)
{
	return conn_announce(conn_of(end), &ends[end].key, pair.now);
}

static void
test_either_way(void **state)
{
	static const char *const asym[] = {"X25519", "ElGamal 2048"};
	(void)state;
	for (int end = 0; end < 2; end++)
		for (size_t a = 0; a < ARRAY_SIZE(asym); a++)
			for (uint8_t answer = 0; answer < 3; answer++) {
				start(10 + answer, asym[a]);
				ends[1 - end].answer = answer;
				assert_int_equal(announce(end), SC_OK);
				assert_int_equal(announce(end), SC_ERR_LIMIT); /* one at a time */
				settle();
				assert_int_equal(ends[end].answers, 1);
				assert_int_equal(ends[end].heard, answer);
				assert_int_equal(ends[1 - end].proven, 1);
				for (unsigned step = 1; step <= 4; step++)
					assert_int_equal(frames[step], 1);
				assert_null(conn_of(0)->keyroll.work); /* nothing is kept */
				assert_null(conn_of(1)->keyroll.work);
				pair_assert_exchange(&pair, 0, "after");
				pair_fini(&pair);
			}
}

static void
test_both_at_once(void **state)
{
	(void)state;
	start(2, "X25519");
	ends[0].answer = 1;
	assert_int_equal(announce(0), SC_OK);
	assert_int_equal(announce(1), SC_OK);
	settle();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ends[i].answers, 1);
		assert_int_equal(ends[i].proven, 1);
		assert_int_equal(ends[i].heard, ends[1 - i].answer);
	}
}

static void
test_answered_at_once(void **state)
{
	(void)state;
	for (uint8_t answer = 0; answer < 3; answer++) {
		start(3, "X25519");
		ends[1].at_once = true;
		ends[1].answer = answer;
		assert_int_equal(announce(0), SC_OK);
		settle();
		assert_int_equal(ends[0].heard, answer);
		assert_int_equal(ends[0].answers, 1);
		assert_int_equal(frames[2] + frames[3], 0);
		assert_int_equal(ends[1].proven, 0);
		pair_fini(&pair);
	}
}

/* Renewals have jobs and KEY_UPDATEs of their own; hh stays that of the HELLOs. */
static void
test_during_and_after_a_renewal(void **state)
{
	(void)state;
	start(4, "X25519");
	for (int round = 0; round < 3; round++) {
		pair.now += NS_PER_S;
		conn_renew(conn_of(0));
		conn_tick(conn_of(0), pair.now);
		assert_int_equal(announce(round % 2), SC_OK);
		settle();
		assert_int_equal(ends[round % 2].answers, 1 + (unsigned)round / 2);
		assert_int_equal(conn_renewals(conn_of(1)), 1 + round);
	}
	pair_assert_exchange(&pair, 1, "after");
}

static void
test_a_key_of_somebody_else(void **state)
{
	(void)state;
	start(5, "X25519");
	ends[0].private_key[3] ^= 1; /* so the challenge does not open */
	assert_int_equal(announce(0), SC_OK);
	settle();
	assert_int_equal(ends[0].heard, 2);
	assert_int_equal(ends[1].proven, 0);
	assert_int_equal(frames[3], 1);
}

static size_t
announcement(uint8_t *out, const char *name, const uint8_t *key, size_t n)
{
	out[0] = 1;
	out[1] = (uint8_t)strlen(name);
	memcpy(out + 2, name, strlen(name));
	memcpy(out + 2 + strlen(name), key, n);
	return 2 + strlen(name) + n;
}

/* What V says to a frame of N's: SC_OK, with the result it answers, or what is wrong. */
static enum sc_error
give(const uint8_t *payload, size_t n, int *result)
{
	struct span got;
	enum sc_error error;

	*result = -1;
	assert_int_equal(pair_send(&pair, 0, FRAME_KEYROLL, payload, n), SC_OK);
	assert_int_equal(pair_receive(&pair, 1, &got), FRAME_KEYROLL);
	if ((error = conn_control(conn_of(1), FRAME_KEYROLL, got, pair.now)) != SC_OK)
		return error;
	if (pair_receive(&pair, 0, &got) == FRAME_KEYROLL && got.data[0] == 4)
		*result = got.data[1];
	return SC_OK;
}

static void
test_no_key_at_all(void **state)
{
	uint8_t frame[400] = {0}, zero[256] = {0};
	int result;
	(void)state;

	start(6, "X25519");
	assert_int_equal(give(frame, announcement(frame, "X448", zero, 56), &result), SC_OK);
	assert_int_equal(result, 2);
	assert_int_equal(give(frame, announcement(frame, "X25519", zero, 31), &result), SC_OK);
	assert_int_equal(result, 2);
	assert_int_equal(give(frame, announcement(frame, "X25519\0", zero, 33), &result), SC_OK);
	assert_int_equal(result, 2);
	assert_int_equal(ends[1].judged, 0);
	assert_int_equal(
		give(frame, announcement(frame, "X25519", zero, 32), &result), SC_OK); /* invalid */
	assert_int_equal(result, 2);
	assert_int_equal(
		give(frame, announcement(frame, "ElGamal 2048", zero, 256), &result), SC_OK);
	assert_int_equal(result, 2);
	assert_int_equal(ends[1].judged, 2);
	assert_int_equal(ends[1].proven, 0);
}

static void
test_out_of_order(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[80];
		size_t size;
	} frames_wrong[] = {
		{"nothing", {0}, 0}, {"step 0", {0}, 1}, {"step 5", {5, 0}, 2},
		{"no name", {1, 0, 1, 2}, 4}, {"no length", {1}, 1},
		{"a name that is cut", {1, 7, 'X', '2'}, 4},
		{"a challenge to nothing", {2}, 81}, {"a proof of nothing", {3}, 33},
		{"a result of nothing", {4, 0}, 2},
	};
	uint8_t frame[100];
	int result;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(frames_wrong); i++) {
		start(7, "X25519");
		uint8_t payload[100] = {0};
		memcpy(payload, frames_wrong[i].bytes, sizeof(frames_wrong[i].bytes));
		if (give(payload, frames_wrong[i].size, &result) != SC_ERR_FRAME)
			fail_msg("%s is taken", frames_wrong[i].what);
		pair_fini(&pair);
	}
	/* A second announcement while the first waits for its proof; a proof of another length. */
	for (int which = 0; which < 2; which++) {
		start(8, "X25519");
		size_t n = announcement(frame, "X25519", ends[0].public_key, 32);
		assert_int_equal(give(frame, n, &result), SC_OK);
		assert_int_equal(result, -1); /* a challenge */
		if (which == 1) {
			frame[0] = 3;
			n = 32;
		}
		assert_int_equal(give(frame, n, &result), SC_ERR_FRAME);
		pair_fini(&pair);
	}
	/* What N must not take: a challenge of another length, a result that is none. */
	static const uint8_t wrong[][2] = {{2, 0}, {4, 3}};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct span got;
		start(9, "X25519");
		assert_int_equal(announce(0), SC_OK);
		assert_int_equal(pair_receive(&pair, 1, &got), FRAME_KEYROLL);
		assert_int_equal(pair_send(&pair, 1, FRAME_KEYROLL, wrong[i], 2), SC_OK);
		assert_int_equal(pair_receive(&pair, 0, &got), FRAME_KEYROLL);
		assert_int_equal(
			conn_control(conn_of(0), FRAME_KEYROLL, got, pair.now), SC_ERR_FRAME);
		pair_fini(&pair);
	}
}

static void
test_ten_in_an_hour(void **state)
{
	uint8_t frame[100];
	int result;
	(void)state;

	start(11, "X25519");
	ends[1].at_once = true;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(announce(0), SC_OK);
		settle();
	}
	assert_int_equal(ends[0].answers, 5);
	assert_int_equal(announce(0), SC_ERR_LIMIT); /* this node does not overdo it, */
	size_t n = announcement(frame, "X25519", ends[0].public_key, 32);
	for (int i = 5; i < 10; i++)
		assert_int_equal(give(frame, n, &result), SC_OK);
	assert_int_equal(give(frame, n, &result), SC_ERR_FRAME); /* and takes ten, not more */
	pair_fini(&pair);

	start(12, "X25519");
	ends[1].at_once = true;
	for (int i = 0; i < 12; i++) {
		assert_int_equal(announce(0), SC_OK);
		settle();
		pair.now += 800 * NS_PER_S;
	}
	assert_int_equal(ends[0].answers, 12);
}

static void
test_without_a_judge(void **state)
{
	(void)state;
	start(13, "X25519");
	pair_fini(&pair);
	pair_init(&pair, 13, LIST("X25519"), LIST("AES 256"));
	pair_up(&pair);
	ends[1].answers = 0;
	assert_int_equal(announce(0), SC_OK);
	settle();
	assert_int_equal(ends[0].heard, 2);
}

/* The challenge opens with the label of protocol.md 12, whichever side N is. */
static void
test_label(void **state)
{
	(void)state;
	for (int n = 0; n < 2; n++) {
		uint8_t head[19 + HASH_SIZE + 1] = "SecureConn KEYROLL", nonce[KEYROLL_NONCE];
		struct span payload;
		start(8, "X25519");
		const struct asym_impl *impl = ends[n].key.asym;
		assert_int_equal(announce(n), SC_OK);
		assert_int_equal(pair_receive(&pair, 1 - n, &payload), FRAME_KEYROLL);
		assert_int_equal(
			conn_control(conn_of(1 - n), FRAME_KEYROLL, payload, pair.now), SC_OK);
		assert_int_equal(pair_receive(&pair, n, &payload), FRAME_KEYROLL);
		memcpy(head + 19, conn_of(n)->hh, HASH_SIZE);
		head[19 + HASH_SIZE] = n == 0 ? 'I' : 'R';
		const struct span label[] = {
			{head, sizeof(head)}, {ends[n].public_key, X25519_SIZE}};
		assert_int_equal(impl->decrypt(impl, &pair.random.source, ends[n].private_key,
					 label, (struct span){payload.data + 1, payload.size - 1},
					 nonce, sizeof(nonce)),
			0);
		assert_memory_equal(nonce, conn_of(1 - n)->keyroll.work->nonce, sizeof(nonce));
		pair_fini(&pair);
	}
}

static enum sc_error
step(int at, uint8_t number, size_t size)
{
	static uint8_t payload[1 + ASYM_CIPHERTEXT_MAX];

	payload[0] = number;
	return conn_control(conn_of(at), FRAME_KEYROLL, (struct span){payload, 1 + size}, pair.now);
}

/* What one direction waits for is no step of the other, and none comes twice. */
static void
test_out_of_order_while_one_is_under_way(void **state)
{
	struct span payload;
	(void)state;
	start(7, "X25519");
	assert_int_equal(announce(0), SC_OK);
	/* N has announced, and has been announced nothing. */
	assert_int_equal(step(0, 3, KEYROLL_NONCE), SC_ERR_FRAME);
	assert_int_equal(step(0, 2, 79), SC_ERR_FRAME);
	assert_int_equal(step(0, 4, 2), SC_ERR_FRAME);
	assert_int_equal(pair_receive(&pair, 1, &payload), FRAME_KEYROLL);
	uint8_t first[1 + 1 + 6 + X25519_SIZE];
	assert_int_equal(payload.size, sizeof(first));
	memcpy(first, payload.data, sizeof(first));
	assert_int_equal(conn_control(conn_of(1), FRAME_KEYROLL, payload, pair.now), SC_OK);
	/* V makes its challenge, and has announced nothing. */
	assert_int_equal(step(1, 3, KEYROLL_NONCE), SC_ERR_FRAME);
	assert_int_equal(step(1, 2, 80), SC_ERR_FRAME);
	assert_int_equal(step(1, 4, 1), SC_ERR_FRAME);
	assert_int_equal(conn_control(conn_of(1), FRAME_KEYROLL,
				 (struct span){first, sizeof(first)}, pair.now),
		SC_ERR_FRAME);
	assert_int_equal(pair_receive(&pair, 0, &payload), FRAME_KEYROLL);
	assert_int_equal(conn_control(conn_of(0), FRAME_KEYROLL, payload, pair.now), SC_OK);
	/* N opens the challenge. */
	assert_int_equal(step(0, 2, 80), SC_ERR_FRAME);
	assert_int_equal(step(0, 4, 1), SC_ERR_FRAME);
	settle();
	assert_int_equal(ends[0].answers, 1);
	assert_int_equal(ends[1].proven, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_either_way, teardown),
		cmocka_unit_test_teardown(test_both_at_once, teardown),
		cmocka_unit_test_teardown(test_answered_at_once, teardown),
		cmocka_unit_test_teardown(test_during_and_after_a_renewal, teardown),
		cmocka_unit_test_teardown(test_a_key_of_somebody_else, teardown),
		cmocka_unit_test_teardown(test_no_key_at_all, teardown),
		cmocka_unit_test_teardown(test_out_of_order, teardown),
		cmocka_unit_test_teardown(test_ten_in_an_hour, teardown),
		cmocka_unit_test_teardown(test_without_a_judge, teardown),
		cmocka_unit_test_teardown(test_out_of_order_while_one_is_under_way, teardown),
		cmocka_unit_test_teardown(test_label, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
