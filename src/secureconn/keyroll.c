/* Knows what comes of the four steps by which a new key is told, on both sides, and the jobs they
   need; what goes is keyroll_out.c's. */
#include "secureconn/keyroll.h"

#include "secureconn/conn_state.h"

/* ---- the jobs ---- */

/* The letter of the side whose key it is. */
static char
letter(const struct conn *c, bool own)
{
	return c->config.initiator == own ? 'I' : 'R';
}

static void
new_job(struct conn *c, enum job_kind kind, const struct asym_impl *asym, const uint8_t *public_key)
{
	struct keyroll_work *w = c->keyroll.work;

	job_wipe(&w->job);
	w->job.kind = kind;
	w->job.asym = asym;
	w->job.random = c->config.random;
	job_set_roll_label(&w->job, c->hh, letter(c, kind == JOB_DECRYPT), public_key);
	w->job.message_size = KEYROLL_NONCE;
}

/* Gives the job to a direction that waits for it. */
static void
start_job(struct conn *c)
{
	struct keyroll_work *w = c->keyroll.work;

	if (w->job_for != JOB_FOR_NOBODY)
		return;
	if (w->opening_waits) {
		w->opening_waits = false;
		w->job_for = JOB_FOR_OWN;
		new_job(c, JOB_DECRYPT, w->key->asym, w->key->public_key);
		w->job.private_key = w->key->private_key;
		w->job.ciphertext_size =
			asym_ciphertext_size(w->key->asym->algorithm, KEYROLL_NONCE);
		memcpy(w->job.ciphertext, w->opening, w->job.ciphertext_size);
	} else if (w->checking_waits) {
		w->checking_waits = false;
		w->job_for = JOB_FOR_PEER;
		new_job(c, JOB_CHALLENGE, w->asym, w->public_key);
		random_fill(&w->job.random, w->nonce, sizeof(w->nonce));
		memcpy(w->job.message, w->nonce, sizeof(w->nonce));
		memcpy(w->job.public_key, w->public_key, w->asym->algorithm->public_size);
	}
}

struct conn_job *
keyroll_job(const struct conn *c)
{
	struct keyroll_work *w = c->keyroll.work;
	return w && w->job_for != JOB_FOR_NOBODY ? &w->job : NULL;
}

enum sc_error
keyroll_job_done(struct conn *c)
{
	struct keyroll_work *w = c->keyroll.work;

	if (w->job_for == JOB_FOR_OWN) {
		/* A challenge that does not open is answered with what cannot be right: the peer
		   then refuses the key. */
		if (!w->job.failed)
			memcpy(w->proof, w->job.message, sizeof(w->proof));
		w->own = OWN_TO_PROVE;
	} else if (w->job.failed) {
		keyroll_say_answer(w, ANSWER_REFUSED); /* no valid key */
	} else {
		memcpy(w->challenge, w->job.ciphertext, sizeof(w->challenge));
		w->peer = PEER_TO_CHALLENGE;
	}
	job_wipe(&w->job);
	w->job_for = JOB_FOR_NOBODY;
	start_job(c);
	return SC_OK;
}

/* ---- what comes ---- */

/* SC_OK: asym and public_key are set, asym NULL if the key is none that could be valid here. */
static enum sc_error
read_announcement(struct span rest, const struct asym_impl **asym, struct span *key)
{
	char name[64];
	size_t n = rest.size > 0 ? rest.data[0] : 0;

	*asym = NULL;
	if (n == 0 || rest.size < 1 + n)
		return SC_ERR_FRAME;
	*key = (struct span){rest.data + 1 + n, rest.size - 1 - n};
	if (n < sizeof(name) && !memchr(rest.data + 1, '\0', n)) {
		memcpy(name, rest.data + 1, n);
		name[n] = '\0';
		*asym = asym_find(name);
	}
	if (*asym && key->size != (*asym)->algorithm->public_size)
		*asym = NULL;
	return SC_OK;
}

static enum sc_error
take_announce(struct conn *c, struct span rest)
{
	struct keyroll_work *w = keyroll_need_work(c);
	const struct asym_impl *asym;
	struct span key;

	if (!w)
		return SC_ERR_MEMORY;
	if (w->peer != PEER_NOTHING || !keyroll_count(&c->keyroll.peer, KEYROLL_MOST, c->now))
		return SC_ERR_FRAME;
	enum sc_error error = read_announcement(rest, &asym, &key);
	uint8_t answer = ANSWER_REFUSED;
	if (error)
		return error;
	if (!asym || !c->config.judge_roll ||
		c->config.judge_roll(c->config.arg, asym, key.data, &answer)) {
		keyroll_say_answer(w, answer);
		return SC_OK;
	}
	w->asym = asym;
	memcpy(w->public_key, key.data, key.size);
	w->peer = PEER_CHECKING;
	w->checking_waits = true;
	start_job(c);
	return SC_OK;
}

static enum sc_error
take_challenge(struct conn *c, struct span rest)
{
	struct keyroll_work *w = c->keyroll.work;

	if (!w || w->own != OWN_ANNOUNCED ||
		rest.size != asym_ciphertext_size(w->key->asym->algorithm, KEYROLL_NONCE))
		return SC_ERR_FRAME;
	memcpy(w->opening, rest.data, rest.size);
	w->opening_waits = true;
	w->own = OWN_OPENING;
	start_job(c);
	return SC_OK;
}

static enum sc_error
take_proof(struct conn *c, struct span rest)
{
	struct keyroll_work *w = c->keyroll.work;

	if (!w || w->peer != PEER_CHALLENGED || rest.size != KEYROLL_NONCE)
		return SC_ERR_FRAME;
	if (equal_constant_time(rest.data, w->nonce, KEYROLL_NONCE))
		w->peer = PEER_TOLD;
	else
		keyroll_say_answer(w, ANSWER_REFUSED);
	wipe(w->nonce, sizeof(w->nonce));
	return SC_OK;
}

static enum sc_error
take_result(struct conn *c, struct span rest)
{
	struct keyroll_work *w = c->keyroll.work;

	if (!w || (w->own != OWN_ANNOUNCED && w->own != OWN_PROVEN) || rest.size != 1 ||
		rest.data[0] >= ANSWERS)
		return SC_ERR_FRAME;
	w->answer = rest.data[0];
	w->own = OWN_ANSWERED;
	return SC_OK;
}

enum sc_error
keyroll_take(struct conn *c, struct span payload)
{
	struct span rest = {payload.data + 1, payload.size - 1};

	if (payload.size == 0)
		return SC_ERR_FRAME;
	switch (payload.data[0]) {
	case STEP_ANNOUNCE:
		return take_announce(c, rest);
	case STEP_CHALLENGE:
		return take_challenge(c, rest);
	case STEP_PROOF:
		return take_proof(c, rest);
	case STEP_RESULT:
		return take_result(c, rest);
	}
	return SC_ERR_FRAME;
}
