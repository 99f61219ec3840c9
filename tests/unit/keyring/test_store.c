/* Tests keyring/store.c. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring/store.h"
#include "scratch.h"

static void
expect_open_error(const char *path, enum sc_error expected, const char *message)
{
	struct store s;
	struct errmsg err;
	assert_int_equal(store_open(&s, path, &err), expected);
	assert_non_null(strstr(err.text, message));
}

static void
test_create(void **state)
{
	struct scratch scratch;
	struct store s;
	struct errmsg err;
	struct stat st;
	char path[SCRATCH_PATH_SIZE];
	(void)state;

	scratch_init(&scratch);
	snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "a/b/state"));
	expect_open_error(
		path, SC_ERR_NOT_FOUND, "there is no such folder");
	assert_int_equal(store_create(path, &err), SC_OK);
	assert_int_equal(store_create(path, &err), SC_OK); /* again: no harm */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(store_open(&s, path, &err), SC_OK);
	store_close(&s);

	assert_int_equal(chmod(path, 0750), 0);
	expect_open_error(path, SC_ERR_PERMISSION, "is open to other users (mode 750)");
	assert_int_equal(store_create(path, &err), SC_ERR_PERMISSION);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chmod(scratch_path(&scratch, "a/b/state/keys"), 0701), 0);
	expect_open_error(path, SC_ERR_PERMISSION, "state/keys: is open to other users (mode 701)");

	/* Made beforehand, and nothing is in it; but who may write there might have a file open. */
	snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "early"));
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(store_create(path, &err), SC_ERR_PERMISSION);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(store_create(path, &err), SC_OK);
	assert_int_equal(store_open(&s, path, &err), SC_OK);
	store_close(&s);

	scratch_write(&scratch, "file", "x", 1);
	expect_open_error(scratch_path(&scratch, "file"), SC_ERR_IO,
		"is not a folder; correct `state` in [node]");
	assert_int_equal(store_create(scratch_path(&scratch, "file"), &err), SC_ERR_IO);
	assert_int_equal(store_create(scratch_path(&scratch, "file/state"), &err), SC_ERR_IO);
	scratch_fini(&scratch);
}

static void
test_another_users_folder(void **state)
{
	struct scratch scratch;
	(void)state;
	scratch_init(&scratch);
	if (geteuid() != 0)
		expect_open_error(
			"/", SC_ERR_PERMISSION, "belongs to user root; run the same command");
	else {
		assert_int_equal(chown(scratch.folder, 1, 1), 0);
		expect_open_error(scratch.folder, SC_ERR_PERMISSION,
			"belongs to user daemon; run the same command as that user: sudo -u "
			"daemon");
	}
	scratch_fini(&scratch);
}

static void
open_store(struct scratch *scratch, struct store *s)
{
	struct errmsg err;
	scratch_init(scratch);
	assert_int_equal(store_create(scratch_path(scratch, "state"), &err), SC_OK);
	assert_int_equal(store_open(s, scratch_path(scratch, "state"), &err), SC_OK);
}

static void
test_files(void **state)
{
	struct scratch scratch;
	struct store s;
	struct errmsg err;
	char out[16], **names;
	size_t n;
	(void)state;

	open_store(&scratch, &s);
	assert_int_equal(store_lock(&s, &err), SC_OK);
	assert_int_equal(store_write(&s, STORE_PEERS, "b", "two", 3, &err), SC_OK);
	assert_int_equal(store_write(&s, STORE_PEERS, "a", "one", 3, &err), SC_OK);
	assert_int_equal(store_write(&s, STORE_PEERS, "a", "three", 5, &err), SC_OK);
	scratch_write(&scratch, "state/peers/.new", "torn", 4); /* of a process that was killed */
	assert_int_equal(store_names(&s, STORE_PEERS, &names, &n), SC_OK);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
	store_names_free(names, n);
	assert_int_equal(store_read(&s, STORE_PEERS, "a", out, sizeof(out), &n, &err), SC_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(out, "three", 5);
	assert_int_equal(store_write(&s, STORE_PEERS, "c", "new", 3, &err), SC_OK);
	assert_int_equal(access(scratch_path(&scratch, "state/peers/.new"), F_OK), -1);
	assert_int_equal(store_remove(&s, STORE_PEERS, "a", &err), SC_OK);
	assert_int_equal(store_remove(&s, STORE_PEERS, "a", &err), SC_OK);
	assert_int_equal(
		store_read(&s, STORE_PEERS, "a", out, sizeof(out), &n, &err), SC_ERR_NOT_FOUND);
	store_close(&s);
	scratch_fini(&scratch);
}

static void
test_hostile_files(void **state)
{
	struct scratch scratch;
	struct store s;
	struct errmsg err;
	char out[16];
	size_t n;
	(void)state;

	open_store(&scratch, &s);
	scratch_write(&scratch, "state/keys/open", "x", 1);
	assert_int_equal(chmod(scratch_path(&scratch, "state/keys/open"), 0644), 0);
	assert_int_equal(
		store_read(&s, STORE_KEYS, "open", out, sizeof(out), &n, &err), SC_ERR_PERMISSION);
	assert_non_null(strstr(err.text, "(mode 644)"));
	if (geteuid() == 0) {
		assert_int_equal(chmod(scratch_path(&scratch, "state/keys/open"), 0600), 0);
		assert_int_equal(chown(scratch_path(&scratch, "state/keys/open"), 1, 1), 0);
		assert_int_equal(store_read(&s, STORE_KEYS, "open", out, sizeof(out), &n, &err),
			SC_ERR_PERMISSION);
		assert_string_equal(err.text,
			"belongs to another user (of number 1); if it is yours: chown 0");
	}
	scratch_write(&scratch, "state/keys/long", "0123456789abcdefX", 17);
	assert_int_equal(
		store_read(&s, STORE_KEYS, "long", out, sizeof(out), &n, &err), SC_ERR_FORMAT);
	assert_int_equal(mkdir(scratch_path(&scratch, "state/keys/folder"), 0700), 0);
	assert_int_equal(
		store_read(&s, STORE_KEYS, "folder", out, sizeof(out), &n, &err), SC_ERR_FORMAT);
	assert_int_equal(mkfifo(scratch_path(&scratch, "state/keys/pipe"), 0600), 0);
	assert_int_equal(
		store_read(&s, STORE_KEYS, "pipe", out, sizeof(out), &n, &err), SC_ERR_FORMAT);
	assert_int_equal(symlink("long", scratch_path(&scratch, "state/keys/link")), 0);
	assert_int_equal(
		store_read(&s, STORE_KEYS, "link", out, sizeof(out), &n, &err), SC_ERR_FORMAT);
	store_close(&s);
	scratch_fini(&scratch);
}

static void
test_write_failure_leaves_the_old_file(void **state)
{
	struct scratch scratch;
	struct store s;
	struct errmsg err;
	char out[16], name[300];
	size_t n;
	(void)state;

	open_store(&scratch, &s);
	assert_int_equal(store_write(&s, STORE_KEYS, "a", "old", 3, &err), SC_OK);
	memset(name, 'n', sizeof(name) - 1); /* longer than any file system takes */
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(store_write(&s, STORE_KEYS, name, "new", 3, &err), SC_ERR_IO);
	assert_int_equal(access(scratch_path(&scratch, "state/keys/.new"), F_OK), -1);
	assert_int_equal(store_read(&s, STORE_KEYS, "a", out, sizeof(out), &n, &err), SC_OK);
	assert_memory_equal(out, "old", 3);
	store_close(&s);
	scratch_fini(&scratch);
}

static void
test_lock_waits_and_gives_up(void **state)
{
	struct scratch scratch;
	struct store s;
	struct errmsg err;
	struct timespec from, to;
	(void)state;

	open_store(&scratch, &s);
	assert_int_equal(store_lock(&s, &err), SC_OK);
	store_unlock(&s);
	int other = open(scratch_path(&scratch, "state/lock"), O_RDWR);
	assert_int_equal(flock(other, LOCK_EX), 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(store_lock(&s, &err), SC_ERR_TIMEOUT);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec >= 4 && to.tv_sec - from.tv_sec < 60);
	assert_non_null(strstr(err.text, "another secureconn keeps it locked"));
	close(other);
	assert_int_equal(store_lock(&s, &err), SC_OK);
	store_close(&s);
	scratch_fini(&scratch);
}

static void
test_marks(void **state)
{
	struct scratch scratch;
	struct store s;
	struct errmsg err;
	struct mark a, b;
	struct timespec later;
	(void)state;

	open_store(&scratch, &s);
	assert_int_equal(store_write(&s, STORE_KEYS, "a", "old", 3, &err), SC_OK);
	assert_int_equal(store_mark(&s, STORE_KEYS, "a", &a), 0);
	assert_int_equal(store_mark(&s, STORE_KEYS, "a", &b), 0);
	assert_true(mark_equal(&a, &b));
	later = a.changed;
	assert_false(mark_settled(&a, &later));
	later.tv_sec += 10;
	assert_true(mark_settled(&a, &later));
	assert_int_equal(store_write(&s, STORE_KEYS, "a", "new!", 4, &err), SC_OK);
	assert_int_equal(store_mark(&s, STORE_KEYS, "a", &b), 0);
	assert_false(mark_equal(&a, &b));
	assert_int_equal(store_mark(&s, STORE_KEYS, "none", &b), -1);
	store_close(&s);
	scratch_fini(&scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_another_users_folder),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_hostile_files),
		cmocka_unit_test(test_write_failure_leaves_the_old_file),
		cmocka_unit_test(test_lock_waits_and_gives_up),
		cmocka_unit_test(test_marks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
