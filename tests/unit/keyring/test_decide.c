/* Tests keyring/decide.c: what is taken back. The dialog and trust are in test_change.c. */
#include "fixture.h"

static enum key_verdict
verdict(const struct fixture *f, const char *peer, const struct shown_key *key)
{
	char name[PEER_NAME_SIZE];
	return keyring_check(f->ring, peer, f->x25519, key->bytes, name);
}

static enum sc_error
note(struct fixture *f, const char *peer, const struct shown_key *key)
{
	struct errmsg err;
	bool verified;
	return keyring_note(f->ring, peer, f->x25519, key->bytes, "10.0.0.1:1", &verified, &err);
}

static void
test_revoke_all(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct peer_key picked;
	struct shown_key key, held, caller;
	size_t n;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	held = fixture_key(&f, f.x25519);
	caller = fixture_key(&f, f.x25519);
	assert_int_equal(keyring_revoke(f.ring, "hq", NULL, &n, &err), SC_ERR_NOT_FOUND);
	assert_false(keyring_has_revoked(f.ring, "hq"));
	fixture_trust(&f, "hq", &key);
	fixture_note(&f, "hq", &held, "10.0.0.1:7400");
	fixture_note(&f, NULL, &caller, "10.0.0.2:7400");
	assert_int_equal(keyring_revoke(f.ring, "hq", NULL, &n, &err), SC_OK);
	assert_true(keyring_has_revoked(f.ring, "hq"));
	assert_false(keyring_has_revoked(f.ring, "h"));
	assert_int_equal(n, 2);
	assert_int_equal(verdict(&f, "hq", &key), VERDICT_REVOKED);
	assert_int_equal(verdict(&f, NULL, &held), VERDICT_REVOKED);
	assert_false(keyring_has_verified(f.ring, "hq", NULL));
	assert_int_equal(fixture_count(f.ring, KEY_REVOKED), 2);
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 1); /* the caller may be anybody */

	/* Never pending again, under no name; never verified by mistake. */
	assert_int_equal(note(&f, "hq", &key), SC_ERR_INVALID);
	assert_int_equal(note(&f, NULL, &key), SC_ERR_INVALID);
	assert_int_equal(note(&f, "other", &held), SC_ERR_INVALID);
	assert_int_equal(
		keyring_verify(f.ring, "hq", key.fingerprint, &picked, &err), SC_ERR_EXISTS);
	assert_non_null(strstr(err.text, "was revoked"));
	assert_int_equal(keyring_trust_fingerprint(f.ring, "hq", key.fingerprint, false, &err),
		SC_ERR_EXISTS);
	assert_int_equal(keyring_trust_key(f.ring, "other", f.x25519, held.bytes, false, &err),
		SC_ERR_EXISTS);
	assert_int_equal(fixture_count(f.ring, KEY_REVOKED), 2);

	/* It stays so for whoever opens the folder. */
	struct keyring *again = fixture_open(&f);
	assert_int_equal(fixture_count(again, KEY_REVOKED), 2);
	keyring_free(again);
	assert_string_equal(f.problems, "");
	fixture_fini(&f);
}

static void
test_revoke_one(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key key, unseen, foreign;
	size_t n;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	unseen = fixture_key(&f, f.x25519);
	foreign = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &key);
	fixture_trust(&f, "branch", &foreign);
	assert_int_equal(keyring_revoke(f.ring, "hq", "7Q2M", &n, &err), SC_ERR_INVALID);
	assert_int_equal(
		keyring_revoke(f.ring, "hq", foreign.fingerprint, &n, &err), SC_ERR_EXISTS);
	assert_int_equal(verdict(&f, NULL, &foreign), VERDICT_VERIFIED);
	/* One that never came: it will not wait when it does. */
	assert_int_equal(keyring_revoke(f.ring, "hq", unseen.fingerprint, &n, &err), SC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(note(&f, "hq", &unseen), SC_ERR_INVALID);
	assert_int_equal(verdict(&f, "hq", &key), VERDICT_VERIFIED);
	assert_int_equal(keyring_revoke(f.ring, "hq", key.fingerprint, &n, &err), SC_OK);
	assert_int_equal(verdict(&f, "hq", &key), VERDICT_REVOKED);
	fixture_fini(&f);
}

static void
test_revoke_pending(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key key, held;
	size_t n;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	held = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &key);
	assert_int_equal(keyring_revoke_pending(f.ring, "hq", &n, &err), SC_ERR_NOT_FOUND);
	fixture_note(&f, "hq", &held, "10.0.0.1:7400");
	assert_int_equal(keyring_revoke_pending(f.ring, "hq", &n, &err), SC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(verdict(&f, "hq", &key), VERDICT_VERIFIED);
	assert_int_equal(verdict(&f, "hq", &held), VERDICT_REVOKED);
	fixture_fini(&f);
}

static void
test_trusted_again(void **state)
{
	struct fixture f;
	struct errmsg err;
	struct shown_key key, other;
	size_t n;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	other = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &key);
	fixture_trust(&f, "branch", &other);
	assert_int_equal(keyring_revoke(f.ring, "hq", NULL, &n, &err), SC_OK);
	assert_int_equal(keyring_revoke(f.ring, "branch", NULL, &n, &err), SC_OK);
	assert_int_equal(keyring_trust_key(f.ring, "hq", f.x25519, key.bytes, true, &err), SC_OK);
	assert_int_equal(verdict(&f, "hq", &key), VERDICT_VERIFIED);
	/* Under another name, by fingerprint: nothing is left of what was revoked. */
	assert_int_equal(
		keyring_trust_fingerprint(f.ring, "hq-2", other.fingerprint, true, &err), SC_OK);
	assert_int_equal(fixture_count(f.ring, KEY_REVOKED), 0);
	assert_true(fixture_note(&f, "hq-2", &other, "10.0.0.1:1"));
	assert_int_equal(verdict(&f, "hq-2", &other), VERDICT_VERIFIED);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revoke_all),
		cmocka_unit_test(test_revoke_one),
		cmocka_unit_test(test_revoke_pending),
		cmocka_unit_test(test_trusted_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
