/* Tests crypto/x25519.c: agreement with RFC 7748's numbers, and what is no valid public key.
   Encryption is in test_asym.c. */
#include "unit.h"

#include "crypto/asym.h"

static const uint8_t base[X25519_SIZE] = {9};
static const char base_times_9[] =
	"422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079";

static void
assert_bytes(const uint8_t *bytes, const char *hex)
{
	uint8_t right[X25519_SIZE];
	assert_int_equal(hex_decode(right, X25519_SIZE, hex, strlen(hex)), 0);
	assert_memory_equal(bytes, right, X25519_SIZE);
}

/* RFC 7748 section 5.2: k, u <- X25519(k, u), k, again and again. */
static void
test_rfc7748(void **state)
{
	uint8_t k[X25519_SIZE], u[X25519_SIZE], result[X25519_SIZE];
	(void)state;
	memcpy(k, base, sizeof(k));
	memcpy(u, base, sizeof(u));
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(x25519_shared(result, k, u), 0);
		memcpy(u, k, sizeof(u));
		memcpy(k, result, sizeof(k));
		if (i == 0)
			assert_bytes(k, base_times_9);
	}
	assert_bytes(k, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static void
test_both_agree(void **state)
{
	struct seeded_random r;
	uint8_t x[2][X25519_SIZE], y[2][X25519_SIZE], z[2][X25519_SIZE], derived[X25519_SIZE];
	(void)state;
	seeded_random_init(&r, 1);
	for (size_t i = 0; i < 20; i++) {
		x25519_generate(&r.source, x[0], y[0]);
		x25519_generate(&r.source, x[1], y[1]);
		assert_int_equal(x25519_shared(z[0], x[0], y[1]), 0);
		assert_int_equal(x25519_shared(z[1], x[1], y[0]), 0);
		assert_memory_equal(z[0], z[1], X25519_SIZE);
		assert_int_equal(x25519_shared(derived, x[0], base), 0);
		assert_memory_equal(derived, y[0], X25519_SIZE);
	}
}

static void
test_generate_draws_the_private_key(void **state)
{
	uint8_t script[X25519_SIZE], private_key[X25519_SIZE], public_key[X25519_SIZE];
	struct scripted_random r;
	(void)state;
	memcpy(script, base, sizeof(script));
	scripted_random_init(&r, script, sizeof(script));
	x25519_generate(&r.source, private_key, public_key);
	assert_memory_equal(private_key, script, X25519_SIZE);
	assert_int_equal(r.used, X25519_SIZE);
	assert_bytes(public_key, base_times_9);
}

/* Points of small order give zero: refused, and nothing is left in shared. */
static void
test_small_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	static const uint8_t zero[X25519_SIZE];
	const struct asym_impl *impl = asym_find("X25519");
	uint8_t u[X25519_SIZE], shared[X25519_SIZE];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		assert_int_equal(hex_decode(u, sizeof(u), points[i], strlen(points[i])), 0);
		memset(shared, 0xee, sizeof(shared));
		assert_int_equal(x25519_shared(shared, base, u), -1);
		assert_memory_equal(shared, zero, sizeof(zero));
		assert_int_equal(impl->check_public(impl, u), -1);
	}
}

/* 2^255 - 19 and above have a second encoding of a smaller u: one key, one fingerprint. */
static void
test_canonical(void **state)
{
	const struct asym_impl *impl = asym_find("X25519");
	uint8_t u[X25519_SIZE];
	(void)state;
	for (unsigned low = 0xe0; low <= 0xff; low++) {
		memset(u, 0xff, sizeof(u));
		u[0] = (uint8_t)low;
		u[31] = 0x7f;
		/* 0xec is -1, of small order. */
		assert_int_equal(impl->check_public(impl, u), low < 0xec ? 0 : -1);
		u[15] = 0xfe;
		assert_int_equal(impl->check_public(impl, u), 0);
		u[31] = 0xff;
		assert_int_equal(impl->check_public(impl, u), -1);
	}
	memcpy(u, base, sizeof(u));
	assert_int_equal(impl->check_public(impl, u), 0);
	u[31] = 0x80;
	assert_int_equal(impl->check_public(impl, u), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7748),
		cmocka_unit_test(test_both_agree),
		cmocka_unit_test(test_generate_draws_the_private_key),
		cmocka_unit_test(test_small_order),
		cmocka_unit_test(test_canonical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
