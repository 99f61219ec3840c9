/* Tests keyring/change.c: own keys, noting, the dialog's decision, trust. */
#include "fixture.h"

#include <time.h>
#include <unistd.h>

#include "keyring/ring.h"

static void
test_generate(void **state)
{
	struct fixture f;
	struct errmsg err;
	bool created;
	struct key_pair first;
	(void)state;

	fixture_init(&f);
	assert_int_equal(
		keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err), SC_OK);
	assert_true(created);
	first = *keyring_own(f.ring, f.x25519);
	assert_int_equal(
		keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err), SC_OK);
	assert_false(created);
	assert_int_equal(keyring_generate(f.ring, f.weak, &f.random.source, &created, &err), SC_OK);
	assert_true(created);

	struct keyring *again = fixture_open(&f);
	const struct key_pair *pair = keyring_own(again, f.x25519);
	uint8_t public_key[ASYM_PUBLIC_MAX];
	assert_memory_equal(pair->private_key, first.private_key, sizeof(first.private_key));
	assert_string_equal(pair->fingerprint, first.fingerprint);
	assert_int_equal(f.x25519->derive(f.x25519, pair->private_key, public_key), 0);
	assert_memory_equal(public_key, pair->public_key, 32);
	assert_true(pair->created > 1700000000);
	assert_non_null(keyring_own(again, f.weak));
	assert_null(keyring_own(again, asym_find("ElGamal 2048")));
	keyring_free(again);
	fixture_fini(&f);
}

static enum sc_error
verify(struct fixture *f, const char *peer, const char *typed, struct errmsg *err)
{
	struct peer_key key;
	enum sc_error error = keyring_verify(f->ring, peer, typed, &key, err);
	if (error == SC_OK) {
		assert_string_equal(key.peer, peer);
		assert_int_equal(key.state, KEY_VERIFIED);
	}
	return error;
}

static void
test_dialog(void **state)
{
	static const char wrong[] = "that is not the fingerprint of a key that waits here";
	struct fixture f;
	struct shown_key dialed, caller, of_other;
	struct errmsg err;
	char typed[80];
	(void)state;

	fixture_init(&f);
	dialed = fixture_key(&f, f.x25519);
	caller = fixture_key(&f, f.x25519);
	of_other = fixture_key(&f, f.x25519);
	assert_int_equal(verify(&f, "hq", dialed.fingerprint, &err), SC_ERR_NOT_FOUND);
	assert_string_equal(err.text,
		"no key of hq has come yet; start both nodes, so that they meet "
		"once, or use `secureconn trust hq`");
	assert_false(fixture_note(&f, "hq", &dialed, "203.0.113.5:7400"));
	assert_false(fixture_note(&f, NULL, &caller, "203.0.113.6:7400"));
	assert_false(fixture_note(&f, "other", &of_other, "203.0.113.7:7400"));

	/* A prefix, an empty line, a letter too many or wrong. */
	for (size_t n = 0; n < 39; n++) {
		snprintf(typed, sizeof(typed), "%.*s", (int)n, dialed.fingerprint);
		assert_int_equal(verify(&f, "hq", typed, &err), SC_ERR_INVALID);
		assert_null(strstr(err.text, dialed.fingerprint));
	}
	snprintf(typed, sizeof(typed), "%s0", dialed.fingerprint);
	assert_int_equal(verify(&f, "hq", typed, &err), SC_ERR_INVALID);
	snprintf(typed, sizeof(typed), "%s", dialed.fingerprint);
	typed[0] = typed[0] == '7' ? '8' : '7';
	assert_int_equal(verify(&f, "hq", typed, &err), SC_ERR_INVALID);
	assert_string_equal(err.text, wrong);
	/* A key that waits for another peer is as wrong as any. */
	assert_int_equal(verify(&f, "hq", of_other.fingerprint, &err), SC_ERR_INVALID);
	assert_string_equal(err.text, wrong);
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 0);
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 3);

	/* Small letters, spaces, O for 0: how people type. */
	size_t used = 0;
	for (const char *c = dialed.fingerprint; *c; c++)
		typed[used++] = *c == '-'   ? ' '
				: *c == '0' ? 'o'
				: *c == '1' ? 'l'
					    : (char)(*c | 0x20);
	typed[used] = '\0';
	assert_int_equal(verify(&f, "hq", typed, &err), SC_OK);
	assert_true(keyring_has_verified(f.ring, "hq", f.x25519));
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 2);
	/* A peer without address: its key waits without a name. */
	assert_int_equal(verify(&f, "branch", caller.fingerprint, &err), SC_OK);
	assert_true(keyring_has_verified(f.ring, "branch", f.x25519));
	assert_int_equal(verify(&f, "a/b", caller.fingerprint, &err), SC_ERR_INVALID);

	struct keyring *again = fixture_open(&f);
	assert_int_equal(fixture_count(again, KEY_VERIFIED), 2);
	assert_int_equal(fixture_count(again, KEY_PENDING), 1);
	keyring_free(again);
	fixture_fini(&f);
}

static void
test_one_key_one_peer(void **state)
{
	struct fixture f;
	struct shown_key key;
	struct errmsg err;
	bool created;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", key.fingerprint, false, &err), SC_OK);
	assert_int_equal(keyring_trust_fingerprint(f.ring, "branch", key.fingerprint, false, &err),
		SC_ERR_EXISTS);
	assert_string_equal(
		err.text, "that key is the one of peer \"hq\" already; a key belongs to one peer");
	assert_int_equal(keyring_trust_key(f.ring, "branch", f.x25519, key.bytes, false, &err),
		SC_ERR_EXISTS);
	/* Shown on a connection to somebody else: noted there, but not to be verified there. */
	assert_false(fixture_note(&f, "branch", &key, "203.0.113.5:1"));
	assert_int_equal(verify(&f, "branch", key.fingerprint, &err), SC_ERR_EXISTS);
	fixture_trust(&f, "hq", &key);
	assert_int_equal(keyring_trust_key(f.ring, "branch", f.x25519, key.bytes, false, &err),
		SC_ERR_EXISTS);
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 1);

	assert_int_equal(
		keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err), SC_OK);
	const struct key_pair *own = keyring_own(f.ring, f.x25519);
	assert_int_equal(keyring_trust_key(f.ring, "me", f.x25519, own->public_key, false, &err),
		SC_ERR_INVALID);
	assert_int_equal(keyring_trust_fingerprint(f.ring, "me", own->fingerprint, false, &err),
		SC_ERR_INVALID);
	bool verified;
	assert_int_equal(
		keyring_note(f.ring, NULL, f.x25519, own->public_key, "x", &verified, &err),
		SC_ERR_INVALID);
	fixture_fini(&f);
}

static void
test_expected(void **state)
{
	struct fixture f;
	struct shown_key key, other;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	other = fixture_key(&f, f.x25519);
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", "7Q2M", false, &err), SC_ERR_INVALID);
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", key.fingerprint, false, &err), SC_OK);
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", key.fingerprint, false, &err), SC_OK);
	assert_int_equal(fixture_count(f.ring, KEY_EXPECTED), 1);
	assert_false(fixture_note(&f, "hq", &other, "203.0.113.5:1"));
	assert_true(fixture_note(&f, NULL, &key, "203.0.113.5:1")); /* it calls us: same key */
	assert_int_equal(fixture_count(f.ring, KEY_EXPECTED), 0);
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 1);
	assert_true(keyring_has_verified(f.ring, "hq", f.x25519));

	/* The other way round: the key is there already. */
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", other.fingerprint, false, &err), SC_OK);
	char name[PEER_NAME_SIZE];
	assert_int_equal(
		keyring_check(f.ring, "hq", f.x25519, other.bytes, name), VERDICT_VERIFIED);
	fixture_fini(&f);
}

/* Whose key is believed at once, because it is verified as soon as it is noted. */
static void
test_expects(void **state)
{
	struct fixture f;
	struct shown_key key, other, weak;
	struct errmsg err;
	char name[PEER_NAME_SIZE];
	size_t n;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	other = fixture_key(&f, f.x25519);
	weak = fixture_key(&f, f.weak);
	assert_false(keyring_expects(f.ring, "hq", f.x25519, key.bytes, name));
	fixture_note(&f, "hq", &other, "203.0.113.5:1"); /* one that only waits is none */
	assert_false(keyring_expects(f.ring, "hq", f.x25519, other.bytes, name));
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", key.fingerprint, false, &err), SC_OK);
	assert_false(keyring_expects(f.ring, "hq", f.x25519, other.bytes, name));
	assert_false(keyring_expects(f.ring, "store", f.x25519, key.bytes, name));
	assert_string_equal(name, "");
	assert_true(keyring_expects(f.ring, "hq", f.x25519, key.bytes, name));
	assert_true(keyring_expects(f.ring, NULL, f.x25519, key.bytes, name));
	assert_string_equal(name, "hq");

	/* A weak one of a peer that has another one does not count, whoever dials. */
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq", weak.fingerprint, false, &err), SC_OK);
	assert_true(keyring_expects(f.ring, NULL, f.weak, weak.bytes, name));
	assert_true(fixture_note(&f, NULL, &key, "203.0.113.5:1"));
	assert_false(keyring_expects(f.ring, NULL, f.weak, weak.bytes, name));
	assert_false(keyring_expects(f.ring, "hq", f.weak, weak.bytes, name));
	assert_false(keyring_expects(f.ring, NULL, f.x25519, key.bytes, name)); /* it is there */

	/* What was taken back. */
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "lab", other.fingerprint, false, &err), SC_OK);
	assert_int_equal(keyring_revoke(f.ring, "lab", other.fingerprint, &n, &err), SC_OK);
	assert_false(keyring_expects(f.ring, NULL, f.x25519, other.bytes, name));
	fixture_fini(&f);
}

static void
test_expected_runs_out(void **state)
{
	struct fixture f;
	struct shown_key key;
	struct key_record r = {.kind = KIND_EXPECTED, .key = {.state = KEY_EXPECTED, .peer = "hq"}};
	struct errmsg err;
	char text[KEY_FILE_MAX], name[FILE_NAME_SIZE];
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	memcpy(r.key.fingerprint, key.fingerprint, sizeof(key.fingerprint));
	r.key.time = (int64_t)time(NULL) - 8 * 24 * 3600;
	ring_file_name(name, &r);
	size_t n = key_record_format(text, sizeof(text), &r);
	assert_int_equal(store_write(&f.ring->store, STORE_PEERS, name, text, n, &err), SC_OK);
	keyring_refresh(f.ring);
	assert_int_equal(fixture_count(f.ring, KEY_EXPECTED), 0);
	char peer[PEER_NAME_SIZE];
	assert_false(keyring_expects(f.ring, "hq", f.x25519, key.bytes, peer));
	assert_false(fixture_note(&f, "hq", &key, "203.0.113.5:1"));
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "other", key.fingerprint, false, &err), SC_OK);
	fixture_fini(&f);
}

/* A new key of the same algorithm takes the place of the one verified before; of another algorithm,
   it stands beside it. */
static void
test_replace(void **state)
{
	struct fixture f;
	struct shown_key old, new, weak;
	struct errmsg err;
	char name[PEER_NAME_SIZE];
	(void)state;

	fixture_init(&f);
	old = fixture_key(&f, f.x25519);
	new = fixture_key(&f, f.x25519);
	weak = fixture_key(&f, f.weak);
	fixture_trust(&f, "hq", &old);
	assert_int_equal(keyring_trust_key(f.ring, "hq", f.weak, weak.bytes, false, &err), SC_OK);
	assert_false(fixture_note(&f, "hq", &new, "203.0.113.5:1"));
	assert_int_equal(keyring_check(f.ring, "hq", f.x25519, old.bytes, name), VERDICT_VERIFIED);
	assert_int_equal(verify(&f, "hq", new.fingerprint, &err), SC_OK);
	assert_int_equal(keyring_check(f.ring, "hq", f.x25519, old.bytes, name), VERDICT_UNKNOWN);
	assert_int_equal(keyring_check(f.ring, "hq", f.x25519, new.bytes, name), VERDICT_VERIFIED);
	assert_true(keyring_has_verified(f.ring, "hq", f.weak));
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 0);
	fixture_fini(&f);
}

static void
test_bad_public_key(void **state)
{
	uint8_t zero[ASYM_PUBLIC_MAX] = {0};
	struct fixture f;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	assert_int_equal(
		keyring_trust_key(f.ring, "hq", f.x25519, zero, false, &err), SC_ERR_INVALID);
	assert_string_equal(err.text, "that is not a valid X25519 key");
	assert_int_equal(
		keyring_trust_key(f.ring, "a/b", f.x25519, zero, false, &err), SC_ERR_INVALID);
	fixture_fini(&f);
}

/* The same key again: the disk is left alone for a minute. */
static void
test_note_again(void **state)
{
	struct fixture f;
	struct shown_key key;
	struct mark before, after;
	char name[FILE_NAME_SIZE];
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	fixture_note(&f, NULL, &key, "203.0.113.5:1");
	snprintf(name, sizeof(name), "%s.key", key.fingerprint);
	assert_int_equal(store_mark(&f.ring->store, STORE_CALLERS, name, &before), 0);
	fixture_note(&f, NULL, &key, "203.0.113.5:2");
	assert_int_equal(store_mark(&f.ring->store, STORE_CALLERS, name, &after), 0);
	assert_true(mark_equal(&before, &after));
	assert_string_equal(keyring_peer_key(f.ring, 0)->source, "203.0.113.5:1");

	struct key_record r = *f.ring->folders[STORE_CALLERS].files[0].record;
	struct errmsg err;
	char text[KEY_FILE_MAX];
	r.key.time -= 61;
	size_t n = key_record_format(text, sizeof(text), &r);
	assert_int_equal(store_write(&f.ring->store, STORE_CALLERS, name, text, n, &err), SC_OK);
	assert_true(keyring_refresh(f.ring));
	fixture_note(&f, NULL, &key, "203.0.113.5:3\n");
	assert_string_equal(keyring_peer_key(f.ring, 0)->source, "203.0.113.5:3\\x0a");
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_dialog),
		cmocka_unit_test(test_one_key_one_peer),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_expects),
		cmocka_unit_test(test_expected_runs_out),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_bad_public_key),
		cmocka_unit_test(test_note_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
