/* Knows how the folders' files become records in memory and stay in step with the disk; decides
   nothing. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/ring.h"

/* "x25519.key" or "IDENTITY.x25519.key"; the further ones of a purpose have their fingerprint in it
   too. */
static enum store_folder
own_file_name(char name[FILE_NAME_SIZE], const struct key_record *r, bool further)
{
	char algorithm[32];

	snprintf(algorithm, sizeof(algorithm), "%s", r->key.asym->algorithm->name);
	for (char *c = algorithm; *c; c++)
		*c = *c == ' ' ? '-' : (char)tolower((unsigned char)*c);
	snprintf(name, FILE_NAME_SIZE, "%s%s%s%s%s.key", r->identity, r->identity[0] ? "." : "",
		algorithm, further ? "." : "", further ? r->key.fingerprint : "");
	return STORE_KEYS;
}

enum store_folder
ring_file_name(char name[FILE_NAME_SIZE], const struct key_record *r)
{
	if (key_kind_has(r->kind, FIELD_IDENTITY))
		return own_file_name(name, r, true);
	if (r->kind == KIND_ANSWER) {
		snprintf(name, FILE_NAME_SIZE, "%s.%s.key", r->key.peer, r->key.fingerprint);
		return STORE_ANSWERS;
	}
	if (r->key.peer[0] == '\0') {
		snprintf(name, FILE_NAME_SIZE, "%s.key", r->key.fingerprint);
		return STORE_CALLERS;
	}
	snprintf(name, FILE_NAME_SIZE, "%s.%s.key", r->key.peer, r->key.fingerprint);
	return r->kind == KIND_PENDING ? STORE_PENDING : STORE_PEERS;
}

static int
compare_name(const void *name, const void *file)
{
	return strcmp(name, ((const struct ring_file *)file)->name);
}

const struct key_record *
ring_record(const struct keyring *ring, enum store_folder in, const char *name)
{
	const struct ring_folder *folder = &ring->folders[in];
	const struct ring_file *f =
		folder->n ? bsearch(name, folder->files, folder->n, sizeof(*f), compare_name)
			  : NULL;
	return f ? f->record : NULL;
}

void
ring_problem(const struct keyring *ring, enum store_folder in, const char *name, const char *what)
{
	char text[1024], shown[300];

	if (!ring->problem)
		return;
	escape_text(shown, sizeof(shown), name, strlen(name));
	snprintf(text, sizeof(text), "%s/%s/%s: %s", ring->store.path, store_folder_names[in],
		shown, what);
	ring->problem(ring->problem_arg, text);
}

static void
forget_keys(struct keyring *ring, struct ring_file *f)
{
	wipe_free(f->record, sizeof(*f->record));
	secret_free(&ring->secrets, f->pair);
	f->record = NULL;
	f->pair = NULL;
}

void
ring_folder_fini(struct keyring *ring, struct ring_folder *folder)
{
	for (size_t i = 0; i < folder->n; i++) {
		forget_keys(ring, &folder->files[i]);
		free(folder->files[i].name);
	}
	free(folder->files);
	*folder = (struct ring_folder){.files = NULL};
}

/* By what is in it, the file has this place and name. */
static bool
belongs(const struct key_record *r, enum store_folder in, const char *name)
{
	char right[FILE_NAME_SIZE];

	if (r->kind == KIND_PUBLIC || ring_file_name(right, r) != in)
		return false;
	if (strcmp(right, name) == 0)
		return true;
	if (in != STORE_KEYS)
		return false;
	own_file_name(right, r, false);
	return strcmp(right, name) == 0;
}

/* Reads and parses a file into work->record; on errors err says why: SC_ERR_FORMAT and
   SC_ERR_PERMISSION are the file's fault, anything else may be over with the next try. */
static enum sc_error
read_record(const struct keyring *ring, enum store_folder in, const char *name,
	struct key_work *work, struct errmsg *err)
{
	size_t n;
	struct errmsg why;
	enum sc_error error =
		store_read(&ring->store, in, name, work->text, sizeof(work->text), &n, err);

	if (error == SC_OK && n == 0)
		error = errmsg_set(err, SC_ERR_FORMAT, "is empty; remove it");
	else if (error == SC_OK && key_record_parse(&work->record, work->text, n, &why) != SC_OK)
		error = errmsg_set(err, SC_ERR_FORMAT,
			"%.200s; put it back from a backup, or remove it", why.text);
	else if (error == SC_OK && !belongs(&work->record, in, name))
		error = errmsg_set(err, SC_ERR_FORMAT,
			"does not belong here: by what is in it, it has another name or place; "
			"remove it");
	wipe(work->text, n);
	return error;
}

static bool
record_equal(const struct key_record *a, const struct key_record *b)
{
	/* The fingerprint stands for the algorithm and the public key. */
	return a->kind == b->kind && a->key.time == b->key.time &&
	       strcmp(a->key.peer, b->key.peer) == 0 && strcmp(a->key.source, b->key.source) == 0 &&
	       strcmp(a->key.fingerprint, b->key.fingerprint) == 0 &&
	       strcmp(a->key.beside, b->key.beside) == 0 && a->key.used == b->key.used &&
	       a->answer == b->answer;
}

static enum pair_role
role_of(enum key_kind kind)
{
	return kind == KIND_NEXT ? PAIR_NEXT : kind == KIND_RETIRED ? PAIR_RETIRED : PAIR_CURRENT;
}

/* Turns the record of an own key into a pair. */
static bool
make_pair(struct keyring *ring, struct ring_file *f, const struct key_record *r)
{
	struct key_pair *pair = secret_alloc(&ring->secrets);

	if (!pair)
		return false;
	pair->asym = r->key.asym;
	pair->role = role_of(r->kind);
	pair->created = r->key.time;
	memcpy(pair->identity, r->identity, sizeof(pair->identity));
	memcpy(pair->fingerprint, r->key.fingerprint, sizeof(pair->fingerprint));
	memcpy(pair->public_key, r->key.public_key, sizeof(pair->public_key));
	memcpy(pair->private_key, r->private_key, sizeof(pair->private_key));
	f->pair = pair;
	return true;
}

/* Was it this pair, in this role? In use or former is the index's to say. */
static bool
is_pair(const struct key_pair *pair, const struct key_record *r)
{
	enum pair_role role = pair->role == PAIR_FORMER ? PAIR_CURRENT : pair->role;
	return role == role_of(r->kind) && pair->created == r->key.time &&
	       strcmp(pair->fingerprint, r->key.fingerprint) == 0;
}

static void
keep_old(struct ring_file *f, struct ring_file *old)
{
	f->record = old->record;
	f->pair = old->pair;
	old->record = NULL;
	old->pair = NULL;
}

/* Too many open files, say: no reason to forget a key. Told once; why NULL: not worth a word. */
static void
keep_unread(struct keyring *ring, enum store_folder in, struct ring_file *f, struct ring_file *old,
	const char *why)
{
	if (why && (!old || !old->unread))
		ring_problem(ring, in, f->name, why);
	f->settled = false;
	f->unread = true;
	if (old)
		keep_old(f, old);
}

static bool
is_usable(const struct ring_file *f)
{
	return f->record || f->pair;
}

/* What was read is f's from now on, unless it is what was there before. True if the key is another
   one. */
static bool
take_record(struct keyring *ring, enum store_folder in, struct ring_file *f, struct ring_file *old,
	const struct key_record *r)
{
	if (in == STORE_KEYS && old && old->pair && is_pair(old->pair, r)) {
		keep_old(f, old); /* the same pair: pointers to it stay good */
		return false;
	}
	if (in == STORE_KEYS)
		f->settled = make_pair(ring, f, r) && f->settled;
	else if ((f->record = malloc(sizeof(*r))))
		*f->record = *r; /* of these none has a private key */
	if (!is_usable(f)) {     /* out of memory */
		keep_unread(ring, in, f, old, "out of memory");
		return false;
	}
	return f->pair || !old || !old->record || !record_equal(f->record, old->record);
}

/* Fills f for a name from the disk, with room to work in. */
static bool
read_file(struct keyring *ring, enum store_folder in, struct ring_file *f, struct ring_file *old,
	struct key_work *work)
{
	struct errmsg err;
	bool same_mark = old && mark_equal(&old->mark, &f->mark);
	enum sc_error error = work ? read_record(ring, in, f->name, work, &err)
				   : errmsg_set(&err, SC_ERR_MEMORY, "out of memory");

	if (error == SC_OK)
		return take_record(ring, in, f, old, &work->record);
	if (error != SC_ERR_FORMAT && error != SC_ERR_PERMISSION) {
		keep_unread(ring, in, f, old, error == SC_ERR_NOT_FOUND ? NULL : err.text);
		return false;
	}
	if (!same_mark || is_usable(old))
		ring_problem(ring, in, f->name, err.text);
	return old && is_usable(old);
}

/* Fills f for a name, from what was there before if its mark proves that it is the same file, else
   from the disk. old may be NULL; its parts move. True if a usable key came, went or changed. */
static bool
load_file(struct keyring *ring, enum store_folder in, struct ring_file *f, struct ring_file *old,
	const struct timespec *now)
{
	f->settled = mark_settled(&f->mark, now);
	if (old && old->settled && mark_equal(&old->mark, &f->mark)) {
		keep_old(f, old);
		return false;
	}
	struct key_work *work = secret_alloc(&ring->works);
	bool changed = read_file(ring, in, f, old, work);
	secret_free(&ring->works, work);
	if (in == STORE_KEYS)
		wipe_stack();
	return changed;
}

/* The new list of names replaces the old one; both are sorted. What is kept of names is not there
   any more. *changed is set if a usable key came, went or changed. The folder is settled then if
   every file could be read, or never will be. */
static enum sc_error
merge(struct keyring *ring, enum store_folder in, char **names, size_t n,
	const struct timespec *now, bool *changed)
{
	struct ring_folder old = ring->folders[in], *folder = &ring->folders[in];
	struct ring_file *files = calloc(n ? n : 1, sizeof(*files));
	size_t k = 0;

	if (!files)
		return SC_ERR_MEMORY;
	*folder = (struct ring_folder){.files = files, .settled = true};
	for (size_t i = 0; i < n; i++) {
		struct ring_file *f = &files[folder->n];
		while (k < old.n && strcmp(old.files[k].name, names[i]) < 0)
			k++;
		bool known = k < old.n && strcmp(old.files[k].name, names[i]) == 0;
		bool marked = store_mark(&ring->store, in, names[i], &f->mark) == 0;
		if (!marked && errno == ENOENT)
			continue; /* gone since it was listed */
		f->name = names[i];
		names[i] = NULL;
		struct ring_file *was = known ? &old.files[k] : NULL;
		if (!marked)
			keep_unread(ring, in, f, was, "cannot be looked at");
		else if (load_file(ring, in, f, was, now))
			*changed = true;
		if (known)
			forget_keys(ring, was);
		folder->settled = folder->settled && !f->unread &&
				  (f->settled || !mark_settled(&f->mark, now));
		folder->n++;
	}
	for (size_t i = 0; i < old.n; i++) /* what is left there is gone from the disk */
		*changed = *changed || is_usable(&old.files[i]);
	ring_folder_fini(ring, &old);
	ring->stale = true;
	return SC_OK;
}

bool
ring_scan(struct keyring *ring, enum store_folder in)
{
	struct ring_folder *folder = &ring->folders[in];
	struct timespec now;
	struct mark mark;
	char **names = NULL;
	size_t n = 0;
	bool changed = false;

	clock_gettime(CLOCK_REALTIME, &now);
	folder->unread = store_mark(&ring->store, in, NULL, &mark) != 0;
	if (folder->unread || (folder->settled && mark_equal(&mark, &folder->mark)))
		return false;
	folder->settled = false;
	folder->unread = true;
	if (store_names(&ring->store, in, &names, &n) == SC_OK &&
		merge(ring, in, names, n, &now, &changed) == SC_OK) {
		folder->mark = mark;
		folder->unread = false;
		folder->settled = folder->settled && mark_settled(&mark, &now);
	}
	store_names_free(names, n);
	return changed;
}

static enum sc_error
unread(const struct keyring *ring, size_t in, const char *name, struct errmsg *err)
{
	return errmsg_set(err, SC_ERR_IO,
		"%s/%s%s%s: cannot be read just now, and nothing is done without it; try again, "
		"and look at the system's log if that does not help",
		ring->store.path, store_folder_names[in], name[0] ? "/" : "", name);
}

enum sc_error
ring_listed(const struct keyring *ring, struct errmsg *err)
{
	for (size_t in = 0; in < STORE_FOLDERS; in++)
		if (ring->folders[in].unread)
			return unread(ring, in, "", err);
	return ring->stale ? errmsg_set(err, SC_ERR_MEMORY, "out of memory") : SC_OK;
}

enum sc_error
ring_whole(const struct keyring *ring, struct errmsg *err)
{
	for (size_t in = 0; in < STORE_FOLDERS; in++)
		for (size_t i = 0; i < ring->folders[in].n; i++)
			if (ring->folders[in].files[i].unread)
				return unread(ring, in, ring->folders[in].files[i].name, err);
	return ring_listed(ring, err);
}
