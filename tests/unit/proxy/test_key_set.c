/* Tests proxy/key_set.c: keys stay where they are as long as somebody needs them, and not
   longer. */
#include "unit.h"

#include "proxy/key_set.h"
#include "scratch.h"

struct world {
	struct scratch scratch;
	struct keyring *ring;
	struct key_store *own;
	const struct asym_impl *asym[1];
};

static void
setup(struct world *w)
{
	struct errmsg err;
	bool created;
	char folder[SCRATCH_PATH_SIZE];

	scratch_init(&w->scratch);
	snprintf(folder, sizeof(folder), "%s", scratch_path(&w->scratch, "state"));
	assert_int_equal(keyring_create(folder, &err), SC_OK);
	assert_int_equal(keyring_open(&w->ring, folder, NULL, NULL, &err), SC_OK);
	w->asym[0] = asym_find("X25519");
	assert_int_equal(
		keyring_generate(w->ring, w->asym[0], &random_system, &created, &err), SC_OK);
	w->own = key_store_new(w->asym, 1);
	assert_non_null(w->own);
}

static void
teardown(struct world *w)
{
	key_store_free(w->own);
	keyring_free(w->ring);
	scratch_fini(&w->scratch);
}

static struct key_set *
set_of(struct world *w)
{
	struct errmsg err;
	struct key_set *set = key_set_new(w->own, w->ring, &err);
	if (!set)
		fail_msg("%s", err.text);
	return set;
}

static void
test_rotation(void **state)
{
	struct world w;
	struct errmsg err;
	bool created;
	char old[FINGERPRINT_SIZE];
	(void)state;

	setup(&w);
	memcpy(old, keyring_own(w.ring, w.asym[0])->fingerprint, sizeof(old));
	struct key_set *first = set_of(&w), *again = set_of(&w);
	assert_true(key_set_equal(first, again));
	key_set_release(again);
	assert_int_equal(
		keyring_make(w.ring, "", w.asym[0], PAIR_NEXT, &random_system, &created, &err),
		SC_OK);
	struct key_set *second = set_of(&w);
	assert_false(key_set_equal(first, second));
	assert_ptr_equal(
		first->identities[0].keys[0].public_key, second->identities[0].keys[0].public_key);
	assert_null(first->identities[0].next[0].asym);
	assert_ptr_equal(second->identities[0].next[0].asym, w.asym[0]);
	assert_int_equal(keyring_change_over(w.ring, "", w.asym[0], &err), SC_OK);
	struct key_set *third = set_of(&w);
	assert_ptr_equal(
		third->identities[0].keys[0].public_key, second->identities[0].next[0].public_key);

	/* A link in its handshake holds a set, one that is up its own key alone. */
	struct key_set *link = key_set_hold(second);
	key_set_release(first);
	key_set_release(second);
	assert_true(key_store_holds(w.own, old));
	const struct conn_key *key = &link->identities[0].keys[0];
	struct held_key *held = held_key_hold(key);
	assert_string_equal(held_key_fingerprint(held), old);
	key_set_settle(link);
	assert_true(key_store_holds(w.own, old));
	uint8_t public_key[ASYM_PUBLIC_MAX] = {0};
	assert_int_equal(w.asym[0]->derive(w.asym[0], key->private_key, public_key), 0);
	assert_memory_equal(public_key, key->public_key, 32);
	held_key_release(held);
	assert_false(key_store_holds(w.own, old));
	assert_true(key_store_holds(w.own, keyring_own(w.ring, w.asym[0])->fingerprint));
	key_set_drop(link);
	key_set_release(third);
	teardown(&w);
}

static void
test_identities(void **state)
{
	struct world w;
	struct errmsg err;
	bool created;
	(void)state;

	setup(&w);
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "for-%d", i);
		assert_int_equal(keyring_make(w.ring, name, w.asym[0], PAIR_CURRENT, &random_system,
					 &created, &err),
			SC_OK);
	}
	struct key_set *set = set_of(&w);
	assert_int_equal(set->n_identities, 21);
	assert_int_equal(set->n_shown, 21);
	assert_ptr_equal(key_identity_find(set, ""), &set->identities[0]);
	assert_string_equal(key_identity_find(set, "for-7")->name, "for-7");
	assert_null(key_identity_find(set, "for-20"));
	assert_ptr_not_equal(key_identity_find(set, "for-7")->keys[0].public_key,
		set->identities[0].keys[0].public_key);

	/* Mail: the newest counts. */
	struct key_mail mail = {NULL};
	key_mail_put(&mail, key_set_hold(set));
	key_mail_put(&mail, key_set_hold(set));
	assert_ptr_equal(key_mail_take(&mail), set);
	assert_null(key_mail_take(&mail));
	key_set_release(set);
	key_set_release(set);
	teardown(&w);
}

static void
test_a_missing_key(void **state)
{
	static const struct asym_impl *asym[2];
	struct world w;
	struct errmsg err;
	(void)state;

	setup(&w);
	key_store_free(w.own);
	asym[0] = w.asym[0];
	asym[1] = asym_find("ElGamal 2048");
	w.own = key_store_new(asym, 2);
	assert_null(key_set_new(w.own, w.ring, &err));
	assert_non_null(strstr(err.text, "there is no key for \"ElGamal 2048\""));
	teardown(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_a_missing_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
