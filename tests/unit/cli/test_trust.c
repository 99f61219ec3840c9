/* Tests cli/trust.c. */
#include "harness.h"

/* The exported key of another node. */
static char *
export_other(struct harness *h)
{
	struct harness other;
	harness_init(&other);
	harness_config(&other, "[node]\nname = hq\nstate = s\nasymmetric = X25519\n");
	assert_int_equal(harness_run(&other, cmd_init, "", "init"), CLI_DONE);
	assert_int_equal(harness_run(&other, cmd_key, "", "key export"), CLI_DONE);
	char *text = strdup(other.out);
	scratch_write(&h->scratch, "hq.key", text, strlen(text));
	harness_fini(&other);
	return text;
}

static void
start(struct harness *h)
{
	harness_init(h);
	harness_config(
		h, "[node]\nname = n\nstate = s\nasymmetric = X25519\n[peer hq]\n[peer branch]\n");
	assert_int_equal(harness_run(h, cmd_init, "", "init"), CLI_DONE);
}

static void
test_key(void **state)
{
	struct harness h;
	char args[SCRATCH_PATH_SIZE + 32];
	(void)state;

	start(&h);
	char *text = export_other(&h);
	snprintf(args, sizeof(args), "trust hq --key %s", scratch_path(&h.scratch, "hq.key"));
	assert_int_equal(harness_run(&h, cmd_trust, "", args), CLI_DONE);
	harness_contains(h.out, "hq: this X25519 key is verified: ");
	assert_int_equal(
		harness_run(&h, cmd_trust, text, "trust hq --key -"), CLI_DONE); /* again: fine */
	struct keyring *ring = harness_ring(&h, "s");
	assert_true(keyring_has_verified(ring, "hq", asym_find("X25519")));
	keyring_free(ring);

	assert_int_equal(harness_run(&h, cmd_trust, text, "trust branch --key -"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: -: that key is the one of peer \"hq\" already; a key "
		"belongs to one peer\n");
	assert_int_equal(harness_run(&h, cmd_trust, "", "trust hq --key -"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: -: is empty; what `secureconn key export` writes at the "
		"peer is needed\n");
	assert_int_equal(harness_run(&h, cmd_trust, "hello\n", "trust hq --key -"), CLI_FAILED);
	assert_string_equal(h.err, "secureconn: -: line 1: this is no key file of secureconn\n");
	assert_int_equal(harness_run(&h, cmd_trust, "", "trust hq --key /nonexistent"), CLI_FAILED);
	assert_string_equal(
		h.err, "secureconn: /nonexistent: cannot be opened: No such file or directory\n");
	free(text);
	harness_fini(&h);
}

static void
test_fingerprint(void **state)
{
	struct harness h;
	char args[128], fingerprint[FINGERPRINT_SIZE];
	(void)state;

	start(&h);
	memcpy(fingerprint, harness_note(&h, "s", "hq", 1), sizeof(fingerprint));
	snprintf(args, sizeof(args), "trust hq --fingerprint %s", fingerprint);
	assert_int_equal(harness_run(&h, cmd_trust, "", args), CLI_DONE);
	harness_contains(h.out, "hq: the X25519 key with this fingerprint is verified: ");
	assert_int_equal(harness_run(&h, cmd_trust, "",
				 "trust branch --fingerprint 7q2m01xk000000000000000000000000"),
		CLI_DONE);
	assert_string_equal(h.out,
		"branch: the key with this fingerprint is verified as soon as it comes, "
		"if within 168 hours: 7Q2M-01XK-0000-0000-0000-0000-0000-0000\n");
	assert_int_equal(
		harness_run(&h, cmd_trust, "", "trust branch --fingerprint 7Q2M"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: --fingerprint: that is not a whole fingerprint: it has 32 "
		"letters and digits, in eight groups of four\n");
	assert_int_equal(harness_run(&h, cmd_trust, "", "trust hq"), CLI_USAGE);
	assert_string_equal(h.err,
		"secureconn: trust: either --key FILE or --fingerprint F is needed; see: "
		"secureconn trust --help\n");
	assert_int_equal(
		harness_run(&h, cmd_trust, "", "trust hq --key f --fingerprint F"), CLI_USAGE);
	assert_int_equal(harness_run(&h, cmd_trust, "", "trust other --fingerprint F"), CLI_FAILED);
	harness_contains(h.err, "there is no [peer other] in DIR/x.ini");
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_fingerprint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
