/* Tests cli/key.c. */
#include "harness.h"

#include <json.h>

#define CONFIG "[node]\nname = n\nstate = s\nasymmetric = X25519\n"

static void
test_show(void **state)
{
	struct harness h;
	char expected[512];
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	struct keyring *ring = harness_ring(&h, "s");
	const struct key_pair *pair = keyring_own(ring, asym_find("X25519"));
	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = ElGamal 4096, X25519\n");
	assert_int_equal(harness_run(&h, cmd_key, "", "key"), CLI_DONE);
	snprintf(expected, sizeof(expected),
		"Keys of this node (n), in DIR/s:\n\n  X25519        %s  since 2",
		pair->fingerprint);
	harness_contains(h.out, expected);
	harness_contains(
		h.out, "  ElGamal 4096  none yet; make it with: secureconn -c DIR/x.ini init\n");

	assert_int_equal(harness_run(&h, cmd_key, "", "key --json"), CLI_DONE);
	struct json_object *top = json_tokener_parse(h.out);
	assert_non_null(top);
	assert_string_equal(json_object_get_string(json_object_object_get(top, "node")), "n");
	struct json_object *keys = json_object_object_get(top, "keys");
	assert_int_equal(json_object_array_length(keys), 1);
	struct json_object *key = json_object_array_get_idx(keys, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(key, "fingerprint")),
		pair->fingerprint);
	assert_string_equal(
		json_object_get_string(json_object_object_get(key, "algorithm")), "X25519");
	json_object_put(top);
	keyring_free(ring);
	harness_fini(&h);
}

static void
test_export(void **state)
{
	struct harness h;
	const struct asym_impl *asym;
	uint8_t public_key[ASYM_PUBLIC_MAX];
	struct errmsg err;
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	struct keyring *ring = harness_ring(&h, "s");
	const struct key_pair *pair = keyring_own(ring, asym_find("X25519"));
	char private_hex[2 * 32 + 1];
	hex_encode(private_hex, pair->private_key, 32);
	for (int named = 0; named < 2; named++) {
		assert_int_equal(
			harness_run(&h, cmd_key, "", named ? "key export X25519" : "key export"),
			CLI_DONE);
		assert_int_equal(
			key_file_parse(h.out, strlen(h.out), &asym, public_key, &err), SC_OK);
		assert_memory_equal(public_key, pair->public_key, 32);
		assert_null(strstr(h.out, private_hex));
	}
	keyring_free(ring);
	assert_int_equal(harness_run(&h, cmd_key, "", "key export X448"), CLI_USAGE);
	harness_contains(h.err, "key export: \"X448\" is not known");
	assert_int_equal(harness_run(&h, cmd_key, "", "key turn"), CLI_USAGE);
	assert_string_equal(h.err,
		"secureconn: key: there is no \"key turn\"; there are: key export, key rotate\n");
	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = ElGamal 2048\n");
	assert_int_equal(harness_run(&h, cmd_key, "", "key export"), CLI_FAILED);
	assert_string_equal(h.err,
		"secureconn: this node has no ElGamal 2048 key; name it at "
		"`asymmetric` in DIR/x.ini and run `secureconn -c DIR/x.ini init`\n");
	harness_fini(&h);
}

/* What would be left aside is refused. */
static void
test_wrong_use(void **state)
{
	static const struct {
		const char *args, *what;
	} cases[] = {
		{"key rotate x", "rotate takes only options"},
		{"key --now", "that option belongs to `key rotate`"},
		{"key export --asymmetric X25519", "that option belongs to `key rotate`"},
		{"key --identity other", "--identity belongs to `key export` and `key rotate`"},
		{"key rotate --now --finish", "only one of --status, --finish and --now"},
		{"key rotate --status --identity other", "rotate --status shows all keys"},
		{"key rotate --status --asymmetric X25519", "rotate --status shows all keys"},
		{"key rotate --json", "key rotate: there is no --json of it"},
		{"key export --json", "key export: there is no --json of it"},
	};
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h, CONFIG);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(harness_run(&h, cmd_key, "", cases[i].args), CLI_USAGE);
		harness_contains(h.err, cases[i].what);
	}
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_wrong_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
