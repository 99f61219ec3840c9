/* Knows what is sent of a roll, and what its owner does with it; what comes is keyroll.c's. */
#include <stdlib.h>

#include "secureconn/conn_state.h"
#include "secureconn/keyroll.h"

#define HOUR (3600 * NS_PER_S)

void
keyroll_fini(struct keyroll *k)
{
	wipe_free(k->work, sizeof(*k->work));
	k->work = NULL;
}

struct keyroll_work *
keyroll_need_work(struct conn *c)
{
	if (!c->keyroll.work)
		c->keyroll.work = calloc(1, sizeof(*c->keyroll.work));
	return c->keyroll.work;
}

static void
drop_if_idle(struct conn *c)
{
	const struct keyroll_work *w = c->keyroll.work;

	if (w && w->own == OWN_NOTHING && w->peer == PEER_NOTHING)
		keyroll_fini(&c->keyroll);
}

bool
keyroll_count(struct keyroll_hour *hour, unsigned most, uint64_t now)
{
	if (hour->n == 0 || now - hour->since >= HOUR)
		*hour = (struct keyroll_hour){.since = now};
	return ++hour->n <= most;
}

void
keyroll_say_answer(struct keyroll_work *w, uint8_t answer)
{
	w->own_answer = answer;
	w->peer = PEER_TO_ANSWER;
}

/* One frame of up to three parts. *sent: there was room for it. */
static enum sc_error
say(struct conn *c, enum keyroll_step step, struct span a, struct span b, bool *sent)
{
	uint8_t frame[FRAME_HEAD_SIZE + 1];
	size_t size = 1 + a.size + b.size;
	struct span parts[] = {{frame, sizeof(frame)}, a, b};

	*sent = conn_room(c) >= FRAME_HEAD_SIZE + size;
	if (!*sent)
		return SC_OK;
	frame_head_put(frame, FRAME_KEYROLL, (uint16_t)size, 0);
	frame[FRAME_HEAD_SIZE] = (uint8_t)step;
	return conn_send(c, CHANNEL_PROTOCOL, parts, b.size > 0 ? 3 : 2, c->now);
}

static enum sc_error
flush_own(struct conn *c, struct keyroll_work *w)
{
	const struct span nothing = {NULL, 0};
	enum sc_error error = SC_OK;
	bool sent = false;

	if (w->own == OWN_TO_ANNOUNCE) {
		const struct asym_algorithm *a = w->key->asym->algorithm;
		uint8_t name[64] = {(uint8_t)strlen(a->name)};
		memcpy(name + 1, a->name, name[0]);
		error = say(c, STEP_ANNOUNCE, (struct span){name, 1u + name[0]},
			(struct span){w->key->public_key, a->public_size}, &sent);
		w->own = sent ? OWN_ANNOUNCED : w->own;
	} else if (w->own == OWN_TO_PROVE) {
		error = say(
			c, STEP_PROOF, (struct span){w->proof, sizeof(w->proof)}, nothing, &sent);
		w->own = sent ? OWN_PROVEN : w->own;
	}
	return error;
}

static enum sc_error
flush_peer(struct conn *c, struct keyroll_work *w)
{
	const struct span nothing = {NULL, 0};
	enum sc_error error = SC_OK;
	bool sent = false;

	if (w->peer == PEER_TO_CHALLENGE) {
		size_t size = asym_ciphertext_size(w->asym->algorithm, KEYROLL_NONCE);
		error = say(c, STEP_CHALLENGE, (struct span){w->challenge, size}, nothing, &sent);
		w->peer = sent ? PEER_CHALLENGED : w->peer;
	} else if (w->peer == PEER_TO_ANSWER) {
		error = say(c, STEP_RESULT, (struct span){&w->own_answer, 1}, nothing, &sent);
		w->peer = sent ? PEER_NOTHING : w->peer;
	}
	return error;
}

enum sc_error
keyroll_flush(struct conn *c)
{
	struct keyroll_work *w = c->keyroll.work;
	enum sc_error error;

	if (!w)
		return SC_OK;
	if ((error = flush_own(c, w)) || (error = flush_peer(c, w)))
		return error;
	drop_if_idle(c);
	return SC_OK;
}

/* ---- the owner's side ---- */

/* Outside of any call that would tell of an error. */
static void
flush_now(struct conn *c)
{
	enum sc_error error = keyroll_flush(c);
	if (error)
		conn_fail(c, error);
}

enum sc_error
conn_announce(struct conn *c, const struct conn_key *key, uint64_t now)
{
	struct keyroll_work *w;

	if (c->phase != CONN_UP || c->error)
		return SC_ERR_INTERNAL;
	c->now = now;
	if (!(w = keyroll_need_work(c)))
		return SC_ERR_MEMORY;
	if (w->own != OWN_NOTHING || !keyroll_count(&c->keyroll.own, KEYROLL_OWN_MOST, now)) {
		drop_if_idle(c);
		return SC_ERR_LIMIT;
	}
	w->key = key;
	w->own = OWN_TO_ANNOUNCE;
	flush_now(c);
	return SC_OK;
}

bool
conn_next_roll(struct conn *c, struct conn_roll *roll)
{
	struct keyroll_work *w = c->keyroll.work;

	if (w && w->own == OWN_ANSWERED) {
		*roll = (struct conn_roll){
			CONN_ROLL_ANSWER, w->key->asym, w->key->public_key, w->answer};
		w->own = OWN_NOTHING;
		wipe(w->proof, sizeof(w->proof));
		drop_if_idle(c);
		return true;
	}
	if (w && w->peer == PEER_TOLD) {
		*roll = (struct conn_roll){CONN_ROLL_PROVEN, w->asym, w->public_key, 0};
		w->peer = PEER_DECIDING;
		return true;
	}
	return false;
}

void
conn_answer_roll(struct conn *c, uint8_t answer)
{
	struct keyroll_work *w = c->keyroll.work;

	if (!w || w->peer != PEER_DECIDING)
		return;
	keyroll_say_answer(w, answer);
	flush_now(c);
}
