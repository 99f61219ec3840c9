/* Tests crypto/elgamal.c and oaep.c against libgcrypt: the same key pairs, encodings and
   ciphertexts by other code. */
#include "unit.h"

#include <gcrypt.h>

#include "crypto/asym.h"
#include "crypto/elgamal_groups.h"
#include "crypto/oaep.h"

static const struct elgamal_group *const groups[] = {&elgamal_group_1024, &elgamal_group_2048,
	&elgamal_group_3072, &elgamal_group_4096};

static int
setup(void **state)
{
	(void)state;
	asym_setup();
	if (!gcry_check_version("1.10.0"))
		return -1;
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return 0;
}

static gcry_mpi_t
from_bytes(const uint8_t *bytes, size_t n)
{
	gcry_mpi_t a;
	assert_int_equal(gcry_mpi_scan(&a, GCRYMPI_FMT_USG, bytes, n, NULL), 0);
	return a;
}

static gcry_mpi_t
from_hex(const char *hex)
{
	gcry_mpi_t a;
	assert_int_equal(gcry_mpi_scan(&a, GCRYMPI_FMT_HEX, hex, 0, NULL), 0);
	return a;
}

static void
to_bytes(uint8_t *out, size_t k, gcry_mpi_t a)
{
	size_t n;
	uint8_t bytes[ASYM_PUBLIC_MAX];
	assert_int_equal(gcry_mpi_print(GCRYMPI_FMT_USG, bytes, sizeof(bytes), &n, a), 0);
	assert_true(n <= k);
	memset(out, 0, k - n);
	memcpy(out + k - n, bytes, n);
}

/* libgcrypt's OAEP, by way of RSA with the exponent 1: what it "encrypts" to is the encoding
   itself. The modulus is any number of k bytes. */
static void
gcrypt_oaep(uint8_t *em, size_t k, const char *p_hex, struct span label, struct span m,
	const uint8_t *seed)
{
	gcry_sexp_t data, key, result;
	gcry_mpi_t n = from_hex(p_hex), value;

	assert_int_equal(gcry_sexp_build(&key, NULL, "(public-key(rsa(n %m)(e #01#)))", n), 0);
	assert_int_equal(gcry_sexp_build(&data, NULL,
		"(data(flags oaep)(hash-algo sha256)(label %b)(random-override %b)(value %b))",
		(int)label.size, label.data, OAEP_SEED_SIZE, seed, (int)m.size, m.data), 0);
	assert_int_equal(gcry_pk_encrypt(&result, data, key), 0);
	assert_int_equal(gcry_sexp_extract_param(result, NULL, "a", &value, NULL), 0);
	to_bytes(em, k, value);
	gcry_mpi_release(value);
	gcry_mpi_release(n);
	gcry_sexp_release(data);
	gcry_sexp_release(key);
	gcry_sexp_release(result);
}

static void
test_oaep(void **state)
{
	struct seeded_random r;
	(void)state;
	seeded_random_init(&r, 1);
	for (size_t i = 0; i < 60; i++) {
		const struct elgamal_group *group = groups[i % ARRAY_SIZE(groups)];
		uint8_t label[300], m[64], seed[OAEP_SEED_SIZE], right[512], em[512];
		size_t k = group->bits / 8, label_size = 1 + seeded_random_below(&r, sizeof(label));
		struct span message = {m, 1 + seeded_random_below(&r, 62)};
		random_fill(&r.source, label, label_size);
		random_fill(&r.source, m, sizeof(m));
		random_fill(&r.source, seed, sizeof(seed));
		gcrypt_oaep(right, k, group->p, (struct span){label, label_size}, message, seed);
		size_t cut = seeded_random_below(&r, label_size);
		const struct span parts[] = {{label, cut}, {label + cut, label_size - cut}};
		const struct oaep_label whole = {parts, 2};
		assert_int_equal(oaep_encode(em, k, whole, message, seed), 0);
		assert_memory_equal(em, right, k);
		uint8_t opened[64];
		assert_int_equal(oaep_decode(right, k, whole, opened, message.size), 0);
		assert_memory_equal(opened, m, message.size);
	}
}

static const struct asym_impl *
impl_of(const struct elgamal_group *group)
{
	char name[32];
	snprintf(name, sizeof(name), "ElGamal %zu", group->bits);
	return asym_find(name);
}

static void
test_derive(void **state)
{
	struct seeded_random r;
	(void)state;
	seeded_random_init(&r, 2);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		const struct asym_impl *impl = impl_of(groups[i]);
		uint8_t x[ASYM_PRIVATE_MAX], y[512], right[512];
		gcry_mpi_t p = from_hex(groups[i]->p), two = gcry_mpi_set_ui(NULL, 2);
		gcry_mpi_t power = gcry_mpi_new(0);
		assert_int_equal(impl->generate(impl, &r.source, x, y), 0);
		gcry_mpi_t exponent = from_bytes(x, impl->algorithm->private_size);
		gcry_mpi_powm(power, two, exponent, p);
		to_bytes(right, impl->algorithm->public_size, power);
		assert_memory_equal(y, right, impl->algorithm->public_size);
		gcry_mpi_release(p);
		gcry_mpi_release(two);
		gcry_mpi_release(power);
		gcry_mpi_release(exponent);
	}
}

enum first { IN_GROUP, NEGATED }; /* c1 = 2^r, as it has to be; c1 = p - 2^r, no residue */

/* c2 = EM * y^r or its negative, whichever is a residue by Euler's criterion. */
static void
gcrypt_encrypt(uint8_t *ciphertext, const struct elgamal_group *group, const uint8_t *public_key,
	const uint8_t *script, struct span m, enum first first)
{
	size_t k = group->bits / 8, b = group->exponent_bits / 8;
	uint8_t label[1024] = "label";
	uint8_t em[512];
	gcry_mpi_t p = from_hex(group->p), r = from_bytes(script, b), y = from_bytes(public_key, k);
	gcry_mpi_t a = gcry_mpi_set_ui(NULL, 2), q = gcry_mpi_new(0), symbol = gcry_mpi_new(0);

	gcry_mpi_powm(a, a, r, p);
	if (first == NEGATED)
		gcry_mpi_sub(a, p, a);
	to_bytes(ciphertext, k, a);
	memcpy(label + 5, ciphertext, k);
	gcrypt_oaep(em, k, group->p, (struct span){label, 5 + k}, m, script + b);
	gcry_mpi_t number = from_bytes(em, k);
	gcry_mpi_rshift(q, p, 1);
	gcry_mpi_powm(symbol, number, q, p);
	if (gcry_mpi_cmp_ui(symbol, 1) != 0)
		gcry_mpi_sub(number, p, number);
	gcry_mpi_powm(y, y, r, p);
	gcry_mpi_mulm(number, number, y, p);
	to_bytes(ciphertext + k, k, number);
	gcry_mpi_t all[] = {p, r, y, a, q, symbol, number};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		gcry_mpi_release(all[i]);
}

static void
test_encrypt(void **state)
{
	const struct span label[2] = {{(const uint8_t *)"la", 2}, {(const uint8_t *)"bel", 3}};
	struct seeded_random random;
	(void)state;
	seeded_random_init(&random, 3);
	for (size_t i = 0; i < 8; i++) { /* both signs of M come up */
		const struct elgamal_group *group = groups[i / 2];
		const struct asym_impl *impl = impl_of(group);
		uint8_t x[ASYM_PRIVATE_MAX], y[512], script[64 + OAEP_SEED_SIZE], m[62], opened[62];
		uint8_t ciphertext[1024], right[1024];
		struct span message = {m, 1 + seeded_random_below(&random, sizeof(m))};
		struct scripted_random scripted;
		assert_int_equal(impl->generate(impl, &random.source, x, y), 0);
		random_fill(&random.source, script, sizeof(script));
		random_fill(&random.source, m, sizeof(m));
		gcrypt_encrypt(right, group, y, script, message, IN_GROUP);
		scripted_random_init(&scripted, script, sizeof(script));
		assert_int_equal(
			impl->encrypt(impl, &scripted.source, y, label, message, ciphertext), 0);
		assert_memory_equal(ciphertext, right, 2 * group->bits / 8);
		assert_int_equal(impl->decrypt(impl, &random.source, x, label,
			(struct span){right, 2 * group->bits / 8}, opened, message.size), 0);
		assert_memory_equal(opened, m, message.size);
	}
}

/* With p - 2^r for c1, also in the label, all is as with 2^r where x is even, and nothing is right
   where it is odd: whoever sees which one it is knows a bit of x. So it never opens. */
static void
test_a_first_number_outside_the_group(void **state)
{
	const struct span label[2] = {{(const uint8_t *)"la", 2}, {(const uint8_t *)"bel", 3}};
	const struct span message = {(const uint8_t *)"a session key", 13};
	const struct elgamal_group *group = &elgamal_group_2048;
	const struct asym_impl *impl = impl_of(group);
	const size_t size = impl->algorithm->private_size;
	struct seeded_random random;
	uint8_t x[ASYM_PRIVATE_MAX], y[512], script[64 + OAEP_SEED_SIZE], opened[62];
	uint8_t ciphertext[512];
	(void)state;
	seeded_random_init(&random, 4);
	do
		assert_int_equal(impl->generate(impl, &random.source, x, y), 0);
	while (x[size - 1] & 1);
	random_fill(&random.source, script, sizeof(script));
	for (enum first first = IN_GROUP; first <= NEGATED; first++) {
		gcrypt_encrypt(ciphertext, group, y, script, message, first);
		assert_int_equal(impl->decrypt(impl, &random.source, x, label,
			(struct span){ciphertext, sizeof(ciphertext)}, opened, message.size),
			first == IN_GROUP ? 0 : -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oaep),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_encrypt),
		cmocka_unit_test(test_a_first_number_outside_the_group),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
