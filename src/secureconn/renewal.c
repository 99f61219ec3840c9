/* Knows the order of a renewal; when one is due is renewal_when.c's, lines and session keys are the
   handshake's, sealing is conn_records.c's. */
#include "secureconn/renewal.h"

#include "secureconn/conn_state.h"

#define LINES_SIZE (16u * 1024) /* of each queue: SYM-KEY-1 and -2 under ElGamal 8192 are 8.3 KB */
/* A line, its frame's head, and the two KEY_UPDATEs that may have to follow at once. */
#define LINE_ROOM(size) ((size) + FRAME_HEAD_SIZE + RECORD_OVERHEAD + 2 * KEY_UPDATE_RECORD)

#define HOURS (3600 * NS_PER_S)

const struct renewal_rules renewal_rules_default = {
	.after = 24 * HOURS,
	.bytes = 64ull << 30,
	.gap = 60 * NS_PER_S,
	.deadline = 120 * NS_PER_S,
	.latest = 48 * HOURS,
	.most = 69,
};

void
renewal_init(struct renewal *r, uint64_t now)
{
	*r = (struct renewal){.last = now, .hour = now};
}

/* Forgets everything of one renewal; the counters stay. */
static void
forget(struct renewal *r)
{
	struct renewal kept = {.last = r->last, .done = r->done, .bytes = r->bytes, .hour = r->hour,
		.asked = r->asked, .last_here = r->last_here, .took = r->took};

	outbuf_fini(&r->lines_out);
	outbuf_fini(&r->lines_in);
	wipe(r, sizeof(*r));
	*r = kept;
}

void
renewal_fini(struct renewal *r)
{
	forget(r);
	wipe(r, sizeof(*r));
}

static struct conn_job *
leave_job(struct conn *c, enum job_kind kind)
{
	struct conn_job *job = &c->handshake.job;

	job_wipe(job);
	job->kind = kind;
	job->random = c->config.random;
	return job;
}

/* ---- RENEW ---- */

enum sc_error
renewal_begin(struct conn *c)
{
	struct renewal *r = &c->renewal;

	r->under_way = true;
	r->wanted = false;
	r->began = c->now;
	if (outbuf_grow(&r->lines_out, LINES_SIZE) || outbuf_grow(&r->lines_in, LINES_SIZE))
		return SC_ERR_MEMORY;
	job_want_ephemeral(leave_job(c, JOB_EPHEMERAL), &c->config);
	return SC_OK;
}

/* Once both keys are here: their X25519. */
static void
agree_if_ready(struct conn *c)
{
	struct renewal *r = &c->renewal;

	if (!r->own_ready || !r->peer_came || r->agreed || c->handshake.job.kind != JOB_NONE)
		return;
	struct conn_job *job = leave_job(c, JOB_AGREE);
	memcpy(job->ephemeral_private, r->own_private, X25519_SIZE);
	memcpy(job->peer_ephemeral, r->peer, X25519_SIZE);
}

/* The peer begins: not too often. */
static enum sc_error
count_asked(struct conn *c)
{
	struct renewal *r = &c->renewal;

	if (c->now - r->hour >= HOURS) {
		r->hour = c->now;
		r->asked = 0;
	}
	return ++r->asked > c->config.renewal.most ? SC_ERR_RENEWAL_COUNT : SC_OK;
}

enum sc_error
renewal_take_renew(struct conn *c, struct span payload)
{
	struct renewal *r = &c->renewal;
	enum sc_error error;

	if (payload.size != X25519_SIZE || r->peer_came)
		return SC_ERR_FRAME;
	if (!r->under_way && ((error = count_asked(c)) || (error = renewal_begin(c)))) {
		conn_fail(c, error);
		return error;
	}
	memcpy(r->peer, payload.data, X25519_SIZE);
	r->peer_came = true;
	agree_if_ready(c);
	return SC_OK;
}

static enum sc_error
ephemeral_made(struct conn *c)
{
	struct renewal *r = &c->renewal;
	struct conn_job *job = &c->handshake.job;

	memcpy(r->own_private, job->ephemeral_private, X25519_SIZE);
	memcpy(r->own, job->ephemeral_public, X25519_SIZE);
	job_wipe(job);
	r->own_ready = true;
	agree_if_ready(c);
	return SC_OK;
}

static enum sc_error
shared_made(struct conn *c)
{
	struct renewal *r = &c->renewal;
	struct conn_job *job = &c->handshake.job;

	if (job->failed)
		return SC_ERR_FRAME; /* an all-zero result */
	memcpy(r->shared, job->shared, X25519_SIZE);
	wipe(r->own_private, X25519_SIZE);
	job_wipe(job);
	r->agreed = true;
	handshake_renew(&c->handshake, &r->lines_out);
	return SC_OK;
}

/* ---- LINE ---- */

/* What a line led to: an ERROR loses the link, a line out of place is a protocol error. */
static enum sc_error
line_result(struct conn *c, enum sc_error error)
{
	if (error == SC_ERR_LINE_UNEXPECTED)
		return SC_ERR_FRAME;
	if (error) {
		(void)renewal_flush(c); /* the answer that says ERROR */
		conn_fail(c, error);
	}
	return error;
}

/* Section 4 is over on this side: the line that allows the KEY_UPDATEs has come, or is the last one
   in lines_out. */
static void
close_lines(struct conn *c)
{
	struct renewal *r = &c->renewal;
	const uint8_t *i = c->config.initiator ? r->own : r->peer;
	const uint8_t *responder = c->config.initiator ? r->peer : r->own;

	transcript_renewal_digest(&c->handshake.transcript, i, responder, r->th);
	r->keys_ready = true;
}

static enum sc_error
work_on_lines(struct conn *c)
{
	struct renewal *r = &c->renewal;
	struct outbuf *in = &r->lines_in;
	enum sc_error error = SC_OK;

	while (!error && r->agreed && outbuf_used(in) > 0 && handshake_wants_line(&c->handshake)) {
		const uint8_t *at = in->data + in->head;
		const uint8_t *lf = memchr(at, '\n', outbuf_used(in));
		struct span line = {at, (size_t)(lf - at)};
		error = handshake_line(&c->handshake, line);
		outbuf_take(in, line.size + 1);
	}
	if (!error && r->agreed && !r->keys_ready && c->handshake.step == STEP_DONE) {
		close_lines(c);
		if (outbuf_used(in) > 0) /* something stands behind the last line */
			error = SC_ERR_LINE_UNEXPECTED;
	}
	return line_result(c, error);
}

enum sc_error
renewal_take_line(struct conn *c, struct span payload)
{
	struct renewal *r = &c->renewal;

	/* Only after both RENEWs have passed, and not after the last line. */
	if (!r->own_sent || !r->peer_came || r->keys_ready || payload.size == 0)
		return SC_ERR_FRAME;
	for (size_t i = 0; i < payload.size; i++)
		if (payload.data[i] < 0x20 || payload.data[i] > 0x7e)
			return SC_ERR_FRAME;
	/* More at once than section 4 ever has under way. */
	if (outbuf_room(&r->lines_in) < payload.size + 1)
		return SC_ERR_FRAME;
	outbuf_append(&r->lines_in, payload.data, payload.size);
	outbuf_append(&r->lines_in, "\n", 1);
	return work_on_lines(c);
}

enum sc_error
renewal_job_done(struct conn *c)
{
	enum sc_error error;
	enum job_kind kind = c->handshake.job.kind;

	if (kind == JOB_EPHEMERAL)
		error = ephemeral_made(c);
	else if (kind == JOB_AGREE)
		error = shared_made(c);
	else
		error = line_result(c, handshake_job_done(&c->handshake));
	return error ? error : work_on_lines(c);
}

/* ---- KEY_UPDATE ---- */

static void
finish_if_done(struct conn *c)
{
	struct renewal *r = &c->renewal;

	if (r->updates_sent < 2 || r->updates_received < 2)
		return;
	r->last = c->now;
	r->took = c->now - r->began;
	r->last_here = r->begun_here;
	r->done++;
	r->bytes = 0;
	forget(r);
	handshake_rest(&c->handshake);
}

/* Steps one channel of one half to the renewed secret. */
static enum sc_error
step(struct conn *c, struct record_half *half, uint8_t channel)
{
	struct record_channel *ch = &half->channels[channel - 1];
	size_t size = c->info.bulk->algorithm->key_size;
	struct span key_i = {c->handshake.keys[channel - 1], size};
	struct span key_3 = {c->handshake.keys[2], size};

	schedule_renew(ch->secret, key_i, key_3, c->renewal.shared, c->renewal.th);
	return record_set_secret(half, channel, ch->secret, ch->epoch + 1, c->now);
}

enum sc_error
renewal_take_key_update(struct conn *c, uint8_t channel)
{
	struct renewal *r = &c->renewal;

	/* C's come after S's, and S's may find C's own waiting for room in its output. */
	bool allowed = r->keys_ready && (c->handshake.client || r->updates_sent == 2);
	if (!allowed || channel != r->updates_received + 1)
		return SC_ERR_FRAME;
	enum sc_error error = step(c, &c->receiving, channel);
	if (error) {
		conn_fail(c, error);
		return error;
	}
	r->updates_received++;
	finish_if_done(c);
	return SC_OK;
}

bool
renewal_holds_output(const struct conn *c)
{
	const struct renewal *r = &c->renewal;

	return r->keys_ready && r->updates_sent == 0 && outbuf_used(&r->lines_out) == 0;
}

/* Both, with no other record in between. */
static enum sc_error
send_key_updates(struct conn *c)
{
	enum sc_error error = SC_OK;

	for (uint8_t channel = 1; channel <= 2 && !error; channel++) {
		error = conn_send_key_update(c, channel, KEY_UPDATE_RENEWAL);
		if (!error)
			error = step(c, &c->sending, channel);
	}
	c->renewal.updates_sent = 2;
	if (!error)
		finish_if_done(c);
	return error;
}

static enum sc_error
send_line(struct conn *c, struct outbuf *lines, size_t size)
{
	struct span line = {lines->data + lines->head, size};
	enum sc_error error = conn_send_frame(c, FRAME_LINE, line);

	outbuf_take(lines, size + 1);
	return error;
}

enum sc_error
renewal_flush(struct conn *c)
{
	struct renewal *r = &c->renewal;
	enum sc_error error = SC_OK;

	if (!r->under_way)
		return SC_OK;
	if (r->own_ready && !r->own_sent && conn_room(c) >= LINE_ROOM(X25519_SIZE)) {
		error = conn_send_frame(c, FRAME_RENEW, (struct span){r->own, X25519_SIZE});
		r->own_sent = !error;
	}
	while (!error && r->own_sent && outbuf_used(&r->lines_out) > 0) {
		const uint8_t *at = r->lines_out.data + r->lines_out.head;
		const uint8_t *lf = memchr(at, '\n', outbuf_used(&r->lines_out));
		size_t size = (size_t)(lf - at);
		if (conn_room(c) < LINE_ROOM(size))
			return SC_OK;
		error = send_line(c, &r->lines_out, size);
	}
	if (!error && renewal_holds_output(c) && outbuf_room(&c->out) >= 2 * KEY_UPDATE_RECORD)
		error = send_key_updates(c);
	return error;
}
