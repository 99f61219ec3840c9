/* Tests crypto/hash.c with the vectors of FIPS 180-2, RFC 4231 and RFC 5869. */
#include "unit.h"

#include "crypto/hash.h"

static void
assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char text[2 * 128 + 1];
	assert_true(n <= 128);
	hex_encode(text, bytes, n);
	assert_string_equal(text, hex);
}

static struct span
text_span(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
test_sha256(void **state)
{
	uint8_t digest[HASH_SIZE];
	(void)state;
	hash_parts(digest, NULL, 0);
	assert_hex(digest, HASH_SIZE,
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	const struct span parts[] = {text_span("a"), {NULL, 0}, text_span("bc")};
	hash_parts(digest, parts, 3);
	assert_hex(digest, HASH_SIZE, ABC);
}

static void
test_peek_goes_on(void **state)
{
	struct hash h;
	uint8_t digest[HASH_SIZE];
	(void)state;
	hash_init(&h);
	hash_update(&h, "a", 1);
	hash_peek(&h, digest);
	assert_hex(digest, HASH_SIZE,
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
	struct hash fork = h;
	hash_update(&fork, "x", 1);
	hash_update(&h, "bc", 2);
	hash_update(&h, NULL, 0);
	hash_peek(&h, digest);
	assert_hex(digest, HASH_SIZE, ABC);
}

/* RFC 4231 test cases 2 and 6: a short key, and one longer than a block. */
static void
test_hmac(void **state)
{
	uint8_t mac[HASH_SIZE], key[131];
	(void)state;
	const struct span parts[] = {text_span("what do ya want "), text_span("for nothing?")};
	hmac_parts(mac, text_span("Jefe"), parts, 2);
	assert_hex(mac, HASH_SIZE,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	const struct span text =
		text_span("Test Using Larger Than Block-Size Key - Hash Key First");
	hmac_parts(mac, (struct span){key, sizeof(key)}, &text, 1);
	assert_hex(mac, HASH_SIZE,
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 5869 test case 1, and everything in place. */
static void
test_hkdf(void **state)
{
	uint8_t ikm[22], salt[13], info[10], prk[HASH_SIZE], okm[42];
	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	for (uint8_t i = 0; i < sizeof(salt); i++)
		salt[i] = i;
	for (uint8_t i = 0; i < sizeof(info); i++)
		info[i] = (uint8_t)(0xf0 + i);
	const struct span parts[] = {{ikm, 5}, {ikm + 5, 17}};
	hkdf_extract(prk, salt, sizeof(salt), parts, 2);
	assert_hex(prk, HASH_SIZE,
		"077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
	hkdf_expand(okm, sizeof(okm), prk, info, sizeof(info));
	const char *right = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
			    "34007208d5b887185865";
	assert_hex(okm, sizeof(okm), right);
	const struct span infos[] = {{info, 3}, {info + 3, 7}};
	hkdf_expand_parts(okm, sizeof(okm), prk, infos, 2);
	assert_hex(okm, sizeof(okm), right);
	hkdf_expand(prk, HASH_SIZE, prk, info, sizeof(info));
	assert_memory_equal(prk, okm, HASH_SIZE);
}

/* RFC 5869 test case 3: no salt, no info. */
static void
test_hkdf_empty(void **state)
{
	uint8_t ikm[22], prk[HASH_SIZE], okm[42];
	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	const struct span part = {ikm, sizeof(ikm)};
	hkdf_extract(prk, "", 0, &part, 1);
	assert_hex(prk, HASH_SIZE,
		"19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
	hkdf_expand(okm, sizeof(okm), prk, NULL, 0);
	assert_hex(okm, sizeof(okm),
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
		"9d201395faa4b61a96c8");
}

/* prk in the place of the salt, as the ratchet and the renewal have it. */
static void
test_extract_in_place(void **state)
{
	uint8_t secret[HASH_SIZE], other[HASH_SIZE];
	(void)state;
	memset(secret, 0x5c, sizeof(secret));
	const struct span ikm = text_span("input keying material");
	hkdf_extract(other, secret, sizeof(secret), &ikm, 1);
	hkdf_extract(secret, secret, sizeof(secret), &ikm, 1);
	assert_memory_equal(secret, other, HASH_SIZE);
}

static void
test_equal(void **state)
{
	uint8_t a[40] = {0}, b[40] = {0};
	(void)state;
	assert_true(equal_constant_time(a, b, sizeof(a)));
	assert_true(equal_constant_time(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		assert_false(equal_constant_time(a, b, sizeof(a)));
		assert_true(equal_constant_time(a, b, i));
		b[i] = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_peek_goes_on),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_hkdf_empty),
		cmocka_unit_test(test_extract_in_place),
		cmocka_unit_test(test_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
