/* Tests cli/peers.c. */
#include "harness.h"

#include <json.h>

static const char *
field(struct json_object *list, size_t i, const char *name)
{
	return json_object_get_string(
		json_object_object_get(json_object_array_get_idx(list, i), name));
}

static void
test_list(void **state)
{
	struct harness h;
	char hq[FINGERPRINT_SIZE], on_hold[FINGERPRINT_SIZE], caller[FINGERPRINT_SIZE], input[64];
	(void)state;

	harness_init(&h);
	harness_config(&h,
		"[node]\nname = n\nstate = s\nasymmetric = X25519\n[peer hq]\naddress = hq:7400\n"
		"[peer branch]\n");
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	assert_int_equal(harness_run(&h, cmd_peers, "", "peers"), CLI_DONE);
	harness_contains(h.out, "PEER             STATE     ALGORITHM     FINGERPRINT ");
	harness_contains(h.out, "\nhq               no key ");
	harness_contains(h.out, "  hq:7400\n");

	memcpy(hq, harness_note(&h, "s", "hq", 1), sizeof(hq));
	snprintf(input, sizeof(input), "%s\n", hq);
	assert_int_equal(harness_run(&h, cmd_verify, input, "verify hq"), CLI_DONE);
	memcpy(on_hold, harness_note(&h, "s", "hq", 2), sizeof(on_hold));
	memcpy(caller, harness_note(&h, "s", NULL, 3), sizeof(caller));
	assert_int_equal(harness_run(&h, cmd_peers, "", "peers"), CLI_DONE);
	harness_contains(h.out, "\nhq               verified  X25519        ");
	harness_contains(h.out, hq);
	harness_contains(h.out, "\nhq               on hold   X25519        ask its operator ");
	harness_contains(h.out, "\n(a caller)       pending   X25519        ask its operator ");
	harness_contains(h.out, "\nbranch           no key\n");
	harness_contains(h.out, "A key that waits is not used before its operator has read its "
				"fingerprint to you: secureconn -c DIR/x.ini verify PEER\n");
	/* What the operators are to tell each other is not told here. */
	assert_null(strstr(h.out, on_hold));
	assert_null(strstr(h.out, caller));

	assert_int_equal(harness_run(&h, cmd_peers, "", "peers --json"), CLI_DONE);
	assert_null(strstr(h.out, on_hold));
	struct json_object *top = json_tokener_parse(h.out);
	struct json_object *list = json_object_object_get(top, "peers");
	assert_int_equal(json_object_array_length(list), 4);
	assert_string_equal(field(list, 0, "peer"), "hq");
	assert_string_equal(field(list, 0, "state"), "verified");
	assert_string_equal(field(list, 0, "fingerprint"), hq);
	assert_string_equal(field(list, 0, "source"), "203.0.113.5:7400");
	assert_null(field(list, 1, "peer"));
	assert_null(field(list, 1, "fingerprint"));
	assert_string_equal(field(list, 2, "state"), "on hold");
	assert_string_equal(field(list, 3, "peer"), "branch");
	assert_string_equal(field(list, 3, "state"), "no key");
	json_object_put(top);
	harness_fini(&h);
}

static void
test_none(void **state)
{
	struct harness h;
	(void)state;

	harness_init(&h);
	harness_config(&h, "[node]\nname = n\nstate = s\nasymmetric = X25519\n");
	assert_int_equal(harness_run(&h, cmd_peers, "", "peers"), CLI_FAILED);
	harness_contains(h.err, "DIR/s: there is no such folder");
	assert_int_equal(harness_run(&h, cmd_init, "", "init"), CLI_DONE);
	assert_int_equal(harness_run(&h, cmd_peers, "", "peers"), CLI_DONE);
	assert_string_equal(h.out, "No peers yet: add a [peer NAME] section to DIR/x.ini.\n");
	harness_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
