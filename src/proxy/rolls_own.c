/* Knows when this node's own keys change, and when old keys go; what is said of them on links is
   rolls.c's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "proxy/rolls.h"

#define EXPIRE_PERIOD (60 * NS_PER_S)

/* ---- workers are told ---- */

void
rolls_adopt(struct worker *w)
{
	struct key_set *set = key_mail_take(&w->key_mail);

	if (!set)
		return;
	key_set_release(w->key_set);
	w->key_set = set;
	list_for_each (it, &w->peers)
		dial_forget(container_of(it, struct peer, at));
	rolls_announce_all(w);
}

static void
on_mail(struct worker *w, struct post *post)
{
	(void)post;
	rolls_adopt(w);
}

static void
log_change(const struct key_set *before, const struct key_set *after)
{
	for (size_t i = 0; i < after->n_identities; i++) {
		const struct key_identity *now = &after->identities[i];
		const struct key_identity *then = key_identity_find(before, now->name);
		for (size_t k = 0; k < after->n_asym; k++) {
			const struct conn_key *key = &now->keys[k];
			char fingerprint[FINGERPRINT_SIZE];
			if (!key->asym || (then && then->keys[k].public_key == key->public_key))
				continue;
			fingerprint_of(fingerprint, key->asym->algorithm, key->public_key);
			struct log_line line = log_begin(LOG_LEVEL_INFO, "key_in_use");
			log_str(&line, "asymmetric", key->asym->algorithm->name);
			if (now->name[0])
				log_str(&line, "identity", now->name);
			log_str(&line, "fingerprint", fingerprint);
			log_end(&line);
		}
	}
}

void
rolls_look(struct node *n)
{
	struct errmsg err;
	struct key_set *now = key_set_new(n->key_store, shared_ring_own(&n->ring), &err);

	n->expire_at = 0; /* something may be due at once */
	if (!now) {
		struct log_line line = log_begin(LOG_LEVEL_ERROR, "key_missing");
		log_str(&line, "error", err.text);
		log_str(&line, "hint", "the node goes on with what it has in memory");
		log_end(&line);
		return;
	}
	if (key_set_equal(n->key_set, now)) {
		key_set_release(now);
		return;
	}
	log_change(n->key_set, now);
	key_set_release(n->key_set);
	n->key_set = now;
	for (unsigned i = 0; i < n->n_workers; i++) {
		struct worker *w = &n->workers[i];
		key_mail_put(&w->key_mail, key_set_hold(now));
		w->key_post.fn = on_mail;
		worker_post(w, &w->key_post);
	}
}

static void
on_ask(struct worker *w, struct post *post)
{
	(void)post;
	rolls_announce_all(w);
}

void
rolls_ask(struct node *n)
{
	for (unsigned i = 0; i < n->n_workers; i++) {
		struct worker *w = &n->workers[i];
		w->ask_post.fn = on_ask;
		worker_post(w, &w->ask_post);
	}
}

/* ---- now and then ---- */

enum duty { DUTY_CHANGE_OVER, DUTY_RETIRE, DUTY_EXPIRE };

/* One at a time: what it does decides what is next. */
struct duty_task {
	struct notes_task task;
	struct node *node;
	enum duty duty;
	const struct asym_impl *asym;
	char identity[PEER_NAME_SIZE], fingerprint[FINGERPRINT_SIZE];
	size_t expired;
	enum sc_error error;
	struct errmsg err;
};

static void
run_duty(struct keyring *ring, struct notes_task *task)
{
	struct duty_task *t = container_of(task, struct duty_task, task);

	if (t->duty == DUTY_CHANGE_OVER)
		t->error = keyring_change_over(ring, t->identity, t->asym, &t->err);
	else if (t->duty == DUTY_RETIRE)
		t->error = keyring_retire(ring, t->fingerprint, &t->err);
	else {
		keyring_refresh(ring);
		t->error = keyring_expire(ring, &t->expired, &t->err);
	}
}

static struct log_line
begin_duty_line(const struct duty_task *t)
{
	enum log_level level = t->error ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;

	if (t->duty == DUTY_CHANGE_OVER)
		return log_begin(level, "key_changed_over");
	if (t->duty == DUTY_RETIRE)
		return log_begin(level, "key_retired");
	return log_begin(level, "peer_keys_retired");
}

static void
log_duty(const struct duty_task *t)
{
	if (t->error == SC_ERR_NOT_FOUND)
		return; /* somebody else was quicker */
	if (t->duty == DUTY_EXPIRE && t->expired == 0 && t->error == SC_OK)
		return; /* nothing was due */
	struct log_line line = begin_duty_line(t);
	if (t->asym)
		log_str(&line, "asymmetric", t->asym->algorithm->name);
	if (t->identity[0])
		log_str(&line, "identity", t->identity);
	if (t->duty == DUTY_RETIRE)
		log_str(&line, "fingerprint", t->fingerprint);
	if (t->duty == DUTY_EXPIRE)
		log_u64(&line, "keys", t->expired);
	if (t->error)
		log_str(&line, "error", t->err.text);
	log_end(&line);
}

static void
duty_done(struct notes_task *task, bool closing)
{
	struct duty_task *t = container_of(task, struct duty_task, task);
	struct node *n = t->node;

	if (!closing) {
		log_duty(t);
		n->on_duty = false;
		/* what failed is tried again, but not all the time */
		n->duty_from = t->error ? node_now() + EXPIRE_PERIOD : 0;
		watch_look(n);
	}
	free(t);
}

static void
start_duty(struct node *n, enum duty duty, const struct key_pair *pair)
{
	struct duty_task *t = calloc(1, sizeof(*t));

	if (!t)
		return;
	t->task.run = run_duty;
	t->task.done = duty_done;
	t->node = n;
	t->duty = duty;
	if (pair) {
		t->asym = pair->asym;
		memcpy(t->identity, pair->identity, sizeof(t->identity));
		memcpy(t->fingerprint, pair->fingerprint, sizeof(t->fingerprint));
	}
	n->on_duty = true;
	notes_run(n->notes, &t->task);
}

/* The peers that are shown this identity, and whom this node knows, have all verified the next
   key. */
static bool
all_know(const struct node *n, const struct key_pair *next)
{
	const struct keyring *ring = shared_ring_own(&n->ring);
	enum keyroll_answer answer;
	int64_t time;

	for (size_t i = 0; i < n->config->n_peers; i++) {
		const struct config_peer *peer = &n->config->peers[i];
		if (strcmp(peer->identity, next->identity) != 0 ||
			!keyring_has_verified(ring, peer->name, NULL))
			continue;
		if (!keyring_answer(ring, peer->name, next->fingerprint, &answer, &time) ||
			answer != KEYROLL_VERIFIED)
			return false;
	}
	return true;
}

void
rolls_tick(struct node *n)
{
	const struct keyring *ring = shared_ring_own(&n->ring);
	const struct key_pair *pair;

	if (!n->notes || n->on_duty || node_now() < n->duty_from)
		return;
	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++) {
		if (pair->role == PAIR_NEXT && all_know(n, pair)) {
			start_duty(n, DUTY_CHANGE_OVER, pair);
			return;
		}
		if (pair->role == PAIR_FORMER &&
			!key_store_holds(n->key_store, pair->fingerprint)) {
			start_duty(n, DUTY_RETIRE, pair);
			return;
		}
	}
	if (node_now() >= n->expire_at) {
		n->expire_at = node_now() + EXPIRE_PERIOD;
		start_duty(n, DUTY_EXPIRE, NULL);
	}
}
