/* Tests proxy/notes.c with a state folder of its own. */
#include "loop.h"

#include "proxy/notes.h"
#include "scratch.h"

struct fixture {
	uv_loop_t *loop;
	struct scratch scratch;
	struct keyring *ring;
	struct notes *notes;
	struct flood logs;
	struct seeded_random random;
	int noted, verified;
};

static void
on_noted(void *owner, bool verified, const struct keyring_dropped *dropped)
{
	(void)dropped;
	struct fixture *f = owner;
	f->noted++;
	f->verified += verified;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct errmsg err;
	void *loop;
	assert_non_null(f);
	loop_setup(&loop);
	f->loop = loop;
	scratch_init(&f->scratch);
	seeded_random_init(&f->random, 11);
	assert_int_equal(keyring_create(f->scratch.folder, &err), SC_OK);
	assert_int_equal(keyring_open(&f->ring, f->scratch.folder, NULL, NULL, &err), SC_OK);
	f->notes = notes_new(f->loop, f->ring, &f->logs, on_noted, f, &err);
	assert_non_null(f->notes);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	void *loop = f->loop;
	notes_free(f->notes);
	loop_teardown(&loop);
	keyring_free(f->ring);
	scratch_fini(&f->scratch);
	free(f);
	return 0;
}

static const struct asym_impl *
new_key(struct fixture *f, uint8_t *public_key)
{
	const struct asym_impl *asym = asym_find("X25519");
	uint8_t private_key[ASYM_PRIVATE_MAX];
	assert_int_equal(asym->generate(asym, &f->random.source, private_key, public_key), 0);
	return asym;
}

static size_t
keys_in(struct fixture *f, enum key_state state)
{
	const struct peer_key *key;
	size_t n = 0;
	keyring_refresh(f->ring);
	for (size_t i = 0; (key = keyring_peer_key(f->ring, i)); i++)
		n += key->state == state;
	return n;
}

static void
test_keys_become_pending(void **state)
{
	struct fixture *f = *state;
	uint8_t key[ASYM_PUBLIC_MAX];
	const struct asym_impl *asym = new_key(f, key);
	notes_add(f->notes, "hq", asym, key, "192.0.2.1:7400", false);
	notes_add(f->notes, NULL, asym, key, "192.0.2.2:1234", false);
	uv_run(f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->noted, 2);
	assert_int_equal(f->verified, 0);
	assert_true(keys_in(f, KEY_PENDING) >= 1);
	assert_int_equal(keys_in(f, KEY_VERIFIED), 0);
	assert_int_equal(f->logs.total, 2); /* two sources */
	notes_add(f->notes, "hq", asym, key, "192.0.2.1:7411", false);
	uv_run(f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->logs.total, 2); /* the same key from the same host */
}

static void
test_a_key_that_was_trusted_before(void **state)
{
	struct fixture *f = *state;
	uint8_t key[ASYM_PUBLIC_MAX];
	char fingerprint[FINGERPRINT_SIZE];
	struct errmsg err;
	const struct asym_impl *asym = new_key(f, key);
	fingerprint_of(fingerprint, asym->algorithm, key);
	assert_int_equal(keyring_trust_fingerprint(f->ring, "hq", fingerprint, false, &err), SC_OK);
	notes_add(f->notes, "hq", asym, key, "192.0.2.1:7400", false);
	uv_run(f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->verified, 1);
	assert_int_equal(keys_in(f, KEY_VERIFIED), 1);
	assert_int_equal(f->logs.total, 0); /* nothing is pending */
}

static void
test_a_flood_is_bounded(void **state)
{
	struct fixture *f = *state;
	uint8_t key[ASYM_PUBLIC_MAX];
	for (int i = 0; i < 200; i++) {
		const struct asym_impl *asym = new_key(f, key);
		notes_add(f->notes, NULL, asym, key, "192.0.2.1:7400", false);
	}
	uv_run(f->loop, UV_RUN_DEFAULT);
	assert_in_range(f->noted, 1, 40);
}

static void
test_freed_while_the_thread_is_busy(void **state)
{
	struct fixture *f = *state;
	uint8_t key[ASYM_PUBLIC_MAX];
	for (int i = 0; i < 5; i++) {
		const struct asym_impl *asym = new_key(f, key);
		notes_add(f->notes, NULL, asym, key, "192.0.2.1:7400", false);
	}
	notes_free(f->notes);
	f->notes = NULL;
	uv_run(f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->noted, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_keys_become_pending),
		TEST(test_a_key_that_was_trusted_before),
		TEST(test_a_flood_is_bounded),
		TEST(test_freed_while_the_thread_is_busy),
	};
	asym_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
