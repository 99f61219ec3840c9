/* Knows how to be the network and the thread pool of two connections. */
#include "conn_pair.h"

static bool
accept_key(void *arg, const struct asym_impl *asym, const uint8_t *public_key)
{
	struct pair_end *end = arg;

	end->asked++;
	for (size_t i = 0; i < end->peer->config.n_keys; i++)
		if (end->peer->keys[i].asym == asym && memcmp(end->peer->public_keys[i], public_key,
							       asym->algorithm->public_size) == 0)
			return !end->refuse_key;
	return false;
}

static bool
find_key(void *arg, const struct asym_impl *asym, const char *fingerprint, uint8_t *public_key)
{
	struct pair_end *end = arg;

	for (size_t i = 0; i < end->peer->config.n_keys; i++) {
		char own[FINGERPRINT_SIZE];
		if (end->peer->keys[i].asym != asym)
			continue;
		fingerprint_of(own, asym->algorithm, end->peer->public_keys[i]);
		if (fingerprint_equal(own, fingerprint)) {
			memcpy(public_key, end->peer->public_keys[i], asym->algorithm->public_size);
			return true;
		}
	}
	return false;
}

void
pair_remember(struct pair *p)
{
	struct pair_end *i = &p->ends[0];

	i->memory.own = &i->keys[0];
	i->memory.bulk = i->bulk[0];
	for (size_t k = 0; k < i->peer->config.n_keys; k++)
		if (i->peer->keys[k].asym == i->keys[0].asym)
			memcpy(i->memory.peer_public, i->peer->public_keys[k], ASYM_PUBLIC_MAX);
	i->config.memory = &i->memory;
}

void
pair_set_asym(struct pair *p, int which, const char *const *names)
{
	struct pair_end *end = &p->ends[which];
	size_t n = 0;

	for (; names[n]; n++) {
		const struct asym_impl *asym = asym_find(names[n]);
		assert_non_null(asym);
		assert_true(n < PAIR_LIST_MAX);
		assert_int_equal(asym->generate(asym, &p->random.source, end->private_keys[n],
					 end->public_keys[n]), 0);
		end->keys[n] = (struct conn_key){asym, end->public_keys[n], end->private_keys[n]};
	}
	end->config.keys = end->keys;
	end->config.n_keys = n;
}

void
pair_set_bulk(struct pair *p, int which, const char *const *names)
{
	static const char *const order[] = {"gcrypt", "nettle"};
	struct pair_end *end = &p->ends[which];
	size_t n = 0;

	for (; names[n]; n++) {
		const struct bulk_algorithm *algorithm = bulk_algorithm_find(names[n]);
		assert_non_null(algorithm);
		assert_true(n < PAIR_LIST_MAX);
		end->bulk[n] = bulk_choose(algorithm, order, ARRAY_SIZE(order), NULL);
		assert_non_null(end->bulk[n]);
	}
	end->config.bulk = end->bulk;
	end->config.n_bulk = n;
}

void
pair_init(struct pair *p, uint64_t seed, const char *const *asym, const char *const *bulk)
{
	memset(p, 0, sizeof(*p));
	seeded_random_init(&p->random, seed);
	for (int i = 0; i < 2; i++) {
		struct pair_end *end = &p->ends[i];
		end->peer = &p->ends[1 - i];
		end->config.initiator = i == 0;
		end->config.random = p->random.source;
		end->config.hello = (struct hello){.window = 65536, .max_streams = 100,
			.has_instance = true};
		end->config.renewal = renewal_rules_default;
		snprintf(end->config.hello.name, sizeof(end->config.hello.name), "end-%d", i);
		end->config.accept_key = accept_key;
		end->config.find_key = find_key;
		end->config.arg = end;
		pair_set_asym(p, i, asym);
		pair_set_bulk(p, i, bulk);
	}
}

void
pair_start(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		p->ends[i].conn = conn_new(&p->ends[i].config, p->now);
		assert_non_null(p->ends[i].conn);
	}
}

static void
record_bytes(struct pair_end *end, const uint8_t *data, size_t n)
{
	end->sent = realloc(end->sent, end->sent_size + n);
	assert_non_null(end->sent);
	memcpy(end->sent + end->sent_size, data, n);
	end->sent_size += n;
}

/* Moves what one end has to say, or a part of it, to the other. */
static bool
move_bytes(struct pair *p, int from)
{
	struct pair_end *end = &p->ends[from];
	size_t n, room;
	const uint8_t *out = conn_out_buf(end->conn, &n);
	uint8_t *in = conn_in_buf(end->peer->conn, &room);

	if (p->chunk_max > 0)
		n = min_size(n, 1 + seeded_random_below(&p->random, p->chunk_max));
	n = min_size(n, room);
	if (n == 0)
		return false;
	if (p->record)
		record_bytes(end, out, n);
	memcpy(in, out, n);
	size_t arrives = p->meddle ? p->meddle(p, from, in, n) : n;
	conn_out_ack(end->conn, n);
	conn_in_ack(end->peer->conn, arrives, p->now);
	return true;
}

static bool
run_job(struct pair *p, int which)
{
	struct conn *conn = p->ends[which].conn;
	struct conn_job *job = conn_job(conn);

	if (!job)
		return false;
	conn_job_run(job);
	conn_job_done(conn, job, p->now);
	return true;
}

bool
pair_step(struct pair *p, int end)
{
	bool ran = run_job(p, end);
	bool moved = move_bytes(p, end);

	return ran || moved;
}

bool
pair_run(struct pair *p)
{
	bool any = false;

	for (bool moved = true; moved;) {
		moved = false;
		for (int i = 0; i < 2; i++)
			moved |= pair_step(p, i);
		any |= moved;
	}
	return any;
}

void
pair_up(struct pair *p)
{
	pair_start(p);
	pair_run(p);
	for (int i = 0; i < 2; i++) {
		if (conn_phase(p->ends[i].conn) != CONN_UP)
			fail_msg("end %d is not up: %s", i,
				sc_error_name(conn_error(p->ends[i].conn)));
	}
}

void
pair_fini(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		conn_free(p->ends[i].conn);
		free(p->ends[i].sent);
	}
	memset(p, 0, sizeof(*p));
}

void
pair_type(struct pair *p, int end, const char *text)
{
	struct conn *conn = p->ends[end].conn;
	size_t n;
	uint8_t *in = conn_in_buf(conn, &n);

	assert_true(n >= strlen(text));
	memcpy(in, text, strlen(text));
	conn_in_ack(conn, strlen(text), p->now);
}

void
pair_assert_says(struct pair *p, int end, const char *text)
{
	struct conn *conn = p->ends[end].conn;
	size_t n;
	const uint8_t *out = conn_out_buf(conn, &n);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(out, text, n);
	conn_out_ack(conn, n);
}

void
pair_assert_failed(struct pair *p, int end, enum sc_error expected)
{
	struct conn *conn = p->ends[end].conn;

	assert_int_equal(conn_phase(conn), CONN_FAILED);
	assert_string_equal(sc_error_name(conn_error(conn)), sc_error_name(expected));
}

enum sc_error
pair_send(struct pair *p, int from, enum frame_type type, const void *payload, size_t n)
{
	uint8_t head[FRAME_HEAD_SIZE];
	struct span parts[] = {{head, sizeof(head)}, {payload, n}};
	uint8_t channel = type == FRAME_DATA ? CHANNEL_DATA : CHANNEL_PROTOCOL;

	frame_head_put(head, type, (uint16_t)n, type == FRAME_DATA ? 1 : 0);
	return conn_send(p->ends[from].conn, channel, parts, 2, p->now);
}

unsigned
pair_receive(struct pair *p, int at, struct span *payload)
{
	struct conn *conn = p->ends[at].conn;
	uint8_t channel;
	struct span plain;

	do {
		while (conn_receive(conn, &channel, &plain) == 1) {
			enum frame_type type = plain.data[0];
			*payload = (struct span){plain.data + FRAME_HEAD_SIZE,
				plain.size - FRAME_HEAD_SIZE};
			if (type != FRAME_KEY_UPDATE && type != FRAME_RENEW && type != FRAME_LINE)
				return type;
			assert_int_equal(conn_control(conn, type, *payload, p->now), SC_OK);
		}
	} while (pair_run(p));
	return 0;
}

void
pair_assert_exchange(struct pair *p, int from, const char *text)
{
	struct span payload;

	assert_int_equal(pair_send(p, from, FRAME_DATA, text, strlen(text)), SC_OK);
	assert_int_equal(pair_receive(p, 1 - from, &payload), FRAME_DATA);
	assert_int_equal(payload.size, strlen(text));
	assert_memory_equal(payload.data, text, payload.size);
}

static size_t
flip_one_bit(struct pair *p, int from, uint8_t *data, size_t n)
{
	if (from != p->flip_from)
		return n;
	if (p->flip_at >= p->flip_seen && p->flip_at - p->flip_seen < n)
		data[p->flip_at - p->flip_seen] ^= (uint8_t)(1u << (p->flip_at % 7));
	p->flip_seen += n;
	return n;
}

void
pair_flip(struct pair *p, int from, size_t at)
{
	p->flip_from = from;
	p->flip_at = at;
	p->flip_seen = 0;
	p->meddle = flip_one_bit;
}

void
pair_check_flips(struct pair *p, size_t step, void (*init)(struct pair *p))
{
	for (int from = 0; from < 2; from++) {
		bool inside = true;
		size_t at;
		for (at = 0; inside; at += step) {
			init(p);
			pair_flip(p, from, at);
			pair_start(p);
			pair_run(p);
			inside = at < p->flip_seen;
			if (inside)
				assert_int_not_equal(conn_phase(p->ends[1 - from].conn), CONN_UP);
			pair_fini(p);
		}
		assert_true(at > 300); /* there was a conversation */
	}
}
