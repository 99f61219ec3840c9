/* Tests keyring/own.c: pairs for several purposes, their rotation, and what peers have said to
   it. */
#include "fixture.h"

#include <unistd.h>

#include "keyring/ring.h"

static void
make(struct fixture *f, const char *identity, enum pair_role role)
{
	struct errmsg err;
	bool created;
	if (keyring_make(f->ring, identity, f->x25519, role, &f->random.source, &created, &err) !=
		SC_OK)
		fail_msg("%s", err.text);
	assert_true(created);
}

static const char *
fingerprint(struct keyring *ring, const char *identity, enum pair_role role)
{
	static const char none[FINGERPRINT_SIZE] = "none";
	const struct key_pair *pair = keyring_pair(ring, identity, asym_find("X25519"), role);
	return pair ? pair->fingerprint : none;
}

static void
test_identities(void **state)
{
	struct fixture f;
	struct errmsg err;
	bool created;
	(void)state;

	fixture_init(&f);
	make(&f, "", PAIR_CURRENT);
	make(&f, "for-hq", PAIR_CURRENT);
	assert_int_equal(keyring_make(f.ring, "for-hq", f.x25519, PAIR_CURRENT, &f.random.source,
				 &created, &err),
		SC_OK);
	assert_false(created);
	assert_string_not_equal(
		fingerprint(f.ring, "", PAIR_CURRENT), fingerprint(f.ring, "for-hq", PAIR_CURRENT));
	assert_string_equal(fingerprint(f.ring, "for-h", PAIR_CURRENT), "none");
	assert_string_equal(
		keyring_own(f.ring, f.x25519)->fingerprint, fingerprint(f.ring, "", PAIR_CURRENT));
	assert_string_equal(keyring_pair_at(f.ring, 1)->identity, "for-hq");
	assert_null(keyring_pair_at(f.ring, 2));
	/* Neither is ever a peer's. */
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(keyring_trust_key(f.ring, "hq", f.x25519,
					 keyring_pair_at(f.ring, i)->public_key, false, &err),
			SC_ERR_INVALID);
	fixture_fini(&f);
}

static void
test_change_over(void **state)
{
	struct fixture f;
	struct errmsg err;
	bool created;
	char first[FINGERPRINT_SIZE], second[FINGERPRINT_SIZE];
	(void)state;

	fixture_init(&f);
	assert_int_equal(
		keyring_make(f.ring, "", f.x25519, PAIR_NEXT, &f.random.source, &created, &err),
		SC_ERR_NOT_FOUND);
	make(&f, "", PAIR_CURRENT);
	memcpy(first, fingerprint(f.ring, "", PAIR_CURRENT), sizeof(first));
	assert_int_equal(keyring_change_over(f.ring, "", f.x25519, &err), SC_ERR_NOT_FOUND);
	make(&f, "", PAIR_NEXT);
	memcpy(second, fingerprint(f.ring, "", PAIR_NEXT), sizeof(second));
	assert_string_equal(fingerprint(f.ring, "", PAIR_CURRENT), first);
	assert_int_equal(keyring_retire(f.ring, first, &err), SC_ERR_NOT_FOUND); /* it is in use */

	struct keyring *other = fixture_open(&f);
	assert_int_equal(keyring_change_over(f.ring, "", f.x25519, &err), SC_OK);
	assert_true(keyring_refresh(other));
	for (unsigned i = 0; i < 2; i++) {
		struct keyring *ring = i ? other : f.ring;
		assert_string_equal(fingerprint(ring, "", PAIR_CURRENT), second);
		assert_string_equal(fingerprint(ring, "", PAIR_FORMER), first);
		assert_string_equal(fingerprint(ring, "", PAIR_NEXT), "none");
	}
	keyring_free(other);

	/* At once again: the clock has not moved on, the order is right all the same. */
	make(&f, "", PAIR_NEXT);
	assert_int_equal(keyring_change_over(f.ring, "", f.x25519, &err), SC_OK);
	assert_string_not_equal(fingerprint(f.ring, "", PAIR_CURRENT), second);
	assert_string_equal(fingerprint(f.ring, "", PAIR_FORMER), second); /* the younger of two */
	fixture_fini(&f);
}

static void
test_retire(void **state)
{
	struct fixture f;
	struct errmsg err;
	char first[FINGERPRINT_SIZE], line[80];
	uint8_t public_key[32], private_key[32];
	(void)state;

	fixture_init(&f);
	make(&f, "", PAIR_CURRENT);
	const struct key_pair *pair = keyring_own(f.ring, f.x25519);
	memcpy(first, pair->fingerprint, sizeof(first));
	memcpy(public_key, pair->public_key, 32);
	memcpy(private_key, pair->private_key, 32);
	/* The old bytes stay readable through a second name, if they are not overwritten. */
	char path[SCRATCH_PATH_SIZE + 32];
	snprintf(path, sizeof(path), "%s/keys/x25519.key", f.folder);
	assert_int_equal(link(path, scratch_path(&f.scratch, "state/old")), 0);
	make(&f, "", PAIR_NEXT);
	assert_int_equal(keyring_change_over(f.ring, "", f.x25519, &err), SC_OK);
	assert_int_equal(keyring_retire(f.ring, first, &err), SC_OK);
	assert_string_equal(fingerprint(f.ring, "", PAIR_FORMER), "none");
	assert_string_equal(fingerprint(f.ring, "", PAIR_RETIRED), first);
	hex_encode(line, private_key, 32);
	for (unsigned i = 0; i < 2; i++) {
		size_t n;
		char *text = scratch_read(
			scratch_path(&f.scratch, i ? "state/old" : "state/keys/x25519.key"), &n);
		assert_null(memmem(text, n, line, 64));
		free(text);
	}
	/* Of any age: it is never taken for a peer's. */
	char name[PEER_NAME_SIZE];
	assert_int_equal(keyring_check(f.ring, NULL, f.x25519, public_key, name), VERDICT_OWN);
	assert_string_equal(f.problems, "");
	fixture_fini(&f);
}

static void
test_answers(void **state)
{
	struct fixture f;
	struct errmsg err;
	enum keyroll_answer answer;
	char next[FINGERPRINT_SIZE];
	int64_t time;
	(void)state;

	fixture_init(&f);
	make(&f, "", PAIR_CURRENT);
	make(&f, "", PAIR_NEXT);
	memcpy(next, fingerprint(f.ring, "", PAIR_NEXT), sizeof(next));
	assert_false(keyring_answer(f.ring, "hq", next, &answer, &time));
	assert_int_equal(keyring_set_answer(f.ring, "hq", next, KEYROLL_PENDING, &err), SC_OK);
	assert_true(keyring_answer(f.ring, "hq", next, &answer, &time));
	assert_int_equal(answer, KEYROLL_PENDING);
	assert_false(keyring_answer(f.ring, "branch", next, &answer, &time));
	assert_int_equal(keyring_set_answer(f.ring, "hq", next, KEYROLL_VERIFIED, &err), SC_OK);
	assert_true(keyring_answer(f.ring, "hq", next, &answer, &time));
	assert_int_equal(answer, KEYROLL_VERIFIED);
	assert_int_equal(
		keyring_set_answer(f.ring, "../x", next, KEYROLL_VERIFIED, &err), SC_ERR_INVALID);

	/* What was said to a key that is former by now is forgotten with the next answer. */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(keyring_change_over(f.ring, "", f.x25519, &err), SC_OK);
		make(&f, "", PAIR_NEXT);
	}
	assert_int_equal(keyring_set_answer(f.ring, "branch", fingerprint(f.ring, "", PAIR_NEXT),
				 KEYROLL_REFUSED, &err),
		SC_OK);
	assert_false(keyring_answer(f.ring, "hq", next, &answer, &time));
	fixture_fini(&f);
}

/* ---- where private keys are meanwhile; the linker puts these in the way ---- */

enum sc_error
__real_store_read(const struct store *s, enum store_folder in, const char *name, char *out,
	size_t size, size_t *n, struct errmsg *err);
enum sc_error
__wrap_store_read(const struct store *s, enum store_folder in, const char *name, char *out,
	size_t size, size_t *n, struct errmsg *err);
enum sc_error
__real_store_write(struct store *s, enum store_folder in, const char *name, const char *text,
	size_t n, struct errmsg *err);
enum sc_error
__wrap_store_write(struct store *s, enum store_folder in, const char *name, const char *text,
	size_t n, struct errmsg *err);
enum sc_error
__real_key_record_parse(struct key_record *r, const char *text, size_t size, struct errmsg *err);
enum sc_error
__wrap_key_record_parse(struct key_record *r, const char *text, size_t size, struct errmsg *err);

static unsigned read_there, parsed_there, written_there, made_there;

enum sc_error
__wrap_store_read(const struct store *s, enum store_folder in, const char *name, char *out,
	size_t size, size_t *n, struct errmsg *err)
{
	if (in == STORE_KEYS) {
		assert_secret_place(out);
		read_there++;
	}
	return __real_store_read(s, in, name, out, size, n, err);
}

enum sc_error
__wrap_key_record_parse(struct key_record *r, const char *text, size_t size, struct errmsg *err)
{
	enum sc_error error = __real_key_record_parse(r, text, size, err);

	if (error == SC_OK && key_kind_has(r->kind, FIELD_PRIVATE)) {
		assert_secret_place(r->private_key);
		parsed_there++;
	}
	return error;
}

enum sc_error
__wrap_store_write(struct store *s, enum store_folder in, const char *name, const char *text,
	size_t n, struct errmsg *err)
{
	if (in == STORE_KEYS) {
		assert_secret_place(text);
		written_there++;
	}
	return __real_store_write(s, in, name, text, n, err);
}

static int
generate_there(const struct asym_impl *impl, const struct random_source *random,
	uint8_t *private_key, uint8_t *public_key)
{
	assert_secret_place(private_key);
	made_there++;
	return asym_find(impl->algorithm->name)->generate(impl, random, private_key, public_key);
}

static void
test_private_keys_in_locked_memory(void **state)
{
	struct fixture f;
	struct errmsg err;
	bool created;
	(void)state;

	fixture_init(&f);
	read_there = parsed_there = written_there = made_there = 0;
	struct asym_impl spy = *f.x25519;
	spy.generate = generate_there;
	assert_int_equal(
		keyring_make(f.ring, "", &spy, PAIR_CURRENT, &f.random.source, &created, &err),
		SC_OK);
	assert_int_equal(made_there, 1);
	assert_int_equal(written_there, 1);
	make(&f, "", PAIR_NEXT);
	assert_int_equal(keyring_change_over(f.ring, "", f.x25519, &err), SC_OK);
	assert_int_equal(written_there, 3);
	assert_secret_place(keyring_own(f.ring, f.x25519)->private_key);
	keyring_free(f.ring);
	f.ring = fixture_open(&f);
	assert_secret_place(keyring_own(f.ring, f.x25519)->private_key);
	assert_true(read_there >= 3);
	assert_true(parsed_there >= 3);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_change_over),
		cmocka_unit_test(test_retire),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_private_keys_in_locked_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
