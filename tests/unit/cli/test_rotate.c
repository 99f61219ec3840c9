/* Tests cli/rotate.c: what is made, used and shown; who is told is the running node's. */
#include "harness.h"

static void
start(struct harness *h)
{
	harness_init(h);
	harness_config(h, "[node]\nname = store-7\nstate = s\nasymmetric = X25519\n"
			  "[peer hq]\naddress = hq:7400\n[peer branch]\nidentity = other\n");
	assert_int_equal(harness_run(h, cmd_init, "", "init"), CLI_DONE);
	harness_contains(h->out, "Made the X25519 key of this node (store-7), identity other:\n");
}

static const char *
in_use(struct harness *h, const char *identity)
{
	static char fingerprint[FINGERPRINT_SIZE];
	struct keyring *ring = harness_ring(h, "s");
	memcpy(fingerprint,
		keyring_pair(ring, identity, asym_find("X25519"), PAIR_CURRENT)->fingerprint,
		sizeof(fingerprint));
	keyring_free(ring);
	return fingerprint;
}

static void
test_step_by_step(void **state)
{
	struct harness h;
	struct errmsg err;
	char old[FINGERPRINT_SIZE], input[64];
	(void)state;

	start(&h);
	memcpy(old, in_use(&h, ""), sizeof(old));
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate --status"), CLI_DONE);
	assert_string_equal(h.out, "No key of this node is being changed.\n");
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate --finish"), CLI_FAILED);
	harness_contains(h.err, "there is no new X25519 key to change over to");
	snprintf(input, sizeof(input), "%s\n", harness_note(&h, "s", "hq", 1));
	assert_int_equal(harness_run(&h, cmd_verify, input, "verify hq"), CLI_DONE);

	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate"), CLI_DONE);
	harness_contains(h.out, "Made a new X25519 key.");
	harness_contains(h.out, "    hq               not asked yet\n  Known to 0 of 1 peers.\n");
	assert_string_equal(in_use(&h, ""), old);
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate"), CLI_DONE);
	harness_contains(h.out, "There is a new X25519 key.");

	struct keyring *ring = harness_ring(&h, "s");
	const char *new = keyring_pair(ring, "", asym_find("X25519"), PAIR_NEXT)->fingerprint;
	assert_int_equal(keyring_set_answer(ring, "hq", new, KEYROLL_PENDING, &err), SC_OK);
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate --status"), CLI_DONE);
	harness_contains(h.out, "    hq               needs a call\n");
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate --status --json"), CLI_DONE);
	harness_contains(h.out, "\"hq\":\"needs a call\"");
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate --finish"), CLI_DONE);
	harness_contains(h.out, "The new X25519 key is in use from now on");
	assert_string_equal(in_use(&h, ""),
		keyring_pair(ring, "", asym_find("X25519"), PAIR_NEXT)->fingerprint);
	keyring_free(ring);
	assert_int_equal(harness_run(&h, cmd_key, "", "key"), CLI_DONE);
	harness_contains(h.out, "former, in use from");
	harness_fini(&h);
}

static void
test_now_and_for_an_identity(void **state)
{
	struct harness h;
	char own[FINGERPRINT_SIZE], other[FINGERPRINT_SIZE];
	(void)state;

	start(&h);
	memcpy(own, in_use(&h, ""), sizeof(own));
	memcpy(other, in_use(&h, "other"), sizeof(other));
	assert_int_equal(
		harness_run(&h, cmd_key, "", "key rotate --now --identity other"), CLI_DONE);
	assert_string_not_equal(in_use(&h, "other"), other);
	assert_string_equal(in_use(&h, ""), own);
	assert_int_equal(harness_run(&h, cmd_key, "", "key export --identity other"), CLI_DONE);
	harness_contains(h.out, in_use(&h, "other"));
	assert_int_equal(harness_run(&h, cmd_key, "", "key export --identity x"), CLI_FAILED);
	assert_int_equal(harness_run(&h, cmd_key, "", "key rotate --now --identity x"), CLI_FAILED);
	harness_contains(h.err, "there is no X25519 key of the identity x to be replaced");
	harness_fini(&h);
}

static void
test_usage(void **state)
{
	static const char *const wrong[] = {"key rotate X25519", "key --now",
		"key rotate --now --finish", "key rotate --asymmetric X448", "key turn"};
	struct harness h;
	(void)state;

	start(&h);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(harness_run(&h, cmd_key, "", wrong[i]), CLI_USAGE);
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step_by_step),
		cmocka_unit_test(test_now_and_for_an_identity),
		cmocka_unit_test(test_usage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
