/* Tests the key ring where memory runs out and files cannot be read or written, at each place where
   that can be: a change is done or reported, nothing that is on disk is forgotten or decided over,
   and with the next try all is well. */
#include "fixture.h"

#include "faults.h"
#include "keyring/ring.h"

/* What a state folder holds, as its files are. */
struct saved {
	char *names[16], *texts[16];
	size_t n;
};

struct trial;

struct change {
	enum sc_error (*fn)(struct trial *t, struct errmsg *err);
	bool partly; /* it is of several files, one after the other */
};

struct trial {
	struct fixture f;
	struct shown_key hq, hq_next, pending, revoked, fresh;
	struct saved saved;
	char own[FINGERPRINT_SIZE];
	const struct change *change;
	char before[4096], after[4096]; /* all keys: as it was, as it is to be */
};

/* All that a ring knows, but times. */
static void
dump(const struct keyring *ring, char *out, size_t size)
{
	const struct key_pair *pair;
	const struct peer_key *key;
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++)
		used += (size_t)snprintf(out + used, size - used, "own %d %.9s %s\n", pair->role,
			pair->fingerprint, pair->identity);
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		used += (size_t)snprintf(out + used, size - used, "%d %s %.9s beside %.9s %s\n",
			key->state, key->peer, key->fingerprint, key->beside,
			key->used ? "used" : "");
	for (size_t i = 0; i < ring->folders[STORE_ANSWERS].n; i++)
		used += (size_t)snprintf(out + used, size - used, "answer %.20s\n",
			ring->folders[STORE_ANSWERS].files[i].name);
	assert_true(used < size - 1);
}

static void
dump_disk(struct trial *t, char *out, size_t size)
{
	struct keyring *ring = fixture_open(&t->f);

	dump(ring, out, size);
	keyring_free(ring);
}

static void
save(struct trial *t)
{
	for (size_t in = 0; in < STORE_FOLDERS; in++)
		for (size_t i = 0; i < t->f.ring->folders[in].n; i++) {
			char path[256];
			snprintf(path, sizeof(path), "state/%s/%s", store_folder_names[in],
				t->f.ring->folders[in].files[i].name);
			assert_true(t->saved.n < ARRAY_SIZE(t->saved.names));
			t->saved.names[t->saved.n] = strdup(path);
			t->saved.texts[t->saved.n++] =
				scratch_read(scratch_path(&t->f.scratch, path), NULL);
		}
}

/* The folder as it was, in a new place. */
static void
restore(struct trial *t)
{
	struct errmsg err;

	keyring_free(t->f.ring);
	scratch_fini(&t->f.scratch);
	scratch_init(&t->f.scratch);
	snprintf(t->f.folder, sizeof(t->f.folder), "%s", scratch_path(&t->f.scratch, "state"));
	assert_int_equal(keyring_create(t->f.folder, &err), SC_OK);
	for (size_t i = 0; i < t->saved.n; i++)
		scratch_write(&t->f.scratch, t->saved.names[i], t->saved.texts[i],
			strlen(t->saved.texts[i]));
	t->f.problems[0] = '\0';
	t->f.ring = fixture_open(&t->f);
	seeded_random_init(&t->f.random, 4711);
}

static void
trial_init(struct trial *t)
{
	struct fixture *f = &t->f;
	struct errmsg err;
	enum keyroll_answer answer;
	bool created;
	size_t n;

	memset(t, 0, sizeof(*t));
	fixture_init(f);
	t->hq = fixture_key(f, f->x25519);
	t->hq_next = fixture_key(f, f->x25519);
	t->pending = fixture_key(f, f->x25519);
	t->revoked = fixture_key(f, f->x25519);
	t->fresh = fixture_key(f, f->x25519);
	assert_int_equal(
		keyring_generate(f->ring, f->x25519, &f->random.source, &created, &err), SC_OK);
	memcpy(t->own, keyring_own(f->ring, f->x25519)->fingerprint, sizeof(t->own));
	assert_int_equal(keyring_make(f->ring, "", f->x25519, PAIR_NEXT, &f->random.source,
				 &created, &err),
		SC_OK);
	fixture_trust(f, "hq", &t->hq);
	struct peer_key next = {.asym = f->x25519, .peer = "hq"};
	memcpy(next.public_key, t->hq_next.bytes, f->x25519->algorithm->public_size);
	memcpy(next.fingerprint, t->hq_next.fingerprint, sizeof(next.fingerprint));
	memcpy(next.beside, t->hq.fingerprint, sizeof(next.beside));
	assert_int_equal(keyring_roll(f->ring, &next, true, &answer, &err), SC_OK);
	assert_int_equal(answer, KEYROLL_VERIFIED);
	fixture_note(f, "depot", &t->pending, "192.0.2.1:1");
	fixture_trust(f, "old", &t->revoked);
	assert_int_equal(keyring_revoke(f->ring, "old", NULL, &n, &err), SC_OK);
	save(t);
}

static void
trial_fini(struct trial *t)
{
	for (size_t i = 0; i < t->saved.n; i++) {
		free(t->saved.names[i]);
		free(t->saved.texts[i]);
	}
	fixture_fini(&t->f);
}

static void
try_change(void *arg)
{
	struct trial *t = arg;
	struct errmsg err = {.text = ""};
	char now[4096], memory[4096];

	restore(t);
	faults_begin();
	enum sc_error error = t->change->fn(t, &err);
	bool failed = faults_end();
	dump_disk(t, now, sizeof(now));
	if (!failed)
		assert_int_equal(error, SC_OK);
	if (error == SC_OK)
		assert_string_equal(now, t->after);
	else {
		assert_true(err.text[0] != '\0');
		if (strcmp(now, t->after) != 0 && !t->change->partly)
			assert_string_equal(now, t->before);
	}
	/* What failed once is no reason to be wrong for long. */
	keyring_refresh(t->f.ring);
	dump(t->f.ring, memory, sizeof(memory));
	assert_string_equal(memory, now);
	seeded_random_init(&t->f.random, 4711);
	t->change->fn(t, &err);
	dump_disk(t, now, sizeof(now));
	assert_string_equal(now, t->after);
}

/* A ring that opens has all keys, or says which file it has not read; one that is open keeps what
   it had. */
static void
try_open(void *arg)
{
	struct trial *t = arg;
	struct keyring *ring;
	struct errmsg err = {.text = ""};
	char now[4096];

	t->f.problems[0] = '\0';
	faults_begin();
	enum sc_error error = keyring_open(&ring, t->f.folder, fixture_problem, &t->f, &err);
	bool failed = faults_end();
	if (error != SC_OK) {
		assert_true(failed && err.text[0] != '\0');
		assert_null(ring);
		return;
	}
	dump(ring, now, sizeof(now));
	assert_int_equal(strcmp(now, t->before) == 0, t->f.problems[0] == '\0');
	keyring_refresh(ring);
	dump(ring, now, sizeof(now));
	assert_string_equal(now, t->before);
	faults_begin();
	keyring_refresh(ring);
	faults_end();
	keyring_refresh(ring);
	dump(ring, now, sizeof(now));
	assert_string_equal(now, t->before);
	keyring_free(ring);
}

static void
test_open(void **state)
{
	struct trial t;
	(void)state;

	trial_init(&t);
	dump_disk(&t, t.before, sizeof(t.before));
	faults_each(FAULT_MEMORY, try_open, &t);
	faults_each(FAULT_FILES, try_open, &t);
	trial_fini(&t);
}

static void
try_create(void *arg)
{
	struct scratch *s = arg;
	struct errmsg err = {.text = ""};
	struct store store;

	scratch_init(s);
	faults_begin();
	enum sc_error error = keyring_create(scratch_path(s, "a/b/state"), &err);
	if (faults_end())
		assert_true(error == SC_OK || err.text[0] != '\0');
	else
		assert_int_equal(error, SC_OK);
	assert_int_equal(keyring_create(scratch_path(s, "a/b/state"), &err), SC_OK);
	assert_int_equal(store_open(&store, s->path, &err), SC_OK);
	store_close(&store);
	scratch_fini(s);
}

static void
test_create(void **state)
{
	struct scratch s;
	(void)state;

	faults_each(FAULT_MEMORY, try_create, &s);
	faults_each(FAULT_FILES, try_create, &s);
}

/* ---- the changes; each is fine to do twice ---- */

/* There is one: whatever cannot be read, no other one is made. */
static enum sc_error
change_generate(struct trial *t, struct errmsg *err)
{
	bool created;
	return keyring_generate(t->f.ring, t->f.x25519, &t->f.random.source, &created, err);
}

static enum sc_error
change_make(struct trial *t, struct errmsg *err)
{
	bool created;
	return keyring_make(t->f.ring, "lab", t->f.x25519, PAIR_CURRENT, &t->f.random.source,
		&created, err);
}

static enum sc_error
fine_if(enum sc_error error, enum sc_error expected)
{
	return error == expected ? SC_OK : error;
}

static enum sc_error
change_over(struct trial *t, struct errmsg *err)
{
	return fine_if(keyring_change_over(t->f.ring, "", t->f.x25519, err), SC_ERR_NOT_FOUND);
}

static enum sc_error
change_note(struct trial *t, struct errmsg *err)
{
	bool verified;
	return keyring_note(t->f.ring, NULL, t->f.x25519, t->fresh.bytes, "192.0.2.7:1", &verified,
		err);
}

static enum sc_error
trust(struct trial *t, const char *peer, const struct shown_key *key, struct errmsg *err)
{
	return keyring_trust_key(t->f.ring, peer, t->f.x25519, key->bytes, false, err);
}

/* What was revoked is not trusted because that cannot be read. */
static enum sc_error
change_trust_revoked(struct trial *t, struct errmsg *err)
{
	return fine_if(trust(t, "old", &t->revoked, err), SC_ERR_EXISTS);
}

static enum sc_error
change_trust_held(struct trial *t, struct errmsg *err)
{
	return fine_if(trust(t, "depot", &t->hq, err), SC_ERR_EXISTS);
}

static enum sc_error
change_trust(struct trial *t, struct errmsg *err)
{
	return trust(t, "hq", &t->fresh, err);
}

static enum sc_error
change_expect(struct trial *t, struct errmsg *err)
{
	return keyring_trust_fingerprint(t->f.ring, "hq", t->fresh.fingerprint, false, err);
}

static enum sc_error
change_verify_pending(struct trial *t, struct errmsg *err)
{
	struct peer_key key;
	return fine_if(keyring_verify(t->f.ring, "depot", t->pending.fingerprint, &key, err),
		SC_ERR_NOT_FOUND);
}

static enum sc_error
change_revoke(struct trial *t, struct errmsg *err)
{
	size_t n;
	return fine_if(keyring_revoke(t->f.ring, "hq", NULL, &n, err), SC_ERR_NOT_FOUND);
}

static enum sc_error
change_use(struct trial *t, struct errmsg *err)
{
	return keyring_use(t->f.ring, t->f.x25519, t->hq_next.bytes, err);
}

static enum sc_error
change_answer(struct trial *t, struct errmsg *err)
{
	return keyring_set_answer(t->f.ring, "hq", t->own, KEYROLL_PENDING, err);
}

static void
test_change(void **state)
{
	const struct change *change = *state;
	struct trial t;
	struct errmsg err;

	trial_init(&t);
	t.change = change;
	dump_disk(&t, t.before, sizeof(t.before));
	restore(&t);
	if (change->fn(&t, &err) != SC_OK)
		fail_msg("%s", err.text);
	dump_disk(&t, t.after, sizeof(t.after));
	faults_each(FAULT_MEMORY, try_change, &t);
	faults_each(FAULT_FILES, try_change, &t);
	trial_fini(&t);
}

/* ---- the one node ---- */

/* It has the folder, or says that it cannot be told: never without a word what it has not. */
static void
try_claim(void *arg)
{
	struct fixture *f = arg;
	struct errmsg err = {.text = ""};
	struct keyring *node = fixture_open(f), *second = fixture_open(f);

	faults_begin();
	enum sc_error error = keyring_claim(node, false, &err);
	bool failed = faults_end();
	assert_true(error == SC_OK || failed);
	if (error == SC_OK) {
		assert_int_equal(keyring_claim(second, false, &err), SC_ERR_EXISTS);
	} else {
		assert_int_equal(error, SC_ERR_IO);
		assert_non_null(strstr(err.text, "cannot be locked ("));
		assert_int_equal(keyring_claim(second, false, &err), SC_OK);
	}
	keyring_free(second);
	keyring_free(node);
}

static void
test_claim(void **state)
{
	struct fixture f;
	(void)state;

	fixture_init(&f);
	faults_each(FAULT_FILES, try_claim, &f);
	fixture_fini(&f);
}

#define CHANGE(name, partly) {#name, test_change, NULL, NULL, &(struct change){name, partly}}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_claim),
		CHANGE(change_generate, false),
		CHANGE(change_make, false),
		CHANGE(change_over, false),
		CHANGE(change_note, false),
		CHANGE(change_trust_revoked, false),
		CHANGE(change_trust_held, false),
		CHANGE(change_trust, true),
		CHANGE(change_expect, false),
		CHANGE(change_verify_pending, false),
		CHANGE(change_revoke, true),
		CHANGE(change_use, false),
		CHANGE(change_answer, false),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
