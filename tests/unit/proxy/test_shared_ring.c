/* Tests proxy/shared_ring.c: threads look keys up while one of them brings the ring up to date. */
#include "unit.h"

#include <stdatomic.h>

#include "proxy/shared_ring.h"
#include "scratch.h"

#define READERS 3

struct reader {
	uv_thread_t thread;
	struct shared_ring *shared;
	const struct asym_impl *asym;
	const uint8_t *key;
	char fingerprint[FINGERPRINT_SIZE];
	atomic_bool *over;
	unsigned verified, unknown;
};

static void
read_on(void *arg)
{
	struct reader *r = arg;
	uint8_t found[ASYM_PUBLIC_MAX];
	char name[PEER_NAME_SIZE];

	while (!atomic_load(r->over)) {
		bool is = shared_ring_check(r->shared, NULL, r->asym, r->key, name) ==
			VERDICT_VERIFIED;
		r->verified += is;
		r->unknown += !is;
		if (shared_ring_find(r->shared, r->asym, r->fingerprint, found))
			assert_memory_equal(found, r->key, r->asym->algorithm->public_size);
		shared_ring_has_verified(r->shared, "hq", r->asym);
		uv_sleep(1); /* or whoever changes keys gets no turn on a busy machine */
	}
}

static void
test_look_ups_while_keys_come_and_go(void **state)
{
	struct scratch scratch;
	struct keyring *ring, *other;
	struct shared_ring shared;
	struct reader readers[READERS];
	struct seeded_random random;
	struct errmsg err;
	const struct asym_impl *asym = asym_find("X25519");
	uint8_t private_key[ASYM_PRIVATE_MAX], key[ASYM_PUBLIC_MAX];
	char path[600], name[PEER_NAME_SIZE], fingerprint[FINGERPRINT_SIZE];
	atomic_bool over = false;

	(void)state;
	scratch_init(&scratch);
	seeded_random_init(&random, 5);
	assert_int_equal(keyring_create(scratch.folder, &err), SC_OK);
	assert_int_equal(keyring_open(&ring, scratch.folder, NULL, NULL, &err), SC_OK);
	assert_int_equal(keyring_open_same(&other, ring, &err), SC_OK);
	assert_int_equal(asym->generate(asym, &random.source, private_key, key), 0);
	fingerprint_of(fingerprint, asym->algorithm, key);
	snprintf(path, sizeof(path), "%s/peers/hq.%s.key", scratch.folder, fingerprint);
	assert_true(shared_ring_init(&shared, ring));
	assert_ptr_equal(shared_ring_own(&shared), ring);
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){
			.shared = &shared, .asym = asym, .key = key, .over = &over};
		memcpy(readers[i].fingerprint, fingerprint, sizeof(fingerprint));
		assert_int_equal(uv_thread_create(&readers[i].thread, read_on, &readers[i]), 0);
	}
	for (int i = 0; i < 50; i++) {
		keyring_refresh(other);
		assert_int_equal(keyring_trust_key(other, "hq", asym, key, false, &err), SC_OK);
		assert_true(shared_ring_refresh(&shared));
		assert_int_equal(
			shared_ring_check(&shared, NULL, asym, key, name), VERDICT_VERIFIED);
		assert_string_equal(name, "hq");
		assert_int_equal(unlink(path), 0);
		assert_true(shared_ring_refresh(&shared));
		assert_int_equal(
			shared_ring_check(&shared, NULL, asym, key, name), VERDICT_UNKNOWN);
		assert_false(shared_ring_has_verified(&shared, "hq", NULL));
	}
	atomic_store(&over, true);
	for (int i = 0; i < READERS; i++) {
		uv_thread_join(&readers[i].thread);
		assert_true(readers[i].verified + readers[i].unknown > 0);
	}
	shared_ring_fini(&shared);
	keyring_free(other);
	keyring_free(ring);
	scratch_fini(&scratch);
}

/* What `trust --fingerprint` waits for counts from the first time that it is shown. */
static void
test_an_expected_key(void **state)
{
	struct scratch scratch;
	struct keyring *ring;
	struct shared_ring shared;
	struct seeded_random random;
	struct errmsg err;
	const struct asym_impl *asym = asym_find("X25519");
	uint8_t private_key[ASYM_PRIVATE_MAX], key[ASYM_PUBLIC_MAX];
	char name[PEER_NAME_SIZE], fingerprint[FINGERPRINT_SIZE];
	bool verified;

	(void)state;
	scratch_init(&scratch);
	seeded_random_init(&random, 6);
	assert_int_equal(keyring_create(scratch.folder, &err), SC_OK);
	assert_int_equal(keyring_open(&ring, scratch.folder, NULL, NULL, &err), SC_OK);
	assert_true(shared_ring_init(&shared, ring));
	assert_int_equal(asym->generate(asym, &random.source, private_key, key), 0);
	fingerprint_of(fingerprint, asym->algorithm, key);
	assert_int_equal(shared_ring_check(&shared, NULL, asym, key, name), VERDICT_UNKNOWN);
	assert_false(shared_ring_expects(&shared, NULL, asym, key));
	assert_int_equal(keyring_trust_fingerprint(ring, "hq", fingerprint, false, &err), SC_OK);
	assert_int_equal(shared_ring_check(&shared, "lab", asym, key, name), VERDICT_UNKNOWN);
	assert_int_equal(shared_ring_check(&shared, NULL, asym, key, name), VERDICT_VERIFIED);
	assert_string_equal(name, "hq");
	assert_true(shared_ring_expects(&shared, "hq", asym, key));
	assert_int_equal(
		keyring_note(ring, NULL, asym, key, "203.0.113.5:1", &verified, &err), SC_OK);
	assert_true(verified);
	assert_int_equal(shared_ring_check(&shared, "hq", asym, key, name), VERDICT_VERIFIED);
	assert_false(shared_ring_expects(&shared, "hq", asym, key));
	shared_ring_fini(&shared);
	keyring_free(ring);
	scratch_fini(&scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look_ups_while_keys_come_and_go),
		cmocka_unit_test(test_an_expected_key),
	};
	asym_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
