/* Knows what is announced on a link, and what becomes of what the peer announces; when this node's
   own keys change is rolls_own.c's. */
#include "proxy/rolls.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/program.h"

static const char *
answer_text(enum keyroll_answer answer)
{
	static const char *const texts[] = {"verified", "pending", "refused"};
	return answer < KEYROLL_ANSWERS ? texts[answer] : "unknown";
}

static const char *
identity_of(const struct peer *p)
{
	return p->config ? p->config->identity : "";
}

/* ---- pieces of work for the notes' thread, from any worker and back ---- */

struct roll_task {
	struct notes_task task;
	struct post post;
	struct worker *worker; /* of the link */
	uint64_t birth;        /* of the link */
	struct peer_key key;   /* the peer's; or its name, and this node's own */
	bool accept;
	enum keyroll_answer answer;
	enum sc_error error;
	struct errmsg err;
};

static void
on_main(struct worker *main, struct post *post)
{
	struct roll_task *t = container_of(post, struct roll_task, post);

	if (main->node->notes)
		notes_run(main->node->notes, &t->task);
	else
		free(t); /* the node stops */
}

static struct roll_task *
new_task(const struct link *l, void (*run)(struct keyring *ring, struct notes_task *task),
	void (*done)(struct notes_task *task, bool closing))
{
	struct roll_task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->task.run = run;
	t->task.done = done;
	t->post.fn = on_main;
	t->worker = l->owner;
	t->birth = l->birth;
	snprintf(t->key.peer, sizeof(t->key.peer), "%s", l->peer->name);
	snprintf(t->key.source, sizeof(t->key.source), "%s", l->address);
	return t;
}

static void
set_key(struct roll_task *t, const struct asym_impl *asym, const uint8_t *public_key)
{
	t->key.asym = asym;
	memcpy(t->key.public_key, public_key, asym->algorithm->public_size);
	fingerprint_of(t->key.fingerprint, asym->algorithm, public_key);
}

static void
submit(struct roll_task *t)
{
	worker_post(node_main(t->worker->node), &t->post);
}

static void
log_trouble(const struct roll_task *t)
{
	if (t->error == SC_OK)
		return;
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "state_failed");
	log_str(&line, "peer", t->key.peer);
	log_str(&line, "error", t->err.text);
	log_end(&line);
}

/* ---- what the peer announces ---- */

static void
log_roll(const char *peer, const struct asym_impl *asym, enum keyroll_answer answer, bool proven)
{
	bool warn = answer != KEYROLL_VERIFIED;
	struct log_line line = log_begin(warn ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "key_roll");

	log_str(&line, "peer", peer);
	log_str(&line, "asymmetric", asym->algorithm->name);
	log_str(&line, "answer", answer_text(answer));
	if (answer == KEYROLL_PENDING)
		log_fmt(&line, "hint",
			"%s has a new key, and the old one vouches for it: call its operator, and "
			"run `%s verify %s`; until then the old one is used",
			peer, program_name(), peer);
	else if (answer == KEYROLL_REFUSED && !proven)
		log_str(&line, "hint",
			"it is weak, revoked, one of this node, or known under another name");
	log_end(&line);
}

bool
rolls_judge(void *arg, const struct asym_impl *asym, const uint8_t *public_key, uint8_t *answer)
{
	struct link *l = arg;
	enum keyroll_answer said = KEYROLL_REFUSED;
	bool weak = asym->algorithm->weak && !l->owner->config->node.allow_weak;

	if (!weak && !shared_ring_judge_roll(&l->owner->node->ring, l->peer->name, asym, public_key,
			     &said))
		return false;
	*answer = (uint8_t)said;
	if (said == KEYROLL_REFUSED)
		log_roll(l->peer->name, asym, said, false);
	return true;
}

static void
run_store(struct keyring *ring, struct notes_task *task)
{
	struct roll_task *t = container_of(task, struct roll_task, task);

	t->error = keyring_roll(ring, &t->key, t->accept, &t->answer, &t->err);
}

/* The link that asked, if it is still there. */
static void
on_stored(struct worker *w, struct post *post)
{
	struct roll_task *t = container_of(post, struct roll_task, post);

	list_for_each (it, &w->links) {
		struct link *l = container_of(it, struct link, node);
		if (l->birth != t->birth || l->state != LINK_UP)
			continue;
		conn_answer_roll(l->conn, (uint8_t)t->answer);
		link_touch(l);
	}
	free(t);
}

static void
stored(struct notes_task *task, bool closing)
{
	struct roll_task *t = container_of(task, struct roll_task, task);

	if (closing) {
		free(t);
		return;
	}
	log_trouble(t);
	log_roll(t->key.peer, t->key.asym, t->answer, true);
	watch_look(t->worker->node); /* before the answer: the peer may come with it at once */
	t->post.fn = on_stored;
	worker_post(t->worker, &t->post);
}

static void
peer_has_proven(struct link *l, const struct conn_roll *roll)
{
	struct roll_task *t = new_task(l, run_store, stored);
	struct conn_info info;

	if (!t) {
		conn_answer_roll(l->conn, KEYROLL_REFUSED);
		return;
	}
	conn_get_info(l->conn, &info);
	set_key(t, roll->asym, roll->public_key);
	fingerprint_of(t->key.beside, info.asym->algorithm, info.peer_public);
	t->accept = l->peer->config && l->peer->config->accept_rolls;
	submit(t);
}

/* ---- the first use of a new key ---- */

static void
run_use(struct keyring *ring, struct notes_task *task)
{
	struct roll_task *t = container_of(task, struct roll_task, task);
	t->error = keyring_use(ring, t->key.asym, t->key.public_key, &t->err);
}

static void
used(struct notes_task *task, bool closing)
{
	struct roll_task *t = container_of(task, struct roll_task, task);

	if (!closing)
		log_trouble(t);
	free(t);
}

static void
note_first_use(struct link *l)
{
	struct conn_info info;

	conn_get_info(l->conn, &info);
	if (!shared_ring_is_first_use(&l->owner->node->ring, info.asym, info.peer_public))
		return;
	struct roll_task *t = new_task(l, run_use, used);
	if (!t)
		return; /* with the next link */
	set_key(t, info.asym, info.peer_public);
	submit(t);
}

/* ---- what this node announces ---- */

static void
run_answer(struct keyring *ring, struct notes_task *task)
{
	struct roll_task *t = container_of(task, struct roll_task, task);
	t->error = keyring_set_answer(ring, t->key.peer, t->key.fingerprint, t->answer, &t->err);
}

static void
answered(struct notes_task *task, bool closing)
{
	struct roll_task *t = container_of(task, struct roll_task, task);

	if (!closing) {
		log_trouble(t);
		watch_look(t->worker->node);
		rolls_tick(t->worker->node);
	}
	free(t);
}

static void
peer_has_answered(struct link *l, const struct conn_roll *roll)
{
	struct roll_task *t = new_task(l, run_answer, answered);
	bool verified = roll->answer == KEYROLL_VERIFIED;
	struct log_line line =
		log_begin(verified ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "key_announced");

	log_str(&line, "peer", l->peer->name);
	log_str(&line, "asymmetric", roll->asym->algorithm->name);
	log_str(&line, "answer", answer_text(roll->answer));
	if (roll->answer == KEYROLL_PENDING)
		log_fmt(&line, "hint",
			"its operator has to verify this node's new key: call them; `%s key rotate "
			"--status` shows the fingerprint",
			program_name());
	else if (!verified)
		log_str(&line, "hint", "it does not take this node's new key; see its log");
	log_end(&line);
	if (t) {
		set_key(t, roll->asym, roll->public_key);
		t->answer = (enum keyroll_answer)roll->answer;
		submit(t);
	}
	held_key_release(l->announced_key);
	l->announced_key = NULL;
}

/* The i-th of the keys that the peer of this link should know: the next ones, and the current one
   where the link is still under a former one. NULL: none, or the peer has verified it. */
static const struct conn_key *
to_announce(const struct link *l, const struct key_identity *own, size_t i)
{
	size_t n = l->owner->node->n_asym;
	const struct conn_key *key = i < n ? &own->next[i] : &own->keys[i - n];
	char fingerprint[FINGERPRINT_SIZE];
	enum keyroll_answer answer;
	struct conn_info info;

	if (!key->asym)
		return NULL;
	conn_get_info(l->conn, &info);
	if (i >= n && (info.own->asym != key->asym || info.own->public_key == key->public_key))
		return NULL;
	fingerprint_of(fingerprint, key->asym->algorithm, key->public_key);
	if (shared_ring_answer(&l->owner->node->ring, l->peer->name, fingerprint, &answer) &&
		answer == KEYROLL_VERIFIED)
		return NULL;
	return key;
}

/* The next one that the peer of the link has to hear of. */
static void
announce(struct link *l)
{
	const struct key_identity *own = key_identity_find(l->owner->key_set, identity_of(l->peer));

	while (own && !l->announced_key && l->announced_next < 2 * l->owner->node->n_asym) {
		const struct conn_key *key = to_announce(l, own, l->announced_next++);
		if (!key)
			continue;
		l->announced = *key;
		if (conn_announce(l->conn, &l->announced, node_now()) != SC_OK)
			return; /* the hour's are used up */
		l->announced_key = held_key_hold(key);
		link_touch(l);
	}
}

void
rolls_up(struct link *l)
{
	note_first_use(l);
	announce(l);
}

void
rolls_check(struct link *l)
{
	struct conn_roll roll;

	while (conn_next_roll(l->conn, &roll)) {
		if (roll.kind == CONN_ROLL_PROVEN) {
			peer_has_proven(l, &roll);
		} else {
			peer_has_answered(l, &roll);
			announce(l);
		}
	}
}

void
rolls_announce_all(struct worker *w)
{
	list_for_each (it, &w->links) {
		struct link *l = container_of(it, struct link, node);
		if (l->state != LINK_UP || !l->rolls_begun)
			continue;
		l->announced_next = 0;
		announce(l);
	}
}
