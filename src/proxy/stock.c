/* Knows what is ready for which key, and when to make more; what the pieces are is crypto/asym.h's
   to know. */
#include "proxy/stock.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* What is ready for one key. */
struct shelf {
	struct list node;
	const struct asym_impl *asym;
	bool wanted; /* since the last sweep */
	unsigned n;
	uint8_t public_key[ASYM_PUBLIC_MAX];
	uint8_t pieces[]; /* STOCK_OF_A_KEY times prepared_size */
};

struct ephemeral {
	uint8_t private_key[X25519_SIZE], public_key[X25519_SIZE];
};

struct stock {
	struct jobs *jobs;
	struct random_source random;
	bool closed;

	uv_mutex_t lock; /* of all that follows up to job */
	struct list shelves;
	unsigned n_shelves;
	struct ephemeral ephemerals[STOCK_EPHEMERALS];
	unsigned n_ephemerals;

	struct job job; /* makes one piece: */
	const struct asym_impl *asym; /* for this key of it; NULL: an X25519 pair */
	uint8_t public_key[ASYM_PUBLIC_MAX];
	uint8_t prepared[ASYM_PREPARED_MAX];
	struct ephemeral ephemeral;
	bool failed;
};

static void on_thread(struct job *job);
static void on_made(struct job *job);

struct stock *
stock_new(struct jobs *jobs, const struct random_source *random)
{
	struct stock *s = calloc(1, sizeof(*s));

	if (!s || uv_mutex_init(&s->lock) != 0) {
		free(s);
		return NULL;
	}
	s->jobs = jobs;
	s->random = *random;
	list_init(&s->shelves);
	job_init(&s->job, jobs, on_thread, on_made);
	return s;
}

/* ---- which keys ---- */

static size_t
shelf_size(const struct asym_impl *asym)
{
	return sizeof(struct shelf) + STOCK_OF_A_KEY * asym->algorithm->prepared_size;
}

static uint8_t *
piece(struct shelf *shelf, unsigned i)
{
	return shelf->pieces + i * shelf->asym->algorithm->prepared_size;
}

/* Under the lock. */
static struct shelf *
find(struct stock *s, const struct asym_impl *asym, const uint8_t *public_key)
{
	list_for_each (it, &s->shelves) {
		struct shelf *shelf = container_of(it, struct shelf, node);
		if (shelf->asym == asym &&
			memcmp(shelf->public_key, public_key, asym->algorithm->public_size) == 0)
			return shelf;
	}
	return NULL;
}

static void
drop(struct stock *s, struct shelf *shelf)
{
	list_remove(&shelf->node);
	s->n_shelves--;
	wipe_free(shelf, shelf_size(shelf->asym));
}

void
stock_want(struct stock *s, const struct asym_impl *asym, const uint8_t *public_key)
{
	uv_mutex_lock(&s->lock);
	struct shelf *shelf = find(s, asym, public_key);
	if (!shelf && s->n_shelves < STOCK_KEYS_MAX && (shelf = calloc(1, shelf_size(asym)))) {
		shelf->asym = asym;
		memcpy(shelf->public_key, public_key, asym->algorithm->public_size);
		list_insert_tail(&s->shelves, &shelf->node);
		s->n_shelves++;
	}
	if (shelf)
		shelf->wanted = true;
	uv_mutex_unlock(&s->lock);
}

void
stock_sweep(struct stock *s)
{
	uv_mutex_lock(&s->lock);
	list_for_each_safe (it, &s->shelves) {
		struct shelf *shelf = container_of(it, struct shelf, node);
		if (shelf->wanted)
			shelf->wanted = false;
		else
			drop(s, shelf);
	}
	uv_mutex_unlock(&s->lock);
}

/* ---- making ---- */

static void
on_thread(struct job *job)
{
	struct stock *s = container_of(job, struct stock, job);

	s->failed = false;
	if (s->asym)
		s->failed = s->asym->prepare(s->asym, &s->random, s->public_key, s->prepared) != 0;
	else
		x25519_generate(&s->random, s->ephemeral.private_key, s->ephemeral.public_key);
}

/* Under the lock: where the job's piece belongs; NULL: nobody wants it any more. */
static void *
place(struct stock *s)
{
	if (!s->asym)
		return s->n_ephemerals < STOCK_EPHEMERALS ? &s->ephemerals[s->n_ephemerals++]
							  : NULL;
	struct shelf *shelf = find(s, s->asym, s->public_key);
	return shelf && shelf->n < STOCK_OF_A_KEY ? piece(shelf, shelf->n++) : NULL;
}

static void
on_made(struct job *job)
{
	struct stock *s = container_of(job, struct stock, job);

	uv_mutex_lock(&s->lock);
	void *to = s->failed ? NULL : place(s);
	if (to && s->asym)
		memcpy(to, s->prepared, s->asym->algorithm->prepared_size);
	else if (to)
		memcpy(to, &s->ephemeral, sizeof(s->ephemeral));
	uv_mutex_unlock(&s->lock);
	wipe(s->prepared, sizeof(s->prepared));
	wipe(&s->ephemeral, sizeof(s->ephemeral));
	if (!s->failed) /* short of memory: at the next refill */
		stock_refill(s);
}

/* Under the lock: what the job is to make. False: all is there. Keys of which least is ready come
   first. */
static bool
choose(struct stock *s)
{
	struct shelf *least = NULL;

	list_for_each (it, &s->shelves) {
		struct shelf *shelf = container_of(it, struct shelf, node);
		if (shelf->n < STOCK_OF_A_KEY && (!least || shelf->n < least->n))
			least = shelf;
	}
	s->asym = least ? least->asym : NULL;
	if (least)
		memcpy(s->public_key, least->public_key, least->asym->algorithm->public_size);
	return least || (s->n_shelves > 0 && s->n_ephemerals < STOCK_EPHEMERALS);
}

void
stock_refill(struct stock *s)
{
	if (s->closed || s->job.state != JOB_IDLE)
		return;
	uv_mutex_lock(&s->lock);
	bool missing = choose(s);
	uv_mutex_unlock(&s->lock);
	if (missing)
		job_submit_idle(&s->job);
}

/* ---- taking ---- */

bool
stock_take_prepared(struct stock *s, const struct asym_impl *asym, const uint8_t *public_key,
	uint8_t *prepared)
{
	size_t size = asym->algorithm->prepared_size;

	uv_mutex_lock(&s->lock);
	struct shelf *shelf = find(s, asym, public_key);
	bool found = shelf && shelf->n > 0;
	if (found) {
		uint8_t *last = piece(shelf, --shelf->n);
		memcpy(prepared, last, size);
		wipe(last, size);
	}
	uv_mutex_unlock(&s->lock);
	return found;
}

bool
stock_take_ephemeral(
	struct stock *s, uint8_t private_key[X25519_SIZE], uint8_t public_key[X25519_SIZE])
{
	uv_mutex_lock(&s->lock);
	bool found = s->n_ephemerals > 0;
	if (found) {
		struct ephemeral *last = &s->ephemerals[--s->n_ephemerals];
		memcpy(private_key, last->private_key, X25519_SIZE);
		memcpy(public_key, last->public_key, X25519_SIZE);
		wipe(last, sizeof(*last));
	}
	uv_mutex_unlock(&s->lock);
	return found;
}

/* ---- the end ---- */

void
stock_close(struct stock *s)
{
	if (!s)
		return;
	s->closed = true;
	job_cancel(&s->job);
}

void
stock_free(struct stock *s)
{
	if (!s)
		return;
	list_for_each_safe (it, &s->shelves)
		drop(s, container_of(it, struct shelf, node));
	uv_mutex_destroy(&s->lock);
	wipe_free(s, sizeof(*s));
}
