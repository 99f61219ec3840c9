/* Knows how public keys and session keys are exchanged (the paper's 3.2 and 3.3, protocol.md 3 and
   4); the order of the steps is handshake.c's, the mathematics is job.c's. */
#include "secureconn/handshake.h"

#define ACCEPTED "ACCEPTED"
#define REJECTED "REJECTED"

/* ---- public keys ---- */

enum sc_error
handshake_enter_public_keys(struct handshake *h)
{
	h->step = STEP_PUBLIC_KEY;
	if (!h->client)
		return SC_OK;
	return handshake_say_hex(
		h, "ASYM-KEY: ", h->own->public_key, h->own->asym->algorithm->public_size);
}

struct conn_job *
handshake_new_job(struct handshake *h, enum job_kind kind)
{
	job_wipe(&h->job);
	h->job.kind = kind;
	h->job.asym = h->own->asym;
	h->job.random = h->config->random;
	return &h->job;
}

enum sc_error
handshake_take_public_key(struct handshake *h, struct span hex)
{
	size_t size = h->own->asym->algorithm->public_size;

	if (hex_decode(h->peer_key, size, (const char *)hex.data, hex.size) != 0)
		return SC_ERR_PUBLIC_KEY;
	memcpy(handshake_new_job(h, JOB_CHECK_KEY)->public_key, h->peer_key, size);
	return SC_OK;
}

static enum sc_error
say_verdict(struct handshake *h)
{
	if (h->peer_key_accepted)
		return handshake_say_text(h, "ASYM-KEY ", ACCEPTED);
	return handshake_say_last(
		h, "ASYM-KEY ", REJECTED " - Not authorized", SC_ERR_KEY_NOT_VERIFIED);
}

static enum sc_error
public_key_checked(struct handshake *h)
{
	const struct asym_impl *asym = h->own->asym;

	if (h->job.failed)
		return SC_ERR_PUBLIC_KEY;
	h->peer_key_known = true;
	h->step = STEP_VERDICT;
	/* C says its verdict now; S shows its key first, and says its own after C's. */
	if (!h->client) {
		if (h->config->choose_key)
			h->own = h->config->choose_key(h->config->arg, asym, h->peer_key);
		enum sc_error error = handshake_say_hex(h, "ASYM-KEY: ", h->own->public_key,
			asym->algorithm->public_size);
		if (error)
			return error;
	}
	h->peer_key_accepted = h->config->accept_key(h->config->arg, asym, h->peer_key);
	return h->client ? say_verdict(h) : SC_OK;
}

/* ---- session keys ---- */

static const char *const key_prefix[SESSION_KEYS] = {"SYM-KEY-1: ", "SYM-KEY-2: ", "SYM-KEY-3: "};

/* The salt is only in the job, and wiped with it. */
void
handshake_send_session_key(struct handshake *h, unsigned index)
{
	size_t size = h->bulk->algorithm->key_size;
	struct conn_job *job = handshake_new_job(h, JOB_ENCRYPT);

	random_fill(&job->random, job->message, 2 * size);
	job->message_size = 2 * size;
	memcpy(h->keys[index - 1], job->message, size);
	memcpy(job->public_key, h->peer_key, h->own->asym->algorithm->public_size);
	job_set_label(job, index, h->own->public_key, h->peer_key);
	job_take_prepared(job, h->config);
	if (index == 3 && !h->renewing)
		job_want_ephemeral(job, h->config);
}

enum sc_error
handshake_take_verdict(struct handshake *h, struct span verdict)
{
	if (span_starts(verdict, REJECTED))
		return SC_ERR_KEY_REJECTED;
	if (!span_is(verdict, ACCEPTED))
		return SC_ERR_LINE_UNEXPECTED;
	if (h->client) {
		h->step = STEP_S_KEY_1;
		return SC_OK;
	}
	enum sc_error error = say_verdict(h);
	if (!error)
		handshake_send_session_key(h, 1);
	return error;
}

static unsigned
key_index(enum handshake_step step)
{
	return step == STEP_S_KEY_1 || step == STEP_C_ANSWER_1 ? 1
		: step == STEP_S_KEY_2 || step == STEP_C_ANSWER_2 ? 2
								  : 3;
}

void
handshake_close_transcript(struct handshake *h)
{
	transcript_digest(&h->transcript, h->th);
}

static enum sc_error
session_key_encrypted(struct handshake *h)
{
	struct conn_job *job = &h->job;
	unsigned index = job->index;

	if (job->failed)
		return SC_ERR_INTERNAL;
	if (h->flight && h->config->initiator)
		return handshake_say_flight(h);
	enum sc_error error = handshake_say_hex(h, key_prefix[index - 1], job->ciphertext,
		asym_ciphertext_size(job->asym->algorithm, job->message_size));
	if (error)
		return error;
	if (index == 1) {
		handshake_send_session_key(h, 2); /* without waiting for the answer to the first */
	} else if (index == 2) {
		h->step = STEP_C_ANSWER_1;
		if (h->flight) { /* SYM-KEY-3 came before: th covers no lines after these */
			handshake_close_transcript(h);
			h->hello_due = true;
		}
	} else {
		/* th covers this line, and not its answer. */
		handshake_close_transcript(h);
		h->step = STEP_S_ANSWER_3;
		h->hello_due = true;
	}
	return SC_OK;
}

enum sc_error
handshake_refuse_session_key(struct handshake *h, unsigned index)
{
	if (h->flight && index == 3)
		(void)handshake_accept_flight(h); /* the answer is R's fifth line */
	(void)handshake_say_answer(h, index, "ERROR");
	return SC_ERR_SESSION_KEY;
}

bool
handshake_load_session_key(struct handshake *h, unsigned index, struct span hex)
{
	size_t message_size = 2 * h->bulk->algorithm->key_size;
	size_t size = asym_ciphertext_size(h->own->asym->algorithm, message_size);
	struct conn_job *job = handshake_new_job(h, JOB_DECRYPT);

	job->ciphertext_size = size;
	job->message_size = message_size;
	job->private_key = h->own->private_key;
	job_set_label(job, index, h->peer_key, h->own->public_key);
	if (index == 3 && !h->renewing)
		job_want_ephemeral(job, h->config);
	return hex_decode(job->ciphertext, size, (const char *)hex.data, hex.size) == 0;
}

enum sc_error
handshake_take_session_key(struct handshake *h, struct span hex)
{
	unsigned index = key_index(h->step);

	if (!handshake_load_session_key(h, index, hex)) {
		job_wipe(&h->job);
		return handshake_refuse_session_key(h, index);
	}
	if (index == (h->flight ? 2 : 3))
		handshake_close_transcript(h);
	return SC_OK;
}

static enum sc_error
session_key_decrypted(struct handshake *h)
{
	unsigned index = h->job.index;
	enum sc_error error;

	if (h->job.failed)
		return handshake_refuse_session_key(h, index);
	memcpy(h->keys[index - 1], h->job.message, h->bulk->algorithm->key_size);
	if (h->flight && index == 3 && (error = handshake_accept_flight(h)))
		return error;
	error = handshake_say_answer(h, index, ACCEPTED);
	if (error)
		return error;
	if (index == 1) {
		h->step = STEP_S_KEY_2;
	} else if (h->flight && index == 3) {
		handshake_send_session_key(h, 1);
	} else if (!h->flight && index == 2) {
		handshake_send_session_key(h, 3);
	} else {
		h->step = STEP_DONE;
		h->hello_due = true;
	}
	return SC_OK;
}

enum sc_error
handshake_take_answer(struct handshake *h, struct span answer)
{
	if (span_is(answer, "ERROR"))
		return SC_ERR_SESSION_KEY_REFUSED;
	if (!span_is(answer, ACCEPTED))
		return SC_ERR_LINE_UNEXPECTED;
	h->step = h->step == STEP_C_ANSWER_1 ? STEP_C_ANSWER_2
		: h->step == STEP_C_ANSWER_2 && !h->flight ? STEP_C_KEY_3
							   : STEP_DONE;
	return SC_OK;
}

enum sc_error
handshake_job_done(struct handshake *h)
{
	enum sc_error error;
	enum job_kind kind = h->job.kind;

	if (h->job.make_ephemeral) {
		memcpy(h->ephemeral_private, h->job.ephemeral_private, X25519_SIZE);
		memcpy(h->ephemeral_public, h->job.ephemeral_public, X25519_SIZE);
	}
	/* What follows may put the next job in its place. */
	h->job.kind = JOB_NONE;
	h->job.out = false;
	if (kind == JOB_CHECK_KEY)
		error = public_key_checked(h);
	else if (kind == JOB_ENCRYPT)
		error = session_key_encrypted(h);
	else
		error = session_key_decrypted(h);
	if (error || h->job.kind == JOB_NONE)
		job_wipe(&h->job);
	return error;
}
