/* Tests keyring/roll.c: keys that a peer announces over an authenticated link. */
#include "fixture.h"

#include "keyring/ring.h"

static enum key_verdict
verdict(const struct fixture *f, const struct shown_key *key)
{
	char name[PEER_NAME_SIZE];
	return keyring_check(f->ring, "hq", f->x25519, key->bytes, name);
}

/* hq announces a key on a link under another one. */
static enum keyroll_answer
announce(struct fixture *f, const struct shown_key *key, const struct shown_key *under, bool accept)
{
	struct peer_key announced = {.asym = f->x25519};
	enum keyroll_answer answer;
	struct errmsg err;

	if (keyring_judge_roll(f->ring, "hq", f->x25519, key->bytes, &answer))
		return answer;
	snprintf(announced.peer, sizeof(announced.peer), "hq");
	snprintf(announced.source, sizeof(announced.source), "10.0.0.1:7400");
	memcpy(announced.public_key, key->bytes, 32);
	memcpy(announced.fingerprint, key->fingerprint, sizeof(announced.fingerprint));
	memcpy(announced.beside, under->fingerprint, sizeof(announced.beside));
	if (keyring_roll(f->ring, &announced, accept, &answer, &err) != SC_OK)
		fail_msg("%s", err.text);
	return answer;
}

/* The time of a file's first use, moved back as if it had been long ago. */
static void
use_long_ago(struct fixture *f, const struct shown_key *key, int64_t ago)
{
	size_t n;
	struct errmsg err;
	const struct peer_key *const *keys = ring_find(f->ring, key->fingerprint, &n);

	assert_int_equal(n, 1);
	struct key_record r = {.kind = KIND_VERIFIED, .key = *keys[0]};
	r.key.used = unix_time() - ago;
	assert_int_equal(change_begin(f->ring, &err), SC_OK);
	assert_int_equal(change_end(f->ring, change_write(f->ring, &r, &err)), SC_OK);
}

static void
test_accepted(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key old, new;
	size_t n;
	(void)state;

	fixture_init(&f);
	old = fixture_key(&f, f.x25519);
	new = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &old);
	assert_int_equal(announce(&f, &new, &old, true), KEYROLL_VERIFIED);
	assert_int_equal(verdict(&f, &old), VERDICT_VERIFIED); /* both */
	assert_int_equal(verdict(&f, &new), VERDICT_VERIFIED);
	assert_int_equal(announce(&f, &new, &old, false), KEYROLL_VERIFIED);

	/* 7 days from the first use, not from the announcement. */
	assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
	assert_int_equal(n, 0);
	assert_true(keyring_is_first_use(f.ring, f.x25519, new.bytes));
	assert_false(keyring_is_first_use(f.ring, f.x25519, old.bytes));
	assert_int_equal(keyring_use(f.ring, f.x25519, new.bytes, &err), SC_OK);
	assert_false(keyring_is_first_use(f.ring, f.x25519, new.bytes));
	use_long_ago(&f, &new, ROLL_OVERLAP - 60);
	assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(verdict(&f, &old), VERDICT_VERIFIED);
	use_long_ago(&f, &new, ROLL_OVERLAP);
	assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(verdict(&f, &old), VERDICT_UNKNOWN);
	assert_int_equal(verdict(&f, &new), VERDICT_VERIFIED);
	assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
	assert_int_equal(n, 0);
	fixture_fini(&f);
}

static void
test_for_the_operator(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key old, new;
	struct peer_key key;
	(void)state;

	fixture_init(&f);
	old = fixture_key(&f, f.x25519);
	new = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &old);
	/* Shown by the address alone, nobody vouches for it; announced, the old key does. */
	fixture_note(&f, "hq", &new, "10.0.0.1:7400");
	assert_int_equal(announce(&f, &new, &old, false), KEYROLL_PENDING);
	assert_int_equal(verdict(&f, &new), VERDICT_UNKNOWN);
	assert_int_equal(announce(&f, &new, &old, false), KEYROLL_PENDING);
	/* The dialog then leaves the old one valid for the overlap. */
	assert_int_equal(keyring_verify(f.ring, "hq", new.fingerprint, &key, &err), SC_OK);
	assert_int_equal(verdict(&f, &old), VERDICT_VERIFIED);
	assert_int_equal(verdict(&f, &new), VERDICT_VERIFIED);
	assert_int_equal(announce(&f, &new, &old, false), KEYROLL_VERIFIED);
	assert_true(keyring_is_first_use(f.ring, f.x25519, new.bytes));
	/* Another decision without a voucher replaces both. */
	struct shown_key third = fixture_key(&f, f.x25519);
	fixture_note(&f, "hq", &third, "10.0.0.1:7400");
	assert_int_equal(keyring_verify(f.ring, "hq", third.fingerprint, &key, &err), SC_OK);
	assert_int_equal(verdict(&f, &old), VERDICT_UNKNOWN);
	assert_int_equal(verdict(&f, &new), VERDICT_UNKNOWN);
	fixture_fini(&f);
}

static void
test_refused(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key old, foreign, waiting, taken_back, caller;
	bool created;
	size_t n;
	(void)state;

	fixture_init(&f);
	old = fixture_key(&f, f.x25519);
	foreign = fixture_key(&f, f.x25519);
	waiting = fixture_key(&f, f.x25519);
	taken_back = fixture_key(&f, f.x25519);
	caller = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &old);
	fixture_trust(&f, "branch", &foreign);
	fixture_note(&f, "branch", &waiting, "10.0.0.1:7400");
	fixture_note(&f, NULL, &caller, "10.0.0.1:7400");
	assert_int_equal(keyring_revoke(f.ring, "hq", taken_back.fingerprint, &n, &err), SC_OK);
	assert_int_equal(
		keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err), SC_OK);
	struct shown_key own = {0};
	memcpy(own.bytes, keyring_own(f.ring, f.x25519)->public_key, 32);
	memcpy(own.fingerprint, keyring_own(f.ring, f.x25519)->fingerprint,
		sizeof(own.fingerprint));
	const struct shown_key *refused[] = {&foreign, &waiting, &taken_back, &own};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(announce(&f, refused[i], &old, true), KEYROLL_REFUSED);
	/* A caller without a name may well have been hq. */
	assert_int_equal(announce(&f, &caller, &old, true), KEYROLL_VERIFIED);
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 1);
	fixture_fini(&f);
}

static void
test_bounded(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key old, last;
	(void)state;

	fixture_init(&f);
	old = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &old);
	/* What was announced and never used makes room. */
	for (int i = 0; i < 20; i++) {
		last = fixture_key(&f, f.x25519);
		assert_int_equal(announce(&f, &last, &old, true), KEYROLL_VERIFIED);
		assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 2);
	}
	/* What is used counts too, in the end. */
	for (int i = 0; i < 20; i++) {
		struct shown_key next = fixture_key(&f, f.x25519);
		assert_int_equal(keyring_use(f.ring, f.x25519, last.bytes, &err), SC_OK);
		assert_int_equal(announce(&f, &next, &last, true), KEYROLL_VERIFIED);
		assert_int_equal(verdict(&f, &last), VERDICT_VERIFIED); /* the link's own */
		assert_true(fixture_count(f.ring, KEY_VERIFIED) <= ROLL_KEYS_MAX);
		last = next;
	}
	fixture_fini(&f);
}

/* The latest ends what came before it, though that was never used. */
static void
test_chain(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key keys[3];
	size_t n;
	(void)state;

	fixture_init(&f);
	for (size_t i = 0; i < 3; i++)
		keys[i] = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &keys[0]);
	assert_int_equal(announce(&f, &keys[1], &keys[0], true), KEYROLL_VERIFIED);
	use_long_ago(&f, &keys[1], 60);
	assert_int_equal(announce(&f, &keys[2], &keys[1], true), KEYROLL_VERIFIED);
	use_long_ago(&f, &keys[2], ROLL_OVERLAP + 1);
	assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 1);
	assert_int_equal(verdict(&f, &keys[2]), VERDICT_VERIFIED);
	fixture_fini(&f);
}

/* ---- what it costs; the linker puts this in the way of every look at a file ---- */

int
__real_store_mark(const struct store *s, enum store_folder in, const char *name, struct mark *m);
int
__wrap_store_mark(const struct store *s, enum store_folder in, const char *name, struct mark *m);

static size_t looks;

int
__wrap_store_mark(const struct store *s, enum store_folder in, const char *name, struct mark *m)
{
	looks++;
	return __real_store_mark(s, in, name, m);
}

/* A verified key of a peer, in its file. */
static void
put_verified(struct fixture *f, const char *peer, const struct shown_key *key, const char *beside,
	int64_t used)
{
	struct key_record r = {.kind = KIND_VERIFIED,
		.key = {.state = KEY_VERIFIED, .asym = f->x25519, .time = used, .used = used}};
	struct errmsg err;

	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer);
	memcpy(r.key.public_key, key->bytes, 32);
	memcpy(r.key.fingerprint, key->fingerprint, sizeof(r.key.fingerprint));
	memcpy(r.key.beside, beside, strlen(beside));
	assert_int_equal(change_write(f->ring, &r, &err), SC_OK);
}

/* Very many at once: each file is looked at a few times, not once for each of the others. */
static void
test_many_at_once(void **state)
{
	enum { PEERS = 250 };
	struct fixture f;
	struct errmsg err;
	size_t n;
	int64_t now = unix_time();
	(void)state;

	fixture_init(&f);
	assert_int_equal(change_begin(f.ring, &err), SC_OK);
	for (unsigned i = 0; i < PEERS; i++) {
		struct shown_key old = fixture_key(&f, f.x25519), new = fixture_key(&f, f.x25519);
		char peer[32];
		snprintf(peer, sizeof(peer), "peer-%u", i);
		put_verified(&f, peer, &old, "", now - 2 * ROLL_OVERLAP);
		put_verified(&f, peer, &new, old.fingerprint, now - ROLL_OVERLAP - 1);
	}
	assert_int_equal(change_end(f.ring, SC_OK), SC_OK);
	looks = 0;
	assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
	assert_int_equal(n, PEERS);
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), PEERS);
	assert_true(looks < 20 * PEERS);
	fixture_fini(&f);
}

/* Two of one peer that are over in the same moment: each key is counted once, and nothing comes
   back. */
static void
test_chain_at_once(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key keys[3];
	size_t n;
	int64_t now = unix_time();
	(void)state;

	for (unsigned turn = 0; turn < 6;
		turn++) { /* they are found in the order of their fingerprints */
		fixture_init(&f);
		for (unsigned i = 0; i <= turn; i++)
			for (size_t k = 0; k < 3; k++)
				keys[k] = fixture_key(&f, f.x25519);
		assert_int_equal(change_begin(f.ring, &err), SC_OK);
		put_verified(&f, "hq", &keys[0], "", now - 4 * ROLL_OVERLAP);
		put_verified(&f, "hq", &keys[1], keys[0].fingerprint, now - 3 * ROLL_OVERLAP);
		put_verified(&f, "hq", &keys[2], keys[1].fingerprint, now - 2 * ROLL_OVERLAP);
		assert_int_equal(change_end(f.ring, SC_OK), SC_OK);
		assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 3);
		assert_int_equal(keyring_expire(f.ring, &n, &err), SC_OK);
		assert_int_equal(n, 2);
		assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 1);
		assert_int_equal(f.ring->folders[STORE_PEERS].n, 1);
		assert_int_equal(verdict(&f, &keys[2]), VERDICT_VERIFIED);
		fixture_fini(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_for_the_operator),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_chain_at_once),
		cmocka_unit_test(test_many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
