/* Tests cli/settings.c. */
#include "harness.h"

#include "base/log.h"

static enum sc_error
check(const char *text, struct settings *settings, struct errmsg *err)
{
	struct harness h;
	struct config *config;

	harness_init(&h);
	harness_config(&h, text);
	if (config_load(&config, h.config_path, err) != SC_OK)
		fail_msg("%s", err->text);
	err->text[0] = '\0';
	enum sc_error error = settings_check(settings, config, err);
	harness_hide_folder(&h, err->text);
	config_free(config);
	harness_fini(&h);
	return error;
}

static void
test_defaults(void **state)
{
	struct settings s;
	struct errmsg err;
	(void)state;

	assert_int_equal(check("[node]\nname = n\n", &s, &err), SC_OK);
	assert_int_equal(s.n_asym, 1);
	assert_string_equal(s.asym[0]->algorithm->name, "ElGamal 3072");
	assert_int_equal(s.n_bulk, 4);
	assert_string_equal(s.bulk[0]->algorithm->name, "AES 256");
	assert_string_equal(s.bulk[3]->algorithm->name, "CAST-128");
}

static void
test_order_and_last_resort(void **state)
{
	struct settings s;
	struct errmsg err;
	(void)state;

	assert_int_equal(check("[node]\nname = n\nsymmetric = ChaCha20-Poly1305, AES 128\n"
			       "asymmetric = X25519, ElGamal 2048\nimplementations = nettle\n",
				 &s, &err),
		SC_OK);
	assert_int_equal(s.n_bulk, 3);
	assert_string_equal(s.bulk[0]->algorithm->name, "ChaCha20-Poly1305");
	assert_string_equal(s.bulk[2]->algorithm->name, "CAST-128");
	for (size_t i = 0; i < s.n_bulk; i++)
		assert_string_equal(s.bulk[i]->name, "nettle");
	assert_int_equal(s.n_asym, 2);
	assert_string_equal(s.asym[0]->algorithm->name, "X25519");
	assert_int_equal(
		check("[node]\nname = n\nsymmetric = CAST-128, AES 128\n", &s, &err), SC_OK);
	assert_int_equal(s.n_bulk, 2);
	assert_string_equal(s.bulk[0]->algorithm->name, "CAST-128");
}

/* A node without the library that another one has may share its configuration. */
static void
test_a_cipher_that_nobody_computes_is_left_out(void **state)
{
	struct settings s;
	struct errmsg err;
	(void)state;

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, 2);
	assert_int_equal(check("[node]\nname = n\nimplementations = nettle\n"
			       "symmetric = AES 256 OCB, AES 128\n", &s, &err), SC_OK);
	assert_int_equal(s.n_bulk, 2);
	assert_string_equal(s.bulk[0]->algorithm->name, "AES 128");
	assert_string_equal(s.bulk[1]->algorithm->name, "CAST-128");
}

static void
test_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"[node]\nname = n\nasymmetric = ElGamal 3027\n",
			"DIR/x.ini:3: [node] asymmetric: \"ElGamal 3027\" is not known; did you "
			"mean "
			"\"ElGamal 3072\"?"},
		{"[node]\nname = n\nasymmetric = X25519,\n  ElGamal 1024\n",
			"DIR/x.ini:3: [node] asymmetric: \"ElGamal 1024\" is weak; use ElGamal "
			"3072, or "
			"say allow_weak = yes in [node] if a peer knows nothing else"},
		{"[node]\nname = n\nsymmetric = AES256\n",
			"DIR/x.ini:3: [node] symmetric: \"AES256\" is not known; did you mean "
			"\"AES 256\"?"},
		{"[node]\nname = n\nsymmetric = DES\n",
			"DIR/x.ini:3: [node] symmetric: \"DES\" is not known; there are AES 256, "
			"AES 128, "
			"ChaCha20-Poly1305, CAST-128, AES 256 OCB, AES 128 OCB"},
		{"[node]\nname = n\nimplementations = netle\n",
			"DIR/x.ini:3: [node] implementations: \"netle\" is not known; did you mean "
			"\"nettle\"?"},
	};
	struct settings s;
	struct errmsg err;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(check(bad[i].text, &s, &err), SC_ERR_INVALID);
		assert_string_equal(err.text, bad[i].message);
	}
	assert_int_equal(
		check("[node]\nname = n\nasymmetric = ElGamal 1024\nallow_weak = yes\n", &s, &err),
		SC_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_order_and_last_resort),
		cmocka_unit_test(test_a_cipher_that_nobody_computes_is_left_out),
		cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
