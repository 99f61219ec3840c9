/* Knows the ports, the phases and the sticky error of a connection; the lines are handshake.c's,
   the records conn_records.c's. */
#include "secureconn/conn.h"

#include <stdlib.h>

#include "secureconn/conn_state.h"

static void
drive(struct conn *c, uint64_t now);

struct conn *
conn_new(const struct conn_config *config, uint64_t now)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->lines.rules = config->lines;
	c->now = now;
	c->ratchet_at = (struct record_usage){config->ratchet_records, config->ratchet_bytes, 0};
	c->in = malloc(IN_SIZE_HANDSHAKE);
	if (!c->in || outbuf_grow(&c->out, OUT_SIZE_HANDSHAKE) != SC_OK) {
		conn_free(c);
		return NULL;
	}
	c->in_size = IN_SIZE_HANDSHAKE;
	enum sc_error error = handshake_init(&c->handshake, &c->config, &c->out);
	if (error)
		conn_fail(c, error);
	drive(c, now);
	return c;
}

void
conn_free(struct conn *c)
{
	if (!c)
		return;
	wipe_free(c->in, c->in_size);
	outbuf_fini(&c->out);
	handshake_fini(&c->handshake);
	renewal_fini(&c->renewal);
	keyroll_fini(&c->keyroll);
	record_half_fini(&c->sending);
	record_half_fini(&c->receiving);
	wipe_free(c, sizeof(*c));
}

enum conn_phase
conn_phase(const struct conn *c)
{
	return c->phase;
}

enum sc_error
conn_error(const struct conn *c)
{
	return c->error;
}

void
conn_fail(struct conn *c, enum sc_error error)
{
	if (c->error)
		return;
	c->error = error;
	c->phase = CONN_FAILED;
	c->handshake.hold = false; /* a last line is not held back */
}

enum sc_error
conn_fault(const struct conn *c)
{
	return c->fault;
}

void
conn_get_info(const struct conn *c, struct conn_info *info)
{
	*info = c->info;
}

const struct hello *
conn_peer_hello(const struct conn *c)
{
	return &c->peer_hello;
}

/* ---- the handshake, as far as the input goes ---- */

static void
update_info(struct conn *c)
{
	const struct handshake *h = &c->handshake;

	c->info.protocol = h->protocol;
	c->info.bulk = h->bulk;
	c->info.asym = h->own ? h->own->asym : NULL;
	c->info.own = h->own;
	c->info.key_stage = h->peer_key_known;
	if (h->peer_key_known && !c->info.peer_public) {
		memcpy(c->peer_public, h->peer_key, h->own->asym->algorithm->public_size);
		c->info.peer_public = c->peer_public;
	}
}

/* One line, if there is one. *more: there may be another. */
static enum sc_error
take_line(struct conn *c, bool *more)
{
	struct span data = {c->in + c->in_head, c->in_tail - c->in_head}, line;
	size_t used;
	enum sc_error error = line_next(&c->lines, data, &line, &used);

	*more = !error && used > 0;
	if (!*more)
		return error;
	c->in_head += used;
	error = handshake_line(&c->handshake, line);
	update_info(c);
	return error;
}

static bool
job_waits(const struct conn *c)
{
	return c->handshake.job.kind != JOB_NONE;
}

/* Goes on until input, a job or the end is needed. */
static void
drive(struct conn *c, uint64_t now)
{
	enum sc_error error = c->error;
	bool more = true;

	while (!error && more && c->phase == CONN_HANDSHAKE && !job_waits(c)) {
		if (c->handshake.hello_due && !c->hello_sent)
			error = conn_send_hello(c, now);
		else if (handshake_wants_line(&c->handshake))
			error = take_line(c, &more);
		else {
			error = conn_take_hello(c);
			more = false;
		}
	}
	if (error)
		conn_fail(c, error);
}

/* ---- link in ---- */

/* Makes room behind the input: moves what is left to the front, and takes the big buffer once the
   peer is authenticated. Whoever holds the plaintext of a record was told that it ends here. */
static void
make_room(struct conn *c)
{
	size_t left = c->in_tail - c->in_head;

	if (c->phase == CONN_UP && c->in_size < IN_SIZE_UP) {
		uint8_t *in = malloc(IN_SIZE_UP);
		if (!in) {
			conn_fail(c, SC_ERR_MEMORY);
			return;
		}
		memcpy(in, c->in + c->in_head, left);
		wipe_free(c->in, c->in_size);
		c->in = in;
		c->in_size = IN_SIZE_UP;
	} else if (c->in_head > 0) {
		memmove(c->in, c->in + c->in_head, left);
	}
	c->in_head = 0;
	c->in_tail = left;
}

uint8_t *
conn_in_buf(struct conn *c, size_t *n)
{
	make_room(c);
	*n = c->error ? 0 : c->in_size - c->in_tail;
	return c->in + c->in_tail;
}

void
conn_in_ack(struct conn *c, size_t n, uint64_t now)
{
	c->now = now;
	c->in_tail += n;
	drive(c, now);
}

void
conn_in_end(struct conn *c)
{
	conn_fail(c, SC_ERR_TRUNCATED);
}

/* ---- link out ---- */

const uint8_t *
conn_out_buf(const struct conn *c, size_t *n)
{
	*n = c->handshake.hold ? 0 : outbuf_used(&c->out);
	return c->out.data + c->out.head;
}

void
conn_out_ack(struct conn *c, size_t n)
{
	enum sc_error error = SC_OK;

	outbuf_take(&c->out, n);
	if (c->phase != CONN_UP)
		return;
	if (outbuf_used(&c->out) == 0 && c->out.size < OUT_SIZE_UP)
		error = outbuf_grow(&c->out, OUT_SIZE_UP);
	if (!error)
		error = conn_flush(c);
	if (error)
		conn_fail(c, error);
}

enum sc_error
conn_flush(struct conn *c)
{
	enum sc_error error = renewal_flush(c);
	return error ? error : keyroll_flush(c);
}

size_t
conn_pending(const struct conn *c)
{
	size_t n;

	conn_out_buf(c, &n);
	return n;
}

/* ---- jobs ---- */

struct conn_job *
conn_job(struct conn *c)
{
	struct conn_job *job = &c->handshake.job, *roll = keyroll_job(c);

	if (c->error || job->out || (roll && roll->out))
		return NULL;
	if (job->kind == JOB_NONE)
		job = roll;
	if (job)
		job->out = true;
	return job;
}

void
conn_job_done(struct conn *c, struct conn_job *job, uint64_t now)
{
	enum sc_error error;

	c->now = now;
	if (c->error) { /* a deadline came first: the result is of no use */
		job_wipe(job);
		return;
	}
	if (job == keyroll_job(c))
		error = keyroll_job_done(c);
	else if (c->phase == CONN_UP)
		error = renewal_job_done(c);
	else if (job->kind == JOB_AGREE)
		error = conn_hello_agreed(c, now);
	else
		error = handshake_job_done(&c->handshake);
	if (!error && c->phase == CONN_UP)
		error = conn_flush(c);
	if (error == SC_ERR_FRAME) { /* the peer's fault: the link is still good for a CLOSE */
		c->fault = error;
		return;
	}
	/* also of a key that was just refused: its owner notes it */
	if (c->phase == CONN_HANDSHAKE)
		update_info(c);
	if (error)
		conn_fail(c, error);
	drive(c, now);
}
