/* Tests keyring/claim.c: one node a state folder. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_one_at_a_time(void **state)
{
	struct fixture f;
	struct errmsg err;
	char expected[700];
	(void)state;

	fixture_init(&f);
	assert_int_equal(keyring_claim(f.ring, false, &err), SC_OK);
	struct keyring *second = fixture_open(&f); /* as commands do */
	assert_int_equal(keyring_claim(second, false, &err), SC_ERR_EXISTS);
	snprintf(expected, sizeof(expected),
		"%s: another node runs with this state folder (process %ld), and the two would "
		"take each other's links; stop that one, or give this one a `state` of its own",
		f.folder, (long)getpid());
	assert_string_equal(err.text, expected);
	keyring_free(second);
	keyring_free(f.ring);
	f.ring = fixture_open(&f);
	assert_int_equal(keyring_claim(f.ring, false, &err), SC_OK);
	fixture_fini(&f);
}

/* It runs beside the one that it replaces, and then alone. */
static void
test_a_successor(void **state)
{
	struct fixture f;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	assert_int_equal(keyring_claim(f.ring, false, &err), SC_OK);
	struct keyring *second = fixture_open(&f), *third = fixture_open(&f);
	assert_int_equal(keyring_claim(second, true, &err), SC_OK);
	assert_false(keyring_refresh(second));
	keyring_free(f.ring);
	assert_false(keyring_refresh(second)); /* takes it now */
	assert_int_equal(keyring_claim(third, false, &err), SC_ERR_EXISTS);
	keyring_free(second);
	f.ring = third;
	fixture_fini(&f);
}

/* Another node has it: err. */
static void
refused(struct fixture *f, struct errmsg *err)
{
	struct keyring *another = fixture_open(f);

	assert_int_equal(keyring_claim(another, false, err), SC_ERR_EXISTS);
	keyring_free(another);
}

/* A file that cannot be opened keeps no node from running, and lets no second one run. */
static void
test_odd_files(void **state)
{
	struct fixture f;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	assert_int_equal(mkdir(scratch_path(&f.scratch, "state/running"), 0700), 0);
	assert_int_equal(keyring_claim(f.ring, false, &err), SC_OK);
	refused(&f, &err);
	assert_null(strstr(err.text, "(process"));
	assert_int_equal(rmdir(scratch_path(&f.scratch, "state/running")), 0);
	assert_int_equal(symlink("/etc/passwd", scratch_path(&f.scratch, "state/running")), 0);
	refused(&f, &err);
	assert_int_equal(unlink(scratch_path(&f.scratch, "state/running")), 0);
	refused(&f, &err); /* nor where it is a new one */
	fixture_fini(&f);
}

/* What is in the file is not believed. */
static void
test_odd_numbers(void **state)
{
	struct fixture f;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	scratch_write(&f.scratch, "state/running", "\377 no number", 11);
	assert_int_equal(keyring_claim(f.ring, false, &err), SC_OK);
	assert_int_equal(truncate(scratch_path(&f.scratch, "state/running"), 0), 0);
	refused(&f, &err);
	assert_null(strstr(err.text, "(process"));
	scratch_write(&f.scratch, "state/running", "-5\n", 3);
	refused(&f, &err);
	assert_null(strstr(err.text, "(process"));
	fixture_fini(&f);
}

/* The node of a version that locked only the file. */
static void
test_the_file_alone(void **state)
{
	struct fixture f;
	struct errmsg err;
	(void)state;

	fixture_init(&f);
	int fd = open(scratch_path(&f.scratch, "state/running"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	refused(&f, &err);
	assert_int_equal(keyring_claim(f.ring, true, &err), SC_OK);
	close(fd);
	keyring_refresh(f.ring);
	refused(&f, &err);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_a_successor),
		cmocka_unit_test(test_odd_files),
		cmocka_unit_test(test_odd_numbers),
		cmocka_unit_test(test_the_file_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
