/* Knows how unverified keys come into the state folder; knows nothing of the connections that
   showed them. */
#include "proxy/notes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/program.h"

#define WAITING_MAX 32
#define LOGGED_MAX  64 /* keys and sources that were logged last */

struct note {
	struct notes_task task;
	struct notes *notes;
	const struct asym_impl *asym;
	char peer[PEER_NAME_SIZE]; /* "": an unknown caller */
	char source[KEY_SOURCE_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
	uint8_t public_key[ASYM_PUBLIC_MAX];
	bool changed;
	/* what the thread found: */
	bool verified;
	struct keyring_dropped dropped;
	enum sc_error error;
	struct errmsg err;
};

struct logged {
	char fingerprint[FINGERPRINT_SIZE];
	char host[KEY_SOURCE_SIZE]; /* without its port, which is another one each time */
};

struct notes {
	uv_loop_t *loop;
	struct keyring *ring; /* the thread's, while `current` is there */
	struct list waiting; /* struct notes_task */
	size_t n_waiting;    /* of these, notes */
	struct notes_task *current;
	uv_work_t work;
	struct logged logged[LOGGED_MAX];
	size_t next_logged;
	struct flood *logs;
	bool closing;
	notes_fn *fn;
	void *owner;
};

struct notes *
notes_new(uv_loop_t *loop, const struct keyring *ring, struct flood *logs, notes_fn *fn,
	void *owner, struct errmsg *err)
{
	struct notes *n = calloc(1, sizeof(*n));
	if (!n) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return NULL;
	}
	if (keyring_open_same(&n->ring, ring, err) != SC_OK) {
		free(n);
		return NULL;
	}
	list_init(&n->waiting);
	n->loop = loop;
	n->logs = logs;
	n->fn = fn;
	n->owner = owner;
	n->work.data = n;
	return n;
}

/* True the first time in a while that this key comes from this host. */
static bool
new_to_log(struct notes *n, const struct note *note)
{
	struct logged seen = {0};
	const char *port = strrchr(note->source, ':');

	memcpy(seen.fingerprint, note->fingerprint, sizeof(seen.fingerprint));
	snprintf(seen.host, sizeof(seen.host), "%.*s",
		port ? (int)(port - note->source) : (int)strlen(note->source), note->source);
	for (size_t i = 0; i < LOGGED_MAX; i++)
		if (strcmp(n->logged[i].fingerprint, seen.fingerprint) == 0 &&
			strcmp(n->logged[i].host, seen.host) == 0)
			return false;
	n->logged[n->next_logged++ % LOGGED_MAX] = seen;
	return true;
}

static void
log_note(struct notes *n, const struct note *note)
{
	const char *name = note->peer[0] ? note->peer : "NAME";

	if (note->verified || !new_to_log(n, note) || !flood_pass(n->logs, uv_hrtime()))
		return;
	struct log_line l = log_begin(LOG_LEVEL_WARNING, "key_pending");
	/* Not the fingerprint: the operator is to hear it on the telephone, not to read it here. */
	log_str(&l, "asymmetric", note->asym->algorithm->name);
	log_str(&l, "source", note->source);
	log_str(&l, "peer", note->peer);
	if (note->error != SC_OK)
		log_fmt(&l, "hint", "the key could not be stored: %s", note->err.text);
	else if (note->changed)
		log_fmt(&l, "hint",
			"this is NOT the key that is verified for %s; if its operator confirms the "
			"change, run `%s verify %s`, else somebody else answers there",
			name, program_name(), name);
	else
		log_fmt(&l, "hint", "run `%s verify %s`%s", program_name(), name,
			note->peer[0] ? "" : " with the name of the peer that this is");
	log_end(&l);
}

static void
run_note(struct keyring *ring, struct notes_task *task)
{
	struct note *note = container_of(task, struct note, task);

	keyring_refresh(ring);
	note->error = keyring_note(ring, note->peer[0] ? note->peer : NULL, note->asym,
		note->public_key, note->source, &note->verified, &note->err);
	note->dropped = keyring_get_dropped(ring);
}

static void
note_done(struct notes_task *task, bool closing)
{
	struct note *note = container_of(task, struct note, task);
	struct notes *n = note->notes;
	bool stored = note->error == SC_OK, verified = note->verified;
	struct keyring_dropped dropped = note->dropped;

	if (!closing)
		log_note(n, note);
	free(note);
	if (!closing && stored)
		n->fn(n->owner, verified, &dropped);
}

static void
on_thread(uv_work_t *work)
{
	struct notes *n = work->data;
	n->current->run(n->ring, n->current);
}

static void on_loop(uv_work_t *work, int status);

static void
start_next(struct notes *n)
{
	struct list *first = list_first(&n->waiting);
	if (n->current || !first)
		return;
	list_remove(first);
	n->current = container_of(first, struct notes_task, node);
	if (n->current->run == run_note)
		n->n_waiting--;
	uv_queue_work(n->loop, &n->work, on_thread, on_loop); /* fails only without on_thread */
}

static void
notes_destroy(struct notes *n)
{
	keyring_free(n->ring);
	free(n);
}

static void
on_loop(uv_work_t *work, int status)
{
	struct notes *n = work->data;
	struct notes_task *task = n->current;

	(void)status;
	n->current = NULL;
	task->done(task, n->closing);
	if (n->closing)
		notes_destroy(n);
	else
		start_next(n);
}

void
notes_run(struct notes *n, struct notes_task *task)
{
	list_insert_tail(&n->waiting, &task->node);
	start_next(n);
}

static bool
waits_already(const struct notes *n, const struct note *note)
{
	list_for_each (it, &n->waiting) {
		const struct notes_task *task = container_of(it, struct notes_task, node);
		const struct note *other = container_of(task, struct note, task);
		if (task->run == run_note && strcmp(other->fingerprint, note->fingerprint) == 0 &&
			strcmp(other->peer, note->peer) == 0)
			return true;
	}
	return false;
}

void
notes_add(struct notes *n, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *source, bool changed)
{
	struct note *note = n->n_waiting < WAITING_MAX ? calloc(1, sizeof(*note)) : NULL;
	if (!note)
		return;
	note->asym = asym;
	note->changed = changed;
	snprintf(note->peer, sizeof(note->peer), "%s", peer ? peer : "");
	snprintf(note->source, sizeof(note->source), "%s", source);
	memcpy(note->public_key, public_key, asym->algorithm->public_size);
	fingerprint_of(note->fingerprint, asym->algorithm, public_key);
	if (waits_already(n, note)) {
		free(note);
		return;
	}
	note->task.run = run_note;
	note->task.done = note_done;
	note->notes = n;
	n->n_waiting++;
	notes_run(n, &note->task);
}

void
notes_free(struct notes *n)
{
	if (!n)
		return;
	list_for_each_safe (it, &n->waiting) {
		struct notes_task *task = container_of(it, struct notes_task, node);
		list_remove(it);
		task->done(task, true);
	}
	n->n_waiting = 0;
	n->closing = true;
	if (!n->current)
		notes_destroy(n);
}
