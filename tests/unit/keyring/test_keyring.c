/* Tests keyring/keyring.c: the index and the verdicts. */
#include "fixture.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keyring/ring.h"

static void
test_names(void **state)
{
	char name[80];
	(void)state;
	assert_true(peer_name_valid("store-7.b_C"));
	assert_false(peer_name_valid(""));
	assert_false(peer_name_valid(".a"));
	assert_false(peer_name_valid("a/b"));
	assert_false(peer_name_valid("a b"));
	assert_false(peer_name_valid("\xc3\xa4"));
	memset(name, 'x', sizeof(name));
	name[65] = '\0';
	assert_false(peer_name_valid(name));
	name[64] = '\0';
	assert_true(peer_name_valid(name));
}

static void
test_open_errors(void **state)
{
	struct keyring *ring;
	struct errmsg err;
	(void)state;
	keyring_free(NULL);
	assert_int_equal(
		keyring_open(&ring, "/nonexistent/state", NULL, NULL, &err), SC_ERR_NOT_FOUND);
	assert_null(ring);
	assert_string_equal(err.text,
		"/nonexistent/state: there is no such folder");
}

static void
expect_verdict(const struct fixture *f, const char *peer, const struct asym_impl *asym,
	const struct shown_key *key, enum key_verdict expected, const char *name)
{
	char found[PEER_NAME_SIZE];
	assert_int_equal(keyring_check(f->ring, peer, asym, key->bytes, found), expected);
	assert_string_equal(found, name);
}

static void
test_verdicts(void **state)
{
	struct fixture f;
	struct shown_key hq, branch, stranger, own = {.fingerprint = ""};
	struct errmsg err;
	bool created;
	(void)state;

	fixture_init(&f);
	hq = fixture_key(&f, f.x25519);
	branch = fixture_key(&f, f.x25519);
	stranger = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &hq);
	fixture_trust(&f, "branch", &branch);
	fixture_note(&f, "hq", &stranger, "203.0.113.5:7400");
	assert_int_equal(
		keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err), SC_OK);
	memcpy(own.bytes, keyring_own(f.ring, f.x25519)->public_key, sizeof(own.bytes));

	expect_verdict(&f, "hq", f.x25519, &hq, VERDICT_VERIFIED, "hq");
	expect_verdict(&f, NULL, f.x25519, &hq, VERDICT_VERIFIED, "hq");
	expect_verdict(&f, NULL, f.x25519, &branch, VERDICT_VERIFIED, "branch");
	expect_verdict(&f, "hq", f.x25519, &branch, VERDICT_OTHER, "");
	expect_verdict(
		&f, "hq", f.x25519, &stranger, VERDICT_UNKNOWN, ""); /* pending is not verified */
	expect_verdict(&f, NULL, f.x25519, &stranger, VERDICT_UNKNOWN, "");
	expect_verdict(&f, NULL, f.x25519, &own, VERDICT_OWN, "");
	expect_verdict(&f, "hq", f.x25519, &own, VERDICT_OWN, "");
	stranger = hq;
	stranger.bytes[31] ^= 1;
	expect_verdict(&f, "hq", f.x25519, &stranger, VERDICT_UNKNOWN, "");
	assert_true(keyring_has_verified(f.ring, "hq", NULL));
	assert_true(keyring_has_verified(f.ring, "hq", f.x25519));
	assert_false(keyring_has_verified(f.ring, "hq", f.weak));
	assert_false(keyring_has_verified(f.ring, "h", NULL));
	assert_false(keyring_has_verified(f.ring, "", NULL));
	fixture_fini(&f);
}

static void
test_weak_keys(void **state)
{
	struct fixture f;
	struct shown_key strong, weak, other_weak;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	weak = fixture_key(&f, f.weak);
	other_weak = fixture_key(&f, f.weak);
	strong = fixture_key(&f, f.x25519);
	assert_int_equal(keyring_trust_key(f.ring, "old", f.weak, weak.bytes, false, &err), SC_OK);
	expect_verdict(&f, "old", f.weak, &weak, VERDICT_VERIFIED, "old");
	fixture_trust(&f, "old", &strong); /* from now on the weak one would be a step down */
	expect_verdict(&f, "old", f.weak, &weak, VERDICT_WEAK, "");
	expect_verdict(&f, NULL, f.weak, &weak, VERDICT_WEAK, "");
	expect_verdict(&f, "old", f.weak, &other_weak, VERDICT_WEAK, "");
	expect_verdict(&f, NULL, f.weak, &other_weak, VERDICT_UNKNOWN, "");
	expect_verdict(&f, "old", f.x25519, &strong, VERDICT_VERIFIED, "old");
	fixture_fini(&f);
}

static void
test_order(void **state)
{
	struct fixture f;
	struct shown_key a, b, pending;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	a = fixture_key(&f, f.x25519);
	b = fixture_key(&f, f.x25519);
	pending = fixture_key(&f, f.x25519);
	fixture_note(&f, "a", &pending, "203.0.113.5:7400");
	fixture_trust(&f, "b", &a);
	assert_int_equal(keyring_trust_fingerprint(f.ring, "c", b.fingerprint, false, &err), SC_OK);
	b = fixture_key(&f, f.x25519);
	fixture_trust(&f, "a", &b);
	static const struct {
		const char *peer;
		enum key_state state;
	} expected[] = {
		{"a", KEY_VERIFIED}, {"b", KEY_VERIFIED}, {"c", KEY_EXPECTED}, {"a", KEY_PENDING}};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_string_equal(keyring_peer_key(f.ring, i)->peer, expected[i].peer);
		assert_int_equal(keyring_peer_key(f.ring, i)->state, expected[i].state);
	}
	assert_null(keyring_peer_key(f.ring, 4));
	assert_string_equal(keyring_peer_key(f.ring, 3)->source, "203.0.113.5:7400");
	fixture_fini(&f);
}

/* Those that have the peer and the state, and all of them. */
static void
check_keys_of(const struct fixture *f, const char *peer, enum key_state state)
{
	size_t n, counted = 0;
	const struct peer_key *key;
	const struct peer_key *const *keys = keyring_keys_of(f->ring, peer, state, &n);

	for (size_t i = 0; (key = keyring_peer_key(f->ring, i)); i++)
		if (key->state == state && strcmp(key->peer, peer) == 0)
			assert_ptr_equal(keys[counted++], key);
	assert_int_equal(n, counted);
}

static void
test_keys_of(void **state)
{
	static const char *const names[] = {"", "a", "aa", "b", "p1", "p3", "p7", "z"};
	struct fixture f;
	char name[8];
	struct errmsg err;
	size_t n;
	(void)state;

	fixture_init(&f);
	check_keys_of(&f, "", KEY_VERIFIED);
	for (int i = 0; i < 9; i++) {
		struct shown_key key = fixture_key(&f, f.x25519), other = fixture_key(&f, f.x25519);
		snprintf(name, sizeof(name), "p%d", i * 7 % 9);
		if (i % 3 != 0)
			fixture_trust(&f, name, &key);
		if (i % 3 == 1)
			assert_int_equal(keyring_revoke(f.ring, name, NULL, &n, &err), SC_OK);
		fixture_note(&f, i % 2 ? name : NULL, &other, "203.0.113.5:7400");
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (unsigned s = KEY_VERIFIED; s <= KEY_REVOKED; s++)
			check_keys_of(&f, names[i], s);
	keyring_keys_of(f.ring, "", KEY_PENDING, &n);
	assert_int_equal(n, 4); /* of one source */
	fixture_fini(&f);
}

/* Somebody copies a file to another name and changes the peer in it: neither is believed. */
static void
test_one_key_under_two_names(void **state)
{
	struct fixture f;
	struct shown_key key;
	char path[SCRATCH_PATH_SIZE];
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	fixture_trust(&f, "ab", &key);
	snprintf(path, sizeof(path), "state/peers/ab.%s.key", key.fingerprint);
	char *text = scratch_read(scratch_path(&f.scratch, path), NULL);
	memcpy(strstr(text, "peer: ab"), "peer: xy", 8);
	snprintf(path, sizeof(path), "state/peers/xy.%s.key", key.fingerprint);
	scratch_write(&f.scratch, path, text, strlen(text));
	free(text);
	assert_true(keyring_refresh(f.ring));
	assert_non_null(
		strstr(f.problems, "this key is verified for two peers, so it is not used"));
	expect_verdict(&f, NULL, f.x25519, &key, VERDICT_UNKNOWN, "");
	assert_int_equal(unlink(scratch_path(&f.scratch, path)), 0);
	assert_true(keyring_refresh(f.ring));
	expect_verdict(&f, NULL, f.x25519, &key, VERDICT_VERIFIED, "ab");
	fixture_fini(&f);
}

static void
show(const char *what, const struct timespec *from)
{
	struct timespec to;
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%s: %.2f ms\n", what,
		1e3 * (double)(to.tv_sec - from->tv_sec) +
			1e-6 * (double)(to.tv_nsec - from->tv_nsec));
}

/* 10,000 peers: opening takes a moment, a look-up and a refresh without news do not. */
static void
test_thousands_of_peers(void **state)
{
	enum { PEERS = 10000 };
	struct fixture f;
	struct timespec from, to;
	struct key_record r = {.kind = KIND_VERIFIED, .key = {.state = KEY_VERIFIED, .time = 1}};
	struct shown_key wanted = {.fingerprint = ""};
	char text[KEY_FILE_MAX], name[FILE_NAME_SIZE], path[SCRATCH_PATH_SIZE],
		peer[PEER_NAME_SIZE];
	(void)state;

	fixture_init(&f);
	r.key.asym = f.x25519;
	for (unsigned i = 0; i < PEERS; i++) {
		random_fill(&f.random.source, r.key.public_key,
			32); /* what it says does not matter here */
		snprintf(r.key.peer, sizeof(r.key.peer), "store-%u", i);
		fingerprint_of(r.key.fingerprint, f.x25519->algorithm, r.key.public_key);
		if (i == PEERS / 2)
			memcpy(wanted.bytes, r.key.public_key, 32);
		size_t n = key_record_format(text, sizeof(text), &r);
		ring_file_name(name, &r);
		snprintf(path, sizeof(path), "state/peers/%s", name);
		scratch_write(&f.scratch, path, text, n);
	}
	assert_true(keyring_refresh(f.ring));
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), PEERS);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 2000; i++)
		keyring_check(f.ring, NULL, f.x25519, wanted.bytes, peer);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_string_equal(peer, "store-5000");
	assert_true(to.tv_sec - from.tv_sec < 2); /* 1 ms each, on a slow machine with checks on */
	show("2000 look-ups", &from);

	/* As a node does at its start, and twice a second. */
	clock_gettime(CLOCK_MONOTONIC, &from);
	struct keyring *again = fixture_open(&f);
	show("opened", &from);
	clock_gettime(CLOCK_MONOTONIC, &from);
	struct shown_key key = fixture_key(&f, f.x25519);
	fixture_trust(&f, "one-more", &key);
	show("one is trusted", &from);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_true(keyring_refresh(again));
	show("seen by the other", &from);
	/* Once the change has settled a refresh looks at the folders alone. */
	usleep(150000);
	keyring_refresh(again);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 1000; i++)
		assert_false(keyring_refresh(again));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 2);
	show("1000 refreshes without news", &from);
	keyring_free(again);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_weak_keys),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_keys_of),
		cmocka_unit_test(test_one_key_under_two_names),
		cmocka_unit_test(test_thousands_of_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
