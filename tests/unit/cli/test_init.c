/* Tests cli/init.c. */
#include "harness.h"

#include <sys/stat.h>
#include <unistd.h>

static void
test_fresh(void **state)
{
	struct harness h;
	struct stat st;
	char expected[1024];
	(void)state;

	harness_init(&h);
	snprintf(h.config_path, sizeof(h.config_path), "%s",
		scratch_path(&h.scratch, "etc/sc/hq.ini"));
	assert_int_equal(
		harness_run(&h, cmd_init, "", "init --name store-7 --asymmetric X25519"), CLI_DONE);
	assert_string_equal(h.err, "");
	struct keyring *ring = harness_ring(&h, "etc/sc/state-hq");
	const struct key_pair *pair = keyring_own(ring, asym_find("X25519"));
	assert_non_null(pair);
	snprintf(expected, sizeof(expected),
		"Wrote the configuration DIR/etc/sc/hq.ini; look through it.\n"
		"Made the X25519 key of this node (store-7):\n    %s\n\n"
		"Next: name the other site in DIR/etc/sc/hq.ini with a [peer NAME] section, and "
		"what is to "
		"be reached with [route NAME] or [service NAME]; `secureconn -c DIR/etc/sc/hq.ini "
		"check` "
		"shows how it is understood. Then:\n"
		"    secureconn -c DIR/etc/sc/hq.ini run\n"
		"    secureconn -c DIR/etc/sc/hq.ini verify NAME\n",
		pair->fingerprint);
	assert_string_equal(h.out, expected);
	assert_int_equal(stat(scratch_path(&h.scratch, "etc/sc/state-hq"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(scratch_path(&h.scratch, "etc/sc/state-hq/keys/x25519.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* Again: nothing changes, and it says the same fingerprint. */
	char *before = scratch_read(h.config_path, NULL);
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	snprintf(expected, sizeof(expected),
		"There is the X25519 key of this node (store-7):\n    %s\n", pair->fingerprint);
	harness_contains(h.out, expected);
	assert_null(strstr(h.out, "Wrote"));
	assert_int_equal(
		harness_run(&h, cmd_init, "", "init --name store-7 --asymmetric X25519"), CLI_DONE);
	char *after = scratch_read(h.config_path, NULL);
	assert_string_equal(before, after);
	free(before);
	free(after);
	keyring_free(ring);
	harness_fini(&h);
}

static void
test_given_configuration(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h,
		"[node]\nname = n\nstate = ./s\nasymmetric = X25519, ElGamal 2048\n[peer hq]\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	harness_contains(h.out, "Made the X25519 key of this node (n):\n");
	harness_contains(h.out, "Made the ElGamal 2048 key of this node (n):\n");
	harness_contains(h.out, "\nNext:\n    secureconn -c DIR/x.ini run\n    secureconn -c "
				"DIR/x.ini verify hq\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init --name other"), CLI_USAGE);
	assert_string_equal(h.err,
		"secureconn: init: DIR/x.ini is there already, and its node is \"n\"; "
		"change [node] name in it\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init --asymmetric=X25519"), CLI_DONE);
	assert_int_equal(
		harness_run(&h, cmd_init, "", "init --asymmetric=X25519,ElGamal"), CLI_USAGE);
	assert_int_equal(harness_run(&h, cmd_init, "", "init --asymmetric=X25520"), CLI_USAGE);
	harness_fini(&h);
}

static void
test_refused(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	assert_int_equal(harness_run(&h, cmd_init, "", "init --name a/b"), CLI_USAGE);
	assert_string_equal(h.err,
		"secureconn: init: --name must be 1 to 64 letters, digits, \".\", "
		"\"_\" and \"-\", no \".\" first\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init --asymmetric RSA"), CLI_USAGE);
	harness_contains(h.err, "init: --asymmetric: \"RSA\" is not known; there are ElGamal 3072");
	assert_int_equal(access(h.config_path, F_OK), -1); /* nothing half done */

	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = X25519\n");
	assert_int_equal(mkdir(scratch_path(&h.scratch, "s"), 0755), 0);
	scratch_write(&h.scratch, "s/something", "", 0);
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: DIR/s: is open to other users (mode 755); see who has "
		"used it, then: chmod 700 DIR/s\n");
	assert_string_equal(h.out, "");

	h.cli.config_path = "/proc/none/x.ini";
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_FAILED);
	harness_contains(h.err, "/proc/none/x.ini: cannot be written: ");
	harness_contains(h.err, "; give another place with -c FILE, or run this as root\n");
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_given_configuration),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
