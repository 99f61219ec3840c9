/* Tests cli/revoke.c, and the way back. */
#include "harness.h"

static void
test_revoke(void **state)
{
	struct harness h;
	char first[FINGERPRINT_SIZE], second[FINGERPRINT_SIZE], command[200];
	(void)state;

	harness_init(&h);
	harness_config(&h, "[node]\nname = store-7\nstate = s\nasymmetric = X25519\n[peer "
			   "hq]\naddress = hq:7400\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	assert_int_equal(harness_run(&h, cmd_revoke, "", "revoke hqq"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: nothing is known of a peer \"hqq\"; did you mean \"hq\"? "
		"secureconn -c DIR/x.ini peers shows whose keys there are\n");
	assert_int_equal(harness_run(&h, cmd_revoke, "", "revoke elsewhere"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: nothing is known of a peer \"elsewhere\"; secureconn -c DIR/x.ini "
		"peers shows whose keys there are\n");
	assert_int_equal(harness_run(&h, cmd_revoke, "", "revoke hq"), CLI_FAILED);
	harness_contains(h.err, "no key of hq is known that is not revoked");
	memcpy(first, harness_note(&h, "s", "hq", 1), sizeof(first));
	assert_int_equal(harness_run(&h, cmd_verify, first, "verify hq"), CLI_DONE);
	memcpy(second, harness_note(&h, "s", "hq", 2), sizeof(second));

	/* The one on hold, whose fingerprint nobody knows. */
	assert_int_equal(
		harness_run(&h, cmd_revoke, "", "revoke hq --pending --fingerprint x"), CLI_USAGE);
	assert_int_equal(harness_run(&h, cmd_revoke, "", "revoke hq --pending"), CLI_DONE);
	assert_string_equal(h.out, "hq: 1 key is revoked. No link is made with it any more, a "
				   "running node closes those that are up, and the fingerprint is "
				   "remembered.\n"
				   "Another key of hq is still verified.\n");
	assert_int_equal(harness_run(&h, cmd_revoke, "", "revoke hq --pending"), CLI_FAILED);
	harness_contains(h.err, "no key of hq waits");

	assert_int_equal(
		harness_run(&h, cmd_revoke, "", "revoke hq --fingerprint 7Q2M"), CLI_FAILED);
	harness_contains(h.err, "--fingerprint: that is not a whole fingerprint");
	assert_int_equal(harness_run(&h, cmd_revoke, "", "revoke hq"), CLI_DONE);
	assert_int_equal(harness_run(&h, cmd_peers, "", "peers"), CLI_DONE);
	harness_contains(h.out, "hq               revoked ");
	assert_null(strstr(h.out, "verified"));

	/* Only on purpose. */
	assert_int_equal(harness_run(&h, cmd_verify, first, "verify hq"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: a key of hq was revoked here, and no other one has come; if it is to "
		"count again: secureconn -c DIR/x.ini trust hq --fingerprint F --again\n");
	snprintf(command, sizeof(command), "trust hq --fingerprint %s", first);
	assert_int_equal(harness_run(&h, cmd_trust, "", command), CLI_FAILED);
	harness_contains(
		h.err, "that key was revoked (as one of peer \"hq\"); if it is to count again: ");
	snprintf(command, sizeof(command), "trust hq --fingerprint %s --again", first);
	assert_int_equal(harness_run(&h, cmd_trust, "", command), CLI_DONE);
	assert_int_equal(harness_run(&h, cmd_peers, "", "peers"), CLI_DONE);
	harness_contains(h.out, "expected");
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revoke),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
