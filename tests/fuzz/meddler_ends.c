/* Knows what the two ends do by themselves at the input's word, also what no honest one would. */
#include "meddler.h"

#include "secureconn/conn_state.h"
#include "secureconn/job.h"

void
meddler_pass_time(struct meddler *m)
{
	uint64_t seconds = choose_u8(&m->choices) * 10u;

	for (size_t i = 0; i < 2; i++) {
		m->ends[i].now += seconds * NS_PER_S;
		conn_tick(m->ends[i].conn, m->ends[i].now);
	}
}

void
end_renew(struct end *e)
{
	conn_renew(e->conn);
	conn_tick(e->conn, e->now);
}

void
meddler_spoil_hello(struct meddler *m, struct end *from)
{
	if (!from->job || !from->job->make_ephemeral || conn_phase(from->conn) != CONN_HANDSHAKE)
		return;
	m->touched = true;
	if (choose_u8(&m->choices) & 1)
		memset(from->job->ephemeral_public, choose_u8(&m->choices), X25519_SIZE);
	else
		from->conn->config.hello.window = choose_u16(&m->choices);
}

void
meddler_replace_hello(struct meddler *m, struct end *from)
{
	static uint8_t plaintext[2048];
	struct conn *c = from->conn;
	size_t old = FRAME_HEAD_SIZE + c->own_hello_size;
	size_t size = RECORD_PLAINTEXT_MIN + choose_below(&m->choices, 2000);
	size_t at = choose_below(&m->choices, size);
	uint8_t change = choose_u8(&m->choices);
	struct span part = {plaintext, size};

	if (conn_phase(c) != CONN_HANDSHAKE || !c->hello_sent ||
		outbuf_used(&c->out) < RECORD_OVERHEAD + old || outbuf_room(&c->out) + old < size)
		return;
	m->touched = true;
	memset(plaintext, 0, sizeof(plaintext)); /* options of tag 0 without a value */
	memcpy(plaintext, c->own_hello, old);
	put_u16(plaintext + 2, (uint16_t)(size - FRAME_HEAD_SIZE));
	plaintext[at] ^= change;
	c->out.tail -= RECORD_OVERHEAD + old;
	c->sending.seq = 0;
	struct record_channel *ch = &c->sending.channels[0];
	FUZZ_ASSERT(record_set_secret(&c->sending, 1, ch->secret, 0, from->now) == SC_OK);
	FUZZ_ASSERT(record_seal(&c->sending, 1, &part, 1, c->out.data + c->out.tail) == SC_OK);
	c->out.tail += size + RECORD_OVERHEAD;
}

void
meddler_send_hostile(struct meddler *m, struct end *from)
{
	uint8_t type = FRAME_RENEW + choose_u8(&m->choices) % 3;

	if (conn_phase(from->conn) != CONN_UP)
		return;
	m->touched = true;
	end_send_control(from, type,
		type == FRAME_LINE
			? choose_line(&m->choices)
			: choose_bytes(&m->choices, type == FRAME_RENEW ? X25519_SIZE : 2));
}

void
end_age(struct end *from)
{
	struct conn *sender = from->conn, *receiver = from->peer->conn;

	if (conn_phase(sender) != CONN_UP || conn_phase(receiver) != CONN_UP ||
		sender->sending.seq != receiver->receiving.seq) /* something is under way */
		return;
	for (size_t i = 0; i < 2; i++) {
		const struct bulk_algorithm *a = sender->sending.impl->algorithm;
		struct record_channel *s = &sender->sending.channels[i];
		struct record_channel *r = &receiver->receiving.channels[i];
		uint64_t blocks = min_u64(a->max_blocks, a->max_bytes / a->block_size);
		s->used.records = min_u64(a->max_records, blocks) - 8;
		s->used.bytes = min_u64(a->max_bytes, a->max_blocks * a->block_size) - 4096;
		s->used.blocks = blocks - 4096 / a->block_size;
		r->used = s->used;
	}
}
