/* Tests cli/verify.c: the dialog. */
#include "harness.h"

static void
start(struct harness *h)
{
	harness_init(h);
	harness_config(h, "[node]\nname = store-7\nstate = s\nasymmetric = X25519, ElGamal 2048\n"
			  "[peer hq]\naddress = hq:7400\n[peer branch]\n");
	assert_int_equal(harness_run(h, cmd_init, "", "init"), CLI_DONE);
}

static size_t
count_verified(struct harness *h)
{
	struct keyring *ring = harness_ring(h, "s");
	const struct peer_key *key;
	size_t n = 0;
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		n += key->state == KEY_VERIFIED;
	keyring_free(ring);
	return n;
}

static void
test_dialog(void **state)
{
	struct harness h;
	char input[128], expected[1024], theirs[FINGERPRINT_SIZE], when[TIME_TEXT_SIZE];
	(void)state;

	start(&h);
	struct keyring *ring = harness_ring(&h, "s");
	memcpy(theirs, harness_note(&h, "s", "hq", 1), sizeof(theirs));
	snprintf(input, sizeof(input), "%s\n", theirs);
	assert_int_equal(harness_run(&h, cmd_verify, input, "verify hq"), CLI_DONE);
	keyring_refresh(ring);
	time_text(when, keyring_peer_key(ring, 0)->time);
	/* Two own keys, but hq has shown an X25519 key: so it has seen that one. */
	snprintf(expected, sizeof(expected),
		"Call the person who runs hq (last seen at 203.0.113.5:7400, %.10s %.5s UTC) on a "
		"number you already have.\n\n"
		"  1. Read this to them; it is the fingerprint of the key of this node (store-7):\n"
		"         %s\n"
		"  2. Ask them to read theirs to you, and type it here: \n\n"
		"hq is verified. A running node uses its X25519 key within a second.\n"
		"The link comes up when its operator has verified store-7 too.\n",
		when, when + 11, keyring_own(ring, asym_find("X25519"))->fingerprint);
	assert_string_equal(h.out, expected);
	assert_int_equal(count_verified(&h), 1);

	/* A second key for the same peer takes the place of the first. */
	/* A line as other systems end it. */
	snprintf(input, sizeof(input), "%s\r\n", harness_note(&h, "s", "hq", 2));
	assert_int_equal(harness_run(&h, cmd_verify, input, "verify hq"), CLI_DONE);
	harness_contains(h.out, "hq has a verified key already, which goes on being used. ");
	snprintf(expected, sizeof(expected), "Its former key, %s, is not accepted any more.\n",
		theirs);
	harness_contains(h.out, expected);
	assert_int_equal(count_verified(&h), 1);
	keyring_free(ring);
	harness_fini(&h);
}

static void
test_three_tries(void **state)
{
	static const char wrong[] = "7Q2M-01XK-0000-0000-0000-0000-0000-0000";
	struct harness h;
	char input[512], right[FINGERPRINT_SIZE];
	(void)state;

	start(&h);
	memcpy(right, harness_note(&h, "s", "hq", 1), sizeof(right));
	/* A prefix, an empty line, a wrong one: and the right one after them is not even read. */
	snprintf(input, sizeof(input), "%.38s\n\n%s\n%s\n", right, wrong, right);
	assert_int_equal(harness_run(&h, cmd_verify, input, "verify hq"), CLI_FAILED);
	harness_contains(h.out,
		"     Wrong: that is not a whole fingerprint: it has 32 letters and digits, "
		"in eight groups of four.\n     Ask them to read it once more: \n");
	harness_contains(
		h.out, "     Wrong: that is not the fingerprint of a key that waits here.\n");
	harness_contains(h.err, "secureconn: hq is not verified, and nothing has changed. ");
	assert_null(strstr(h.out, right));
	assert_null(strstr(h.err, right));
	assert_int_equal(count_verified(&h), 0);

	snprintf(input, sizeof(input), "%s\n%s\n%s", wrong, wrong,
		right); /* the third try, no newline */
	assert_int_equal(harness_run(&h, cmd_verify, input, "verify hq"), CLI_DONE);
	assert_int_equal(count_verified(&h), 1);
	harness_fini(&h);
}

static void
test_odd_input(void **state)
{
	struct harness h;
	char *own, right[FINGERPRINT_SIZE], longest[2000];
	(void)state;

	start(&h);
	memcpy(right, harness_note(&h, "s", NULL, 1), sizeof(right));
	assert_int_equal(harness_run(&h, cmd_verify, "", "verify branch"), CLI_FAILED);
	assert_string_equal(h.err, "secureconn: nothing was typed; nothing has changed\n");
	/* No place is known; but where callers came from is. */
	harness_contains(h.out, "Call the person who runs branch on a number");
	harness_contains(
		h.out, "Callers that nobody knows have shown a key:\n  203.0.113.5:7400, 20");

	/* A line that is longer than what is kept of it. */
	memset(longest, ' ', sizeof(longest));
	memcpy(longest, right, 39);
	snprintf(longest + 300, sizeof(longest) - 300, "0\n");
	assert_int_equal(harness_run(&h, cmd_verify, longest, "verify branch"), CLI_FAILED);
	assert_int_equal(count_verified(&h), 0);

	struct keyring *ring = harness_ring(&h, "s");
	own = strdup(keyring_own(ring, asym_find("X25519"))->fingerprint);
	keyring_free(ring);
	assert_int_equal(harness_run(&h, cmd_verify, own, "verify branch"), CLI_FAILED);
	harness_contains(h.out, "Wrong: that is the fingerprint of this node; ");
	free(own);
	assert_int_equal(harness_run(&h, cmd_verify, right, "verify branch"), CLI_DONE);
	harness_fini(&h);
}

static void
test_nothing_waits(void **state)
{
	struct harness h;
	(void)state;

	start(&h);
	assert_int_equal(harness_run(&h, cmd_verify, "x\n", "verify hq"), CLI_FAILED);
	assert_string_equal(h.out, "");
	assert_string_equal(h.err,
		"secureconn: no key of hq has come yet. Start both nodes (secureconn -c DIR/x.ini "
		"run): "
		"they meet, show each other their keys and wait for this command. Or give the "
		"fingerprint "
		"beforehand: secureconn -c DIR/x.ini trust hq --fingerprint F\n");
	assert_int_equal(harness_run(&h, cmd_verify, "x\n", "verify hqq"), CLI_FAILED);
	harness_contains(h.err, "there is no [peer hqq] in DIR/x.ini; did you mean \"hq\"?");
	const char *theirs = harness_note(&h, "s", "hq", 1);
	assert_int_equal(harness_run(&h, cmd_verify, theirs, "verify hq"), CLI_DONE);
	assert_int_equal(harness_run(&h, cmd_verify, "x\n", "verify hq"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: hq is verified already, and no other key has come; see: "
		"secureconn -c DIR/x.ini peers\n");
	assert_int_equal(harness_run(&h, cmd_verify, "x\n", "verify"), CLI_USAGE);
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialog),
		cmocka_unit_test(test_three_tries),
		cmocka_unit_test(test_odd_input),
		cmocka_unit_test(test_nothing_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
