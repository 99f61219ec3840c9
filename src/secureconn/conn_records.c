/* Knows the two HELLOs, and records afterwards: receiving, sending, ratchets (protocol.md 6 and
   7). */
#include "secureconn/conn_state.h"

/* A sender steps before its first record later than this after the last step. */
#define RATCHET_PERIOD (15 * 60 * NS_PER_S)

/* Space that conn_room keeps back: the KEY_UPDATEs of both channels may go before a record. */
#define ROOM_RESERVED (2 * KEY_UPDATE_RECORD + RECORD_OVERHEAD)
/* Less free space than this behind unsent output is not worth a record of its own. */
#define ROOM_WORTH 8192

/* ---- HELLO ---- */

static enum sc_error
set_epoch(struct conn *c, uint64_t epoch, uint64_t now)
{
	size_t own = c->config.initiator ? 0 : 1;
	enum sc_error error = SC_OK;

	for (uint8_t channel = 1; channel <= 2 && !error; channel++) {
		uint8_t(*secret)[HASH_SIZE] = c->schedule.secret[channel - 1];
		error = record_set_secret(&c->sending, channel, secret[own], epoch, now);
		if (!error)
			error = record_set_secret(
				&c->receiving, channel, secret[1 - own], epoch, now);
	}
	return error;
}

enum sc_error
conn_send_hello(struct conn *c, uint64_t now)
{
	struct handshake *h = &c->handshake;
	struct hello hello = c->config.hello;
	enum sc_error error;

	schedule_start(&c->schedule, h->th, h->keys, h->bulk->algorithm->key_size);
	wipe(h->keys, sizeof(h->keys));
	if ((error = record_half_init(&c->sending, h->bulk)) ||
		(error = record_half_init(&c->receiving, h->bulk)) ||
		(error = set_epoch(c, 0, now)))
		return error;

	memcpy(hello.key, h->ephemeral_public, X25519_SIZE);
	size_t size = hello_encode(c->own_hello, &hello);
	if (outbuf_room(&c->out) < size + RECORD_OVERHEAD)
		return SC_ERR_LIMIT;
	struct span frame = {c->own_hello, size};
	c->own_hello_size = size - FRAME_HEAD_SIZE;
	error = record_seal(&c->sending, CHANNEL_PROTOCOL, &frame, 1, c->out.data + c->out.tail);
	c->out.tail += size + RECORD_OVERHEAD;
	c->hello_sent = true;
	if (!c->config.initiator)
		h->hold = false; /* R's flight is complete */
	return error;
}

/* The head of the record at the front of the input, and whether all of it is there. */
static enum sc_error
next_record(struct conn *c, struct record_head *head, bool *whole)
{
	size_t available = c->in_tail - c->in_head;

	*whole = false;
	if (available < RECORD_HEAD_SIZE)
		return SC_OK;
	enum sc_error error = record_read_head(&c->receiving, c->in + c->in_head, head);
	*whole = !error && available >= head->size + RECORD_OVERHEAD;
	return error;
}

enum sc_error
conn_take_hello(struct conn *c)
{
	struct conn_job *job = &c->handshake.job;
	struct record_head head;
	bool whole;

	if (c->in_tail - c->in_head < RECORD_HEAD_SIZE)
		return SC_OK;
	enum sc_error error = next_record(c, &head, &whole);
	if (error)
		return error;
	if (head.channel != CHANNEL_PROTOCOL || head.size > HELLO_RECORD_MAX)
		return SC_ERR_HELLO;
	if (!whole)
		return SC_OK;
	uint8_t *record = c->in + c->in_head, *plaintext = record + RECORD_HEAD_SIZE;
	c->in_head += head.size + RECORD_OVERHEAD;
	if ((error = record_open(&c->receiving, &head, record)) ||
		(error = hello_decode(&c->peer_hello, plaintext, head.size)))
		return error;
	c->peer_hello_size = head.size - FRAME_HEAD_SIZE;
	memcpy(c->peer_hello_payload, plaintext + FRAME_HEAD_SIZE, c->peer_hello_size);

	job_wipe(job);
	job->kind = JOB_AGREE;
	memcpy(job->ephemeral_private, c->handshake.ephemeral_private, X25519_SIZE);
	memcpy(job->peer_ephemeral, c->peer_hello.key, X25519_SIZE);
	return SC_OK;
}

enum sc_error
conn_hello_agreed(struct conn *c, uint64_t now)
{
	struct conn_job *job = &c->handshake.job;
	struct span own = {c->own_hello + FRAME_HEAD_SIZE, c->own_hello_size};
	struct span peer = {c->peer_hello_payload, c->peer_hello_size};
	bool initiator = c->config.initiator;

	if (job->failed)
		return SC_ERR_HELLO; /* an all-zero result */
	schedule_hello(&c->schedule, job->shared, initiator ? own : peer, initiator ? peer : own);
	schedule_hello_hash(c->hh, initiator ? own : peer, initiator ? peer : own);
	enum sc_error error = set_epoch(c, 1, now);
	/* From here on nothing of the handshake is needed: that is the forward secrecy. */
	wipe(&c->schedule, sizeof(c->schedule));
	wipe(c->own_hello, sizeof(c->own_hello));
	wipe(c->peer_hello_payload, sizeof(c->peer_hello_payload));
	handshake_rest(&c->handshake);
	if (error)
		return error;
	c->phase = CONN_UP;
	renewal_init(&c->renewal, now);
	conn_out_ack(c, 0); /* the big buffer at once, if nothing waits in the small one */
	return c->error;
}

/* ---- receiving ---- */

int
conn_peek(struct conn *c, uint8_t *channel, struct span *plaintext)
{
	struct record_head head = c->peeked;
	bool whole;

	if (c->error)
		return -1;
	if (c->phase != CONN_UP)
		return 0;
	if (head.size == 0) {
		enum sc_error error = next_record(c, &head, &whole);
		if (!error && !whole)
			return 0;
		if (error ||
			(error = record_open(&c->receiving, &head, c->in + c->in_head))) {
			conn_fail(c, error);
			return -1;
		}
		c->peeked = head;
	}
	*channel = head.channel;
	*plaintext = (struct span){c->in + c->in_head + RECORD_HEAD_SIZE, head.size};
	return 1;
}

int
conn_receive(struct conn *c, uint8_t *channel, struct span *plaintext)
{
	int got = conn_peek(c, channel, plaintext);

	if (got <= 0)
		return got;
	c->in_head += plaintext->size + RECORD_OVERHEAD;
	c->renewal.bytes += plaintext->size;
	c->peeked.size = 0;
	return 1;
}

static enum sc_error
take_key_update(struct conn *c, struct span payload)
{
	if (payload.size != KEY_UPDATE_SIZE || payload.data[0] < 1 || payload.data[0] > 2)
		return SC_ERR_FRAME;
	if (payload.data[1] == KEY_UPDATE_RATCHET)
		return record_ratchet(&c->receiving, payload.data[0], c->now);
	if (payload.data[1] == KEY_UPDATE_RENEWAL)
		return renewal_take_key_update(c, payload.data[0]);
	return SC_ERR_FRAME;
}

enum sc_error
conn_control(struct conn *c, enum frame_type type, struct span payload, uint64_t now)
{
	enum sc_error error;

	c->now = now;
	if (c->phase != CONN_UP)
		return c->error ? c->error : SC_ERR_FRAME_PLACE;
	if (c->fault)
		return c->fault;
	if (type == FRAME_KEY_UPDATE)
		error = take_key_update(c, payload);
	else if (type == FRAME_RENEW)
		error = renewal_take_renew(c, payload);
	else if (type == FRAME_LINE)
		error = renewal_take_line(c, payload);
	else if (type == FRAME_KEYROLL)
		error = keyroll_take(c, payload);
	else
		error = SC_ERR_FRAME;
	return error ? error : conn_flush(c);
}

/* ---- sending ---- */

size_t
conn_room(const struct conn *c)
{
	size_t free_space = outbuf_room(&c->out);

	if (c->phase != CONN_UP || renewal_holds_output(c))
		return 0;
	size_t worth = outbuf_used(&c->out) > 0 ? ROOM_WORTH : RECORD_PLAINTEXT_MIN;
	if (free_space < ROOM_RESERVED + worth)
		return 0;
	return min_size(free_space - ROOM_RESERVED, RECORD_PLAINTEXT_MAX);
}

static enum sc_error
seal_out(struct conn *c, uint8_t channel, const struct span *parts, size_t n_parts, size_t size)
{
	enum sc_error error =
		record_seal(&c->sending, channel, parts, n_parts, c->out.data + c->out.tail);

	if (error)
		conn_fail(c, error);
	else
		c->out.tail += size + RECORD_OVERHEAD;
	return error;
}

/* True if a record of n bytes may not go out under the present key of its channel. */
static bool
ratchet_due(const struct conn *c, uint8_t channel, size_t n, uint64_t now)
{
	const struct record_channel *ch = &c->sending.channels[channel - 1];
	/* On the protocol channel both channels' KEY_UPDATEs must still fit behind. */
	unsigned extra = channel == CHANNEL_PROTOCOL ? 2 : 0;

	if (now - ch->since > RATCHET_PERIOD)
		return true;
	/* A limit below one record cannot be kept: then each record gets a key of its own. */
	return ch->used.records > 0 &&
		!record_fits(&c->sending, channel, n, extra, &c->ratchet_at);
}

enum sc_error
conn_send_key_update(struct conn *c, uint8_t channel, enum key_update_kind kind)
{
	uint8_t frame[FRAME_HEAD_SIZE + KEY_UPDATE_SIZE];
	struct span part = {frame, sizeof(frame)};

	frame_head_put(frame, FRAME_KEY_UPDATE, KEY_UPDATE_SIZE, 0);
	frame[FRAME_HEAD_SIZE] = channel;
	frame[FRAME_HEAD_SIZE + 1] = (uint8_t)kind;
	return seal_out(c, CHANNEL_PROTOCOL, &part, 1, sizeof(frame));
}

static enum sc_error
send_ratchet(struct conn *c, uint8_t channel, uint64_t now)
{
	enum sc_error error = conn_send_key_update(c, channel, KEY_UPDATE_RATCHET);

	if (!error && (error = record_ratchet(&c->sending, channel, now)))
		conn_fail(c, error);
	return error;
}

enum sc_error
conn_send(struct conn *c, uint8_t channel, const struct span *parts, size_t n_parts, uint64_t now)
{
	size_t size = 0;

	c->now = now;
	if (c->error)
		return c->error;
	for (size_t i = 0; i < n_parts; i++)
		size += parts[i].size;
	/* A step of the data channel is announced on the protocol channel, whose own key may have
	   to step before. */
	size_t on_protocol = channel == CHANNEL_PROTOCOL ? size : FRAME_HEAD_SIZE + KEY_UPDATE_SIZE;
	bool step_data = channel == CHANNEL_DATA && ratchet_due(c, channel, size, now);
	if ((channel == CHANNEL_PROTOCOL || step_data) &&
		ratchet_due(c, CHANNEL_PROTOCOL, on_protocol, now) &&
		send_ratchet(c, CHANNEL_PROTOCOL, now) != SC_OK)
		return c->error;
	if (step_data && send_ratchet(c, CHANNEL_DATA, now) != SC_OK)
		return c->error;
	c->renewal.bytes += size;
	return seal_out(c, channel, parts, n_parts, size);
}

enum sc_error
conn_send_frame(struct conn *c, enum frame_type type, struct span payload)
{
	uint8_t head[FRAME_HEAD_SIZE];
	struct span parts[] = {{head, sizeof(head)}, payload};

	frame_head_put(head, type, (uint16_t)payload.size, 0);
	return conn_send(c, CHANNEL_PROTOCOL, parts, 2, c->now);
}

uint64_t
conn_epoch(const struct conn *c, bool sending, uint8_t channel)
{
	const struct record_half *half = sending ? &c->sending : &c->receiving;

	return half->channels[channel - 1].epoch;
}
