/* Tests crypto/asym.c, asym_self_test.c, and every implementation with asymmetric.ini and
   negative.ini. */
#include "unit.h"

#include "crypto/asym.h"
#include "crypto/hash.h"

static int
setup(void **state)
{
	(void)state;
	asym_setup();
	return 0;
}

static void
test_table(void **state)
{
	static const struct {
		const char *name;
		size_t public_size, private_size, ciphertext_size_of_32, message_max;
	} right[] = {
		{"ElGamal 3072", 384, 40, 768, 64},
		{"X25519", 32, 32, 80, 64},
		{"ElGamal 4096", 512, 48, 1024, 64},
		{"ElGamal 2048", 256, 32, 512, 64},
		{"ElGamal 6144", 768, 56, 1536, 64},
		{"ElGamal 8192", 1024, 64, 2048, 64},
		{"ElGamal 1024", 128, 24, 256, 62},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		const struct asym_impl *impl = asym_impls[i];
		assert_string_equal(impl->algorithm->name, right[i].name);
		assert_ptr_equal(asym_find(right[i].name), impl);
		assert_int_equal(impl->algorithm->public_size, right[i].public_size);
		assert_int_equal(impl->algorithm->private_size, right[i].private_size);
		assert_int_equal(impl->algorithm->message_max, right[i].message_max);
		assert_int_equal(asym_ciphertext_size(impl->algorithm, 32),
			right[i].ciphertext_size_of_32);
		assert_int_equal(impl->algorithm->weak, i == 6);
	}
	assert_null(asym_impls[ARRAY_SIZE(right)]);
	assert_null(asym_find("ElGamal 512"));
	assert_null(asym_find("x25519"));
	assert_int_equal(asym_ciphertext_size(asym_find("X25519")->algorithm, 64), 112);
}

/* The implementation for a section "ElGamal 2048 case 0". */
static const struct asym_impl *
section_impl(const struct vector_section *s, const char *rest)
{
	char name[32];
	size_t length = (size_t)(rest - vector_name(s));
	assert_true(length < sizeof(name));
	memcpy(name, vector_name(s), length);
	name[length] = '\0';
	const struct asym_impl *impl = asym_find(name);
	assert_non_null(impl);
	return impl;
}

/* L of protocol.md 5, in two parts. */
struct label {
	char prefix[32];
	uint8_t keys[2 * ASYM_PUBLIC_MAX];
	struct span parts[2];
};

static void
label_init(struct label *l, const struct vector_section *s, unsigned long index)
{
	size_t a_size, b_size;
	const uint8_t *a = vector_bytes(s, "sender_public", &a_size);
	const uint8_t *b = vector_bytes(s, "public", &b_size);

	l->parts[0].data = (const uint8_t *)l->prefix;
	l->parts[0].size = (size_t)snprintf(l->prefix, sizeof(l->prefix), "SecureConn SYM-KEY-%lu",
		index) + 1;
	assert_true(a_size + b_size <= sizeof(l->keys));
	memcpy(l->keys, a, a_size);
	memcpy(l->keys + a_size, b, b_size);
	l->parts[1] = (struct span){l->keys, a_size + b_size};
}

static void
check_encrypt(const struct asym_impl *impl, const struct vector_section *s, const struct label *l)
{
	uint8_t script[ASYM_PRIVATE_MAX + 32], ciphertext[ASYM_CIPHERTEXT_MAX];
	struct scripted_random random;
	size_t n, more = 0;
	bool elgamal = vector_text(s, "r") != NULL;
	const uint8_t *drawn = vector_bytes(s, elgamal ? "r" : "ephemeral", &n);

	memcpy(script, drawn, n);
	if (elgamal)
		memcpy(script + n, vector_bytes(s, "oaep_seed", &more), 32);
	scripted_random_init(&random, script, n + more);
	size_t public_size, size;
	struct span m;
	const uint8_t *public_key = vector_bytes(s, "public", &public_size);
	assert_int_equal(public_size, impl->algorithm->public_size);
	m.data = vector_bytes(s, "m", &m.size);
	assert_int_equal(
		impl->encrypt(impl, &random.source, public_key, l->parts, m, ciphertext), 0);
	assert_int_equal(random.used, random.size);
	const uint8_t *right = vector_bytes(s, "ciphertext", &size);
	assert_int_equal(size, asym_ciphertext_size(impl->algorithm, m.size));
	assert_memory_equal(ciphertext, right, size);
}

static void
check_case(const struct asym_impl *impl, const struct vector_section *s)
{
	uint8_t public_key[ASYM_PUBLIC_MAX], digest[HASH_SIZE], m[ASYM_MESSAGE_MAX];
	struct seeded_random random;
	struct label l;
	struct span ciphertext;
	size_t size, m_size;
	const uint8_t *private_key = vector_bytes(s, "private", &size);

	assert_int_equal(size, impl->algorithm->private_size);
	assert_int_equal(impl->derive(impl, private_key, public_key), 0);
	assert_memory_equal(public_key, vector_bytes(s, "public", &size),
		impl->algorithm->public_size);
	assert_int_equal(impl->check_public(impl, public_key), 0);
	label_init(&l, s, vector_number(s, "index"));
	hash_parts(digest, l.parts, 2);
	assert_memory_equal(digest, vector_bytes(s, "label_sha256", &size), HASH_SIZE);
	check_encrypt(impl, s, &l);

	const uint8_t *right = vector_bytes(s, "m", &m_size);
	ciphertext.data = vector_bytes(s, "ciphertext", &ciphertext.size);
	seeded_random_init(&random, 5);
	assert_int_equal(impl->decrypt(impl, &random.source, private_key, l.parts, ciphertext, m,
		m_size), 0);
	assert_memory_equal(m, right, m_size);
}

static void
check_public_section(const struct asym_impl *impl, const struct vector_section *s)
{
	size_t size;
	const uint8_t *key = vector_bytes(s, "public", &size);
	bool valid = strcmp(vector_text(s, "valid"), "yes") == 0;
	assert_int_equal(size, impl->algorithm->public_size);
	if ((impl->check_public(impl, key) == 0) != valid)
		fail_msg("[%s] valid is not %d", vector_name(s), valid);
}

static void
test_vectors(void **state)
{
	struct vectors *v = vectors_open("asymmetric.ini");
	const struct vector_section *s;
	size_t cases = 0, keys = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		const char *rest = strstr(vector_name(s), " case ");
		if (rest) {
			check_case(section_impl(s, rest), s);
			cases++;
			continue;
		}
		rest = strstr(vector_name(s), " invalid public");
		if (!rest)
			rest = strstr(vector_name(s), " valid public");
		assert_non_null(rest);
		check_public_section(section_impl(s, rest), s);
		keys++;
	}
	assert_int_equal(cases, 13);
	assert_int_equal(keys, 16);
	vectors_close(v);
}

static void
check_open(const struct asym_impl *impl, const struct vector_section *s)
{
	uint8_t m[ASYM_MESSAGE_MAX];
	struct seeded_random random;
	struct label l;
	struct span ciphertext;
	size_t size, m_size = vector_number(s, "m_length");
	bool opens = strcmp(vector_text(s, "opens"), "yes") == 0;

	label_init(&l, s, vector_number(s, "index"));
	ciphertext.data = vector_bytes(s, "ciphertext", &ciphertext.size);
	/* In memory of its own size, so that a read past its end is seen. */
	uint8_t *copy = malloc(ciphertext.size);
	assert_non_null(copy);
	memcpy(copy, ciphertext.data, ciphertext.size);
	ciphertext.data = copy;
	seeded_random_init(&random, 6);
	memset(m, 0xee, sizeof(m));
	int result = impl->decrypt(impl, &random.source, vector_bytes(s, "private", &size), l.parts,
		ciphertext, m, m_size);
	if ((result == 0) != opens)
		fail_msg("[%s] opens is not %d", vector_name(s), opens);
	for (size_t i = 0; !opens && i < sizeof(m); i++)
		assert_int_equal(m[i], i < m_size ? 0 : 0xee);
	free(copy);
}

static void
test_negative(void **state)
{
	struct vectors *v = vectors_open("negative.ini");
	const struct vector_section *s;
	size_t ciphertexts = 0, keys = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		const char *rest;
		if ((rest = strstr(vector_name(s), " ciphertext: "))) {
			check_open(section_impl(s, rest), s);
			ciphertexts++;
		} else if ((rest = strstr(vector_name(s), " public key: "))) {
			check_public_section(section_impl(s, rest), s);
			keys++;
		}
	}
	assert_int_equal(ciphertexts, 26);
	assert_int_equal(keys, 2);
	vectors_close(v);
}

/* Generated pairs, messages of every length, and one bit wrong anywhere. */
static void
round_trip(const struct asym_impl *impl)
{
	uint8_t x[ASYM_PRIVATE_MAX], y[ASYM_PUBLIC_MAX], c[ASYM_CIPHERTEXT_MAX];
	uint8_t m[ASYM_MESSAGE_MAX], opened[ASYM_MESSAGE_MAX];
	const struct span label[2] = {{(const uint8_t *)"round", 5}, {(const uint8_t *)"trip", 4}};
	struct seeded_random r;

	seeded_random_init(&r, 7);
	assert_int_equal(impl->generate(impl, &r.source, x, y), 0);
	assert_int_equal(impl->check_public(impl, y), 0);
	for (size_t n = 0; n <= impl->algorithm->message_max; n += n < 2 ? 1 : 15) {
		const struct span message = {m, n};
		struct span ciphertext = {c, asym_ciphertext_size(impl->algorithm, n)};
		random_fill(&r.source, m, sizeof(m));
		assert_int_equal(impl->encrypt(impl, &r.source, y, label, message, c), 0);
		memset(opened, 0, sizeof(opened));
		assert_int_equal(
			impl->decrypt(impl, &r.source, x, label, ciphertext, opened, n), 0);
		assert_memory_equal(opened, m, n);
		size_t at = seeded_random_below(&r, ciphertext.size);
		c[at] ^= (uint8_t)(1u << seeded_random_below(&r, 8));
		assert_int_equal(
			impl->decrypt(impl, &r.source, x, label, ciphertext, opened, n), -1);
	}
	const uint8_t longer[ASYM_MESSAGE_MAX + 1] = {0};
	const struct span too_long = {longer, impl->algorithm->message_max + 1};
	assert_int_equal(impl->encrypt(impl, &r.source, y, label, too_long, c), -1);
}

/* What was prepared with the same random bytes gives the same ciphertext, and is gone then; also
   where the message is too long. */
static void
test_prepared(void **state)
{
	const struct span label[2] = {{(const uint8_t *)"pre", 3}, {(const uint8_t *)"pared", 5}};
	const uint8_t longer[ASYM_MESSAGE_MAX + 1] = {0}, zero[ASYM_PREPARED_MAX] = {0};
	(void)state;
	for (size_t i = 0; asym_impls[i]; i++) {
		const struct asym_impl *impl = asym_impls[i];
		const struct span m = {longer, impl->algorithm->message_max};
		size_t size = impl->algorithm->prepared_size;
		uint8_t x[ASYM_PRIVATE_MAX], y[ASYM_PUBLIC_MAX], a[ASYM_CIPHERTEXT_MAX],
			b[ASYM_CIPHERTEXT_MAX], prepared[ASYM_PREPARED_MAX];
		struct seeded_random r;
		assert_true(size <= ASYM_PREPARED_MAX);
		assert_int_equal(impl->generate(impl, &random_system, x, y), 0);
		seeded_random_init(&r, 8);
		assert_int_equal(impl->encrypt(impl, &r.source, y, label, m, a), 0);
		seeded_random_init(&r, 8);
		assert_int_equal(impl->prepare(impl, &r.source, y, prepared), 0);
		assert_memory_not_equal(prepared + size - 16, zero, 16);
		assert_int_equal(
			impl->encrypt_prepared(impl, &r.source, prepared, label, m, b), 0);
		assert_memory_equal(a, b, asym_ciphertext_size(impl->algorithm, m.size));
		assert_memory_equal(prepared, zero, size);
		assert_int_equal(impl->prepare(impl, &r.source, y, prepared), 0);
		assert_int_equal(impl->encrypt_prepared(impl, &r.source, prepared, label,
			(struct span){longer, m.size + 1}, b), -1);
		assert_memory_equal(prepared, zero, size);
	}
}

static void
test_round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; asym_impls[i]; i++)
		round_trip(asym_impls[i]);
}

/* Two encryptions of one message have nothing in common. */
static void
test_fresh(void **state)
{
	const struct span label[2] = {{NULL, 0}, {NULL, 0}};
	const uint8_t bytes[32] = {0};
	const struct span m = {bytes, sizeof(bytes)};
	(void)state;
	for (size_t i = 0; asym_impls[i]; i++) {
		const struct asym_impl *impl = asym_impls[i];
		uint8_t x[ASYM_PRIVATE_MAX], y[ASYM_PUBLIC_MAX], a[ASYM_CIPHERTEXT_MAX],
			b[ASYM_CIPHERTEXT_MAX];
		assert_int_equal(impl->generate(impl, &random_system, x, y), 0);
		assert_int_equal(impl->encrypt(impl, &random_system, y, label, m, a), 0);
		assert_int_equal(impl->encrypt(impl, &random_system, y, label, m, b), 0);
		assert_memory_not_equal(a, b, 32);
		size_t half = asym_ciphertext_size(impl->algorithm, m.size) / 2;
		assert_memory_not_equal(a + half, b + half, 16);
	}
}

/* An exponent of 0 is drawn again, and refused where it is given. */
static void
test_zero_exponent(void **state)
{
	const struct asym_impl *impl = asym_find("ElGamal 2048");
	const struct span label[2] = {{NULL, 0}, {NULL, 0}};
	uint8_t script[3 * 32 + 32] = {0}, x[32], y[256], zero[32] = {0}, c[512], m[16] = {0};
	struct scripted_random r;
	(void)state;
	script[3 * 32 - 1] = 3;
	scripted_random_init(&r, script, sizeof(script));
	assert_int_equal(impl->generate(impl, &r.source, x, y), 0);
	assert_int_equal(r.used, 3 * 32);
	assert_int_equal(x[31], 3);
	assert_int_equal(y[255], 8); /* 2^3 */
	scripted_random_init(&r, script, sizeof(script));
	assert_int_equal(
		impl->encrypt(impl, &r.source, y, label, (struct span){m, sizeof(m)}, c), 0);
	assert_int_equal(r.used, sizeof(script));
	assert_int_equal(c[255], 8);
	assert_int_equal(impl->derive(impl, zero, y), -1);
	assert_int_equal(impl->decrypt(impl, &random_system, zero, label,
		(struct span){c, sizeof(c)}, m, sizeof(m)), -1);
}

/* Implementations that are right but for one thing. */
static int
decrypt_accepts_all(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *private_key, const struct span label[2], struct span ciphertext, uint8_t *m,
	size_t m_size)
{
	const struct asym_impl *right = asym_find("X25519");
	uint8_t copy[ASYM_CIPHERTEXT_MAX];
	(void)impl;
	memcpy(copy, ciphertext.data, ciphertext.size);
	for (unsigned flip = 0; flip < 2; flip++) {
		copy[ciphertext.size - 1] ^= (uint8_t)flip;
		if (right->decrypt(right, random, private_key, label,
			(struct span){copy, ciphertext.size}, m, m_size) == 0)
			break;
	}
	return 0;
}

static int
decrypt_nothing(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *private_key, const struct span label[2], struct span ciphertext, uint8_t *m,
	size_t m_size)
{
	(void)impl;
	(void)random;
	(void)private_key;
	(void)label;
	(void)ciphertext;
	memset(m, 0, m_size);
	return -1;
}

static int
refuse_public(const struct asym_impl *impl, const uint8_t *public_key)
{
	(void)impl;
	(void)public_key;
	return -1;
}

static int
encrypt_wrongly(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *public_key, const struct span label[2], struct span m, uint8_t *ciphertext)
{
	const struct asym_impl *right = asym_find("X25519");
	const struct span swapped[2] = {label[1], label[0]};
	(void)impl;
	return right->encrypt(right, random, public_key, swapped, m, ciphertext);
}

static void
test_self_test(void **state)
{
	struct asym_impl broken;
	(void)state;
	for (size_t i = 0; asym_impls[i]; i++)
		if (asym_self_test(asym_impls[i]) != 0)
			fail_msg("%s fails its self-test", asym_impls[i]->algorithm->name);
	broken = *asym_find("X25519");
	assert_int_equal(asym_self_test(&broken), 0);
	broken.decrypt = decrypt_accepts_all;
	assert_int_equal(asym_self_test(&broken), -1);
	broken.decrypt = decrypt_nothing;
	assert_int_equal(asym_self_test(&broken), -1);
	broken = *asym_find("X25519");
	broken.check_public = refuse_public;
	assert_int_equal(asym_self_test(&broken), -1);
	broken = *asym_find("X25519");
	broken.encrypt = encrypt_wrongly;
	assert_int_equal(asym_self_test(&broken), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_negative),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_prepared),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_zero_exponent),
		cmocka_unit_test(test_self_test),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
