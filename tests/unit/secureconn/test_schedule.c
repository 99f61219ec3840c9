/* Tests secureconn/schedule.c, job.c's labels and hello.c against whole recorded conversations. */
#include "unit.h"

#include "secureconn/job.h"
#include "secureconn/record.h"
#include "secureconn/schedule.h"

/* What an observer who holds both private keys learns from a conversation. */
struct observer {
	const struct vector_section *s;
	const struct asym_impl *asym;
	const struct bulk_algorithm *bulk;
	uint8_t public_keys[2][ASYM_PUBLIC_MAX]; /* 0: I's, 1: R's */
	struct transcript transcript;
	uint8_t keys[SESSION_KEYS][BULK_KEY_MAX];
};

static void
assert_value(const struct observer *o, const char *key, const uint8_t *value, size_t n)
{
	size_t size;
	const uint8_t *expected = vector_bytes(o->s, key, &size);
	assert_int_equal(size, n);
	assert_memory_equal(value, expected, n);
}

static void
read_session_key(struct observer *o, unsigned index, bool by_initiator, const char *hex)
{
	static struct conn_job job;
	size_t size, recipient = by_initiator ? 1 : 0;

	memset(&job, 0, sizeof(job));
	job.kind = JOB_DECRYPT;
	job.asym = o->asym;
	job.random = random_system;
	job.private_key = vector_bytes(o->s, recipient == 0 ? "I_private" : "R_private", &size);
	job.message_size = 2 * o->bulk->key_size;
	job.ciphertext_size = strlen(hex) / 2;
	assert_int_equal(hex_decode(job.ciphertext, job.ciphertext_size, hex, strlen(hex)), 0);
	job_set_label(&job, index, o->public_keys[1 - recipient], o->public_keys[recipient]);
	conn_job_run(&job);
	if (job.failed)
		fail_msg("[%s] SYM-KEY-%u does not open", vector_name(o->s), index);
	memcpy(o->keys[index - 1], job.message, o->bulk->key_size);
}

static void
open_session_key(struct observer *o, unsigned index, bool by_initiator, const char *hex)
{
	char key[16];

	read_session_key(o, index, by_initiator, hex);
	snprintf(key, sizeof(key), "key_%u", index);
	assert_value(o, key, o->keys[index - 1], o->bulk->key_size);
}

/* Reads the lines up to where th stands: for 1.0 SYM-KEY-3, for 1.1 R's whole flight. */
static void
read_lines(struct observer *o)
{
	bool one_one = strcmp(vector_text(o->s, "protocol"), "SecureConn 1.1") == 0;
	/* A first flight that R answered with 1.0: its SYM-KEY-3 is a line like any other. */
	bool skipped = !one_one && strcmp(vector_text(o->s, "line_1"), "I SecureConn 1.1") == 0;

	for (unsigned i = 1;; i++) {
		char key[16];
		unsigned index;
		int at = 0;
		snprintf(key, sizeof(key), "line_%u", i);
		const char *line = vector_text(o->s, key);
		if (!line)
			break;
		bool by_initiator = line[0] == 'I';
		line += 2;
		bool answer = strstr(line, "SYM-KEY-") == line && strstr(line, ": ACCEPTED");
		/* Not in th: in 1.0 S's last answer, in 1.1 I's two. */
		if (answer && (one_one ? by_initiator : strncmp(line, "SYM-KEY-3", 9) == 0))
			continue;
		transcript_add(&o->transcript, by_initiator,
			(struct span){(const uint8_t *)line, strlen(line)});
		if (strcmp(line, "END") == 0)
			skipped = false;
		if (!skipped && !answer && sscanf(line, "SYM-KEY-%u: %n", &index, &at) == 1 &&
			at > 0)
			open_session_key(o, index, by_initiator, line + at);
	}
}

/* What the section says of itself is what its lines come to: R's first line ends Meta, and who
   shows the first public key is C; in 1.1, where nobody shows one, I is. */
static void
check_agreed(const struct observer *o)
{
	const char *protocol = NULL, *client = "I";
	char key[16];

	for (unsigned i = 1; i < 100; i++) {
		snprintf(key, sizeof(key), "line_%u", i);
		const char *line = vector_text(o->s, key);
		if (line && line[0] == 'R' && !protocol)
			protocol = line + 2;
		if (line && strncmp(line + 2, "ASYM-KEY: ", 10) == 0) {
			client = line[0] == 'I' ? "I" : "R";
			break;
		}
	}
	assert_non_null(protocol);
	assert_string_equal(vector_text(o->s, "protocol"), protocol);
	assert_string_equal(vector_text(o->s, "client"), client);
}

/* Opens a record of `direction` (0: I) under a secret, with that seq and epoch. Returns its
   plaintext. */
static struct span
open_record(
	struct observer *o, const char *key, const uint8_t *secret, uint64_t seq, uint64_t epoch)
{
	static const char *const order[] = {"gcrypt", "nettle"};
	static uint8_t record[2048];
	size_t size;
	struct record_half half;
	struct record_head head;

	const uint8_t *bytes = vector_bytes(o->s, key, &size);
	assert_true(size <= sizeof(record));
	memcpy(record, bytes, size);
	assert_int_equal(record_half_init(&half, bulk_choose(o->bulk, order, 2, NULL)), SC_OK);
	assert_int_equal(record_set_secret(&half, record[0], secret, epoch, 0), SC_OK);
	half.channels[2 - record[0]].epoch = UINT64_MAX;
	half.seq = seq;
	assert_int_equal(record_read_head(&half, record, &head), SC_OK);
	assert_int_equal(record_open(&half, &head, record), SC_OK);
	record_half_fini(&half);
	return (struct span){record + RECORD_HEAD_SIZE, head.size};
}

static void
check_hellos(struct observer *o, struct schedule *s)
{
	uint8_t payload[2][HELLO_RECORD_MAX], shared[X25519_SIZE], theirs[X25519_SIZE];
	size_t size, payload_size[2];
	struct hello hello[2];

	for (int d = 0; d < 2; d++) {
		struct span plain =
			open_record(o, d == 0 ? "hello_I" : "hello_R", s->secret[0][d], 0, 0);
		assert_int_equal(hello_decode(&hello[d], plain.data, plain.size), SC_OK);
		payload_size[d] = plain.size - FRAME_HEAD_SIZE;
		memcpy(payload[d], plain.data + FRAME_HEAD_SIZE, payload_size[d]);
	}
	assert_int_equal(
		x25519_shared(theirs, vector_bytes(o->s, "ephemeral_R", &size), hello[0].key), 0);
	assert_int_equal(
		x25519_shared(shared, vector_bytes(o->s, "ephemeral_I", &size), hello[1].key), 0);
	assert_memory_equal(theirs, shared, X25519_SIZE);
	schedule_hello(s, shared, (struct span){payload[0], payload_size[0]},
		(struct span){payload[1], payload_size[1]});
	assert_value(o, "epoch1_secret_1_I", s->secret[0][0], HASH_SIZE);
	assert_value(o, "epoch1_secret_1_R", s->secret[0][1], HASH_SIZE);
	assert_value(o, "epoch1_secret_2_I", s->secret[1][0], HASH_SIZE);
	assert_value(o, "epoch1_secret_2_R", s->secret[1][1], HASH_SIZE);
	struct span ping = open_record(o, "ping_from_I", s->secret[0][0], 1, 1);
	assert_int_equal(ping.data[0], FRAME_PING);
	struct span data = open_record(o, "data_from_R", s->secret[1][1], 1, 1);
	assert_int_equal(data.data[0], FRAME_DATA);
}

/* The renewal that follows each conversation: S's SYM-KEY-1 and -2, C's SYM-KEY-3, then both
   channels switch. */
static void
check_renewal(struct observer *o, struct schedule *s)
{
	bool client_is_initiator = vector_text(o->s, "client")[0] == 'I';
	uint8_t th[HASH_SIZE], shared[X25519_SIZE], renew[2][X25519_SIZE];
	size_t size;

	for (int d = 0; d < 2; d++) {
		const char *key = d == 0 ? "renew_private_I" : "renew_private_R";
		const struct asym_impl *x25519 = asym_find("X25519");
		assert_int_equal(
			x25519->derive(x25519, vector_bytes(o->s, key, &size), renew[d]), 0);
	}
	assert_int_equal(
		x25519_shared(shared, vector_bytes(o->s, "renew_private_I", &size), renew[1]), 0);
	transcript_init(&o->transcript);
	for (unsigned i = 1; i <= SESSION_KEYS; i++) {
		char key[32];
		bool by_initiator = (i == 3) == client_is_initiator;
		snprintf(key, sizeof(key), "renew_line_%u", i);
		const char *line = vector_text(o->s, key);
		transcript_add(&o->transcript, by_initiator,
			(struct span){(const uint8_t *)line, strlen(line)});
		read_session_key(o, i, by_initiator, line + strlen("SYM-KEY-1: "));
	}
	transcript_renewal_digest(&o->transcript, renew[0], renew[1], th);
	assert_value(o, "renew_th", th, HASH_SIZE);
	for (size_t channel = 0; channel < 2; channel++)
		for (size_t d = 0; d < 2; d++) {
			char key[32];
			struct span key_i = {o->keys[channel], o->bulk->key_size};
			schedule_renew(s->secret[channel][d], key_i,
				(struct span){o->keys[2], o->bulk->key_size}, shared, th);
			snprintf(key, sizeof(key), "renew_secret_%zu_%c", channel + 1,
				d == 0 ? 'I' : 'R');
			assert_value(o, key, s->secret[channel][d], HASH_SIZE);
		}
	assert_int_equal(
		open_record(o, "renew_ping_from_I", s->secret[0][0], 2, 2).data[0], FRAME_PING);
	assert_int_equal(
		open_record(o, "renew_data_from_R", s->secret[1][1], 2, 2).data[0], FRAME_DATA);
}

static void
test_conversations(void **state)
{
	struct vectors *v = vectors_open("conversations.ini");
	static struct observer o;
	struct schedule schedule;
	size_t count = 0, size;
	(void)state;
	for (const struct vector_section *s; (s = vectors_section(v, count)); count++) {
		uint8_t th[HASH_SIZE];
		memset(&o, 0, sizeof(o));
		o.s = s;
		o.asym = asym_find(vector_text(s, "asymmetric"));
		o.bulk = bulk_algorithm_find(vector_text(s, "symmetric"));
		assert_non_null(o.asym);
		assert_non_null(o.bulk);
		assert_int_equal(o.asym->derive(o.asym, vector_bytes(s, "I_private", &size),
					 o.public_keys[0]), 0);
		assert_int_equal(o.asym->derive(o.asym, vector_bytes(s, "R_private", &size),
					 o.public_keys[1]), 0);
		transcript_init(&o.transcript);
		check_agreed(&o);
		read_lines(&o);
		transcript_digest(&o.transcript, th);
		assert_value(&o, "th", th, HASH_SIZE);
		schedule_start(&schedule, th, o.keys, o.bulk->key_size);
		check_hellos(&o, &schedule);
		check_renewal(&o, &schedule);
	}
	assert_true(count >= 6);
	vectors_close(v);
}

int
main(void)
{
	asym_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
