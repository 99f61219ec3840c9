/* Knows how to make, feed and check two connections; what comes in between is chosen by the
   fuzzers. */
#include "ends.h"

#include "secureconn/conn_state.h"

#define UNAUTHENTICATED_MAX (64u * 1024) /* protocol.md 11 */
#define MEMORY_UP_MAX       (1u << 20)

static bool
accept_key(void *arg, const struct asym_impl *asym, const uint8_t *public_key)
{
	struct end *e = arg;

	e->asked++;
	/* A second time where SecureConn 1.1 went back to 1.0. */
	FUZZ_ASSERT(e->asked <= 2 && asym == e->key.asym);
	if (e->refuse)
		return false;
	return e->accept_all ||
	       memcmp(public_key, e->peer->public_key, asym->algorithm->public_size) == 0;
}

static bool
find_key(void *arg, const struct asym_impl *asym, const char *fingerprint, uint8_t *public_key)
{
	struct end *e = arg;
	char known[FINGERPRINT_SIZE];

	FUZZ_ASSERT(asym == e->key.asym);
	fingerprint_of(known, asym->algorithm, e->peer->public_key);
	if (strcmp(known, fingerprint) != 0)
		return false;
	memcpy(public_key, e->peer->public_key, asym->algorithm->public_size);
	return true;
}

void
end_remember(struct end *e)
{
	e->memory = (struct conn_memory){.own = &e->key, .bulk = e->bulk[0]};
	memcpy(e->memory.peer_public, e->peer->public_key, e->key.asym->algorithm->public_size);
	e->config.memory = &e->memory;
	e->config.find_key = find_key;
}

/* Made once: two scalar multiplications would be most of a short execution. */
static void
set_key(struct end *e, size_t which)
{
	static struct end made[2];
	const struct asym_impl *asym = asym_find("X25519");

	if (!made[which].key.asym) {
		fuzz_random_init(&made[which].random, which + 1);
		FUZZ_ASSERT(asym->generate(asym, &made[which].random.source,
				    made[which].private_key, made[which].public_key) == 0);
		made[which].key.asym = asym;
	}
	memcpy(e->private_key, made[which].private_key, sizeof(e->private_key));
	memcpy(e->public_key, made[which].public_key, sizeof(e->public_key));
	e->key = (struct conn_key){asym, e->public_key, e->private_key};
}

/* The answer is a matter of the key, so that it is the same in every execution. */
static bool
judge_roll(void *arg, const struct asym_impl *asym, const uint8_t *public_key, uint8_t *answer)
{
	(void)arg;
	(void)asym;
	*answer = public_key[0] & 3;
	return *answer < 3;
}

void
end_answer_rolls(struct end *e)
{
	struct conn_roll roll;

	while (conn_next_roll(e->conn, &roll)) {
		FUZZ_ASSERT(roll.asym && roll.public_key && roll.answer < 3);
		if (roll.kind == CONN_ROLL_PROVEN)
			conn_answer_roll(e->conn, roll.public_key[1] % 3);
	}
}

void
ends_init(struct end ends[2])
{
	memset(ends, 0, 2 * sizeof(ends[0]));
	for (size_t i = 0; i < 2; i++) {
		struct end *e = &ends[i];
		e->peer = &ends[1 - i];
		set_key(e, i);
		fuzz_random_init(&e->random, i + 10);
		e->config.initiator = i == 0;
		e->config.keys = &e->key;
		e->config.n_keys = 1;
		e->config.random = e->random.source;
		e->config.hello =
			(struct hello){.window = 65536, .max_streams = 100, .name = "end"};
		/* Only when it is asked for, as often as that is, and never overdue. */
		e->config.renewal = (struct renewal_rules){.after = UINT64_MAX / 4,
			.deadline = UINT64_MAX / 4,
			.latest = UINT64_MAX / 2,
			.most = UINT32_MAX};
		e->config.accept_key = accept_key;
		e->config.judge_roll = judge_roll;
		e->config.arg = e;
		end_set_bulk(e, 0);
	}
}

void
end_set_bulk(struct end *e, uint8_t choice)
{
	size_t algorithms = 0, n = 0;

	while (bulk_algorithms[algorithms])
		algorithms++;
	/* As many as choice / 6 says, beginning at choice % 6, by the first or last library. */
	for (size_t i = 0; i < 1 + choice / 6 % algorithms; i++) {
		const struct bulk_algorithm *a = bulk_algorithms[(choice + i) % algorithms];
		const struct bulk_impl *found = NULL;
		for (size_t k = 0; bulk_impls[k]; k++)
			if (bulk_impls[k]->algorithm == a && (!found || choice & 0x80))
				found = bulk_impls[k];
		if (found)
			e->bulk[n++] = found;
	}
	/* Every node has it as a last resort (protocol.md 2); and a build without libgcrypt has no
	   OCB. */
	if (n == 0)
		e->bulk[n++] = bulk_impls[0];
	e->config.bulk = e->bulk;
	e->config.n_bulk = n;
}

void
end_start(struct end *e)
{
	e->conn = conn_new(&e->config, e->now);
	FUZZ_ASSERT(e->conn);
}

/* What the handshake would have left behind. */
static void
agree_by_hand(struct end *e)
{
	struct handshake *h = &e->conn->handshake;

	h->client = e->config.initiator;
	h->own = &e->key;
	h->bulk = e->bulk[0];
	memcpy(h->peer_key, e->peer->public_key, e->key.asym->algorithm->public_size);
	handshake_rest(h);
	e->conn->info = (struct conn_info){.asym = e->key.asym,
		.bulk = e->bulk[0],
		.peer_public = e->peer->public_key,
		.key_stage = true};
	e->asked = 1;
}

static void
force_up(struct end *e)
{
	struct conn *c = e->conn;
	uint8_t secret[HASH_SIZE];
	size_t n;

	FUZZ_ASSERT(record_half_init(&c->sending, e->bulk[0]) == SC_OK);
	FUZZ_ASSERT(record_half_init(&c->receiving, e->bulk[0]) == SC_OK);
	for (uint8_t channel = 1; channel <= 2; channel++) {
		bool i = e->config.initiator;
		memset(secret, 4 * channel + (i ? 0 : 1), sizeof(secret));
		FUZZ_ASSERT(record_set_secret(&c->sending, channel, secret, 1, e->now) == SC_OK);
		memset(secret, 4 * channel + (i ? 1 : 0), sizeof(secret));
		FUZZ_ASSERT(record_set_secret(&c->receiving, channel, secret, 1, e->now) == SC_OK);
	}
	conn_out_buf(c, &n);
	conn_out_ack(c, n); /* the first line */
	agree_by_hand(e);
	c->peer_hello = e->peer->config.hello;
	c->phase = CONN_UP;
	renewal_init(&c->renewal, e->now);
	conn_out_ack(c, 0);
}

void
ends_start_up(struct end ends[2])
{
	for (size_t i = 0; i < 2; i++) {
		end_start(&ends[i]);
		force_up(&ends[i]);
	}
}

void
end_fini(struct end *e)
{
	if (e->job)
		end_finish_job(e);
	conn_free(e->conn);
	e->conn = NULL;
}

bool
end_give(struct end *e, const void *data, size_t n)
{
	size_t room;
	uint8_t *in = conn_in_buf(e->conn, &room);

	if (n > room)
		return false;
	if (n > 0)
		memcpy(in, data, n);
	conn_in_ack(e->conn, n, e->now);
	return true;
}

bool
end_run_job(struct end *e)
{
	struct conn_job *job = conn_job(e->conn);

	if (!job)
		return false;
	FUZZ_ASSERT(!e->job); /* one at a time */
	e->job = job;
	conn_job_run(job);
	return true;
}

bool
end_finish_job(struct end *e)
{
	struct conn_job *job = e->job;

	if (!job)
		return false;
	e->job = NULL;
	conn_job_done(e->conn, job, e->now);
	return true;
}

/* ---- what must hold ---- */

static void
check_failed(struct end *e)
{
	static const uint8_t bytes[RECORD_PLAINTEXT_MIN];
	struct conn *c = e->conn;
	struct span plaintext, part = {bytes, sizeof(bytes)};
	uint8_t channel;
	size_t n;

	FUZZ_ASSERT(e->failed == SC_OK || e->failed == conn_error(c));
	e->failed = conn_error(c);
	FUZZ_ASSERT(e->failed > SC_OK && e->failed < SC_ERROR_COUNT);
	FUZZ_ASSERT(e->failed != SC_ERR_INTERNAL && e->failed != SC_ERR_MEMORY);
	conn_in_buf(c, &n);
	FUZZ_ASSERT(n == 0 && conn_room(c) == 0 && !conn_job(c));
	FUZZ_ASSERT(conn_receive(c, &channel, &plaintext) == -1);
	FUZZ_ASSERT(conn_send(c, CHANNEL_DATA, &part, 1, e->now) == e->failed);
	conn_fail(c, SC_ERR_TIMEOUT);
	FUZZ_ASSERT(conn_error(c) == e->failed);
}

static size_t
memory_of(const struct conn *c)
{
	size_t size = sizeof(*c) + c->in_size + c->out.size;

	if (c->sending.impl)
		size += 4 * c->sending.impl->context_size;
	return size;
}

void
end_check(struct end *e)
{
	struct conn *c = e->conn;
	size_t n;

	FUZZ_ASSERT((conn_phase(c) == CONN_FAILED) == (conn_error(c) != SC_OK));
	FUZZ_ASSERT(!e->failed || conn_error(c) == e->failed);
	FUZZ_ASSERT(FRAME_HEAD_SIZE + c->peer_hello_size <= HELLO_RECORD_MAX);
	FUZZ_ASSERT(conn_pending(c) <= OUT_SIZE_UP && memory_of(c) <= MEMORY_UP_MAX);
	switch (conn_phase(c)) {
	case CONN_FAILED:
		check_failed(e);
		break;
	case CONN_HANDSHAKE:
		FUZZ_ASSERT(memory_of(c) <= UNAUTHENTICATED_MAX && conn_room(c) == 0);
		/* fall through */
	case CONN_UP:
		conn_in_buf(c, &n);
		FUZZ_ASSERT(n > 0 || e->job || c->handshake.job.kind != JOB_NONE);
		break;
	}
}

void
ends_check_agreement(struct end ends[2])
{
	struct conn_info info[2];

	for (size_t i = 0; i < 2; i++) {
		const struct conn *from = ends[i].conn, *to = ends[1 - i].conn;
		conn_get_info(from, &info[i]);
		FUZZ_ASSERT(info[i].key_stage && ends[i].asked > 0);
		FUZZ_ASSERT(memcmp(info[i].peer_public, ends[1 - i].public_key,
				    info[i].asym->algorithm->public_size) == 0);
		FUZZ_ASSERT(from->sending.seq == to->receiving.seq);
		FUZZ_ASSERT(from->renewal.done == to->renewal.done && !from->renewal.under_way);
		FUZZ_ASSERT(conn_room(from) == RECORD_PLAINTEXT_MAX);
		for (size_t k = 0; k < 2; k++) {
			const struct record_channel *a = &from->sending.channels[k];
			const struct record_channel *b = &to->receiving.channels[k];
			FUZZ_ASSERT(a->epoch >= 1 && a->epoch == b->epoch);
			FUZZ_ASSERT(memcmp(a->secret, b->secret, HASH_SIZE) == 0);
		}
	}
	FUZZ_ASSERT(info[0].asym == info[1].asym);
	FUZZ_ASSERT(info[0].bulk->algorithm == info[1].bulk->algorithm);
}
