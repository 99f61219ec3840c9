/* Tests keyring/scan.c: what hostile files do, and that no change of another process is missed. */
#include "fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring/ring.h"

static void
write_in(struct fixture *f, const char *name, const void *data, size_t n)
{
	char path[256];
	snprintf(path, sizeof(path), "state/%s", name);
	scratch_write(&f->scratch, path, data, n);
}

static void
test_bad_files_are_reported_once_and_left_out(void **state)
{
	static const char oversized[KEY_FILE_MAX + 1] = {'x'};
	struct fixture f;
	struct shown_key good;
	char path[SCRATCH_PATH_SIZE];
	(void)state;

	fixture_init(&f);
	good = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &good);
	snprintf(path, sizeof(path), "state/peers/hq.%s.key", good.fingerprint);
	char *text = scratch_read(scratch_path(&f.scratch, path), NULL);

	write_in(&f, "peers/empty.key", "", 0);
	write_in(&f, "peers/garbage\x1b.key", "\xff\xfe", 2);
	write_in(&f, "peers/large.key", oversized, sizeof(oversized));
	write_in(&f, "peers/other-name.key", text, strlen(text));
	write_in(&f, "peers/torn.key", text, strlen(text) - 5);
	write_in(&f, "callers/x.key", text,
		strlen(text)); /* a verified key must not be smuggled in there */
	write_in(&f, "peers/.new", text, 10);
	f.problems[0] = '\0';
	assert_false(keyring_refresh(f.ring));
	assert_string_equal(f.problems, "callers/x.key: does not belong here: by what is in it, it "
					"has another name or place; "
					"remove it\n"
					"peers/empty.key: is empty; remove it\n"
					"peers/garbage\\x1b.key: line 1: it holds a byte that is "
					"no text; put it back from a "
					"backup, or remove it\n"
					"peers/large.key: is too long for a key file (8193 bytes)\n"
					"peers/other-name.key: does not belong here: by what is in "
					"it, it has another name or "
					"place; remove it\n"
					"peers/torn.key: line 9: the file ends here, before its "
					"last line (\"end\"); put it back "
					"from a backup, or remove it\n");
	f.problems[0] = '\0';
	assert_false(keyring_refresh(f.ring));
	assert_string_equal(f.problems, "");
	assert_true(keyring_has_verified(f.ring, "hq", f.x25519)); /* the rest goes on */
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 1);

	/* A good file that turns bad is reported, and no longer used. */
	assert_int_equal(chmod(scratch_path(&f.scratch, path), 0640), 0);
	write_in(
		&f, "peers/.touch", "", 0); /* a change of mode alone does not show in the folder */
	assert_true(keyring_refresh(f.ring));
	assert_non_null(strstr(f.problems, "is open to other users (mode 640)"));
	assert_false(keyring_has_verified(f.ring, "hq", NULL));
	free(text);
	fixture_fini(&f);
}

static void
test_a_torn_own_key_is_not_overwritten(void **state)
{
	struct fixture f;
	struct errmsg err;
	bool created;
	(void)state;

	fixture_init(&f);
	write_in(&f, "keys/x25519.key", "SecureConn key 1\n", 17);
	assert_int_equal(keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err),
		SC_ERR_EXISTS);
	assert_non_null(strstr(err.text, "keys/x25519.key: is there and cannot be used"));
	assert_null(keyring_own(f.ring, f.x25519));
	char *text = scratch_read(scratch_path(&f.scratch, "state/keys/x25519.key"), NULL);
	assert_string_equal(text, "SecureConn key 1\n");
	free(text);
	fixture_fini(&f);
}

/* Changes that follow each other within one step of the file system's clock. */
static void
test_no_change_is_missed(void **state)
{
	struct fixture f;
	struct keyring *other;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	other = fixture_open(&f);
	for (int i = 0; i < 200; i++) {
		struct shown_key key = fixture_key(&f, f.x25519);
		char name[PEER_NAME_SIZE];
		assert_int_equal(
			keyring_check(f.ring, NULL, f.x25519, key.bytes, name), VERDICT_UNKNOWN);
		assert_int_equal(
			keyring_trust_key(other, "hq", f.x25519, key.bytes, false, &err), SC_OK);
		assert_true(keyring_refresh(f.ring)); /* the same peer: only the key is another */
		assert_int_equal(
			keyring_check(f.ring, NULL, f.x25519, key.bytes, name), VERDICT_VERIFIED);
		assert_false(keyring_refresh(f.ring));
	}
	keyring_free(other);
	fixture_fini(&f);
}

static void
test_removed_by_hand(void **state)
{
	struct fixture f;
	struct shown_key key;
	char path[SCRATCH_PATH_SIZE];
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &key);
	snprintf(path, sizeof(path), "state/peers/hq.%s.key", key.fingerprint);
	assert_int_equal(unlink(scratch_path(&f.scratch, path)), 0);
	assert_true(keyring_refresh(f.ring));
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 0);
	fixture_fini(&f);
}

/* When nothing can be opened for a while (too many open files), known keys stay. */
static void
test_no_descriptors(void **state)
{
	struct fixture f;
	struct shown_key key;
	struct rlimit before, few;
	int fds[256];
	size_t n = 0;
	(void)state;

	fixture_init(&f);
	key = fixture_key(&f, f.x25519);
	fixture_trust(&f, "hq", &key);
	write_in(&f, "peers/.touch", "", 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){100, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < ARRAY_SIZE(fds) && (fds[n] = dup(f.ring->store.folder)) >= 0)
		n++;
	assert_true(n < ARRAY_SIZE(fds));
	keyring_refresh(f.ring);
	assert_true(keyring_has_verified(f.ring, "hq", f.x25519));
	while (n > 0)
		close(fds[--n]);
	assert_false(keyring_refresh(f.ring));
	assert_true(keyring_has_verified(f.ring, "hq", f.x25519));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	fixture_fini(&f);
}

static void
test_own_pair_survives_refresh(void **state)
{
	struct fixture f;
	struct errmsg err;
	bool created;
	(void)state;

	fixture_init(&f);
	assert_int_equal(
		keyring_generate(f.ring, f.x25519, &f.random.source, &created, &err), SC_OK);
	assert_true(created);
	const struct key_pair *pair = keyring_own(f.ring, f.x25519);
	write_in(&f, "keys/.touch", "", 0);
	assert_false(keyring_refresh(f.ring));
	assert_ptr_equal(keyring_own(f.ring, f.x25519), pair);
	assert_int_equal(unlink(scratch_path(&f.scratch, "state/keys/x25519.key")), 0);
	assert_true(keyring_refresh(f.ring));
	assert_null(keyring_own(f.ring, f.x25519));
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_files_are_reported_once_and_left_out),
		cmocka_unit_test(test_a_torn_own_key_is_not_overwritten),
		cmocka_unit_test(test_no_change_is_missed),
		cmocka_unit_test(test_removed_by_hand),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_own_pair_survives_refresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
