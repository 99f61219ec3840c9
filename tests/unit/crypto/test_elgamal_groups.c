/* Tests crypto/elgamal_groups.c against groups.ini, and that each p is a safe prime. */
#include "unit.h"

#include <gmp.h>

#include "crypto/elgamal_groups.h"
#include "crypto/hash.h"

static const struct elgamal_group *const groups[] = {&elgamal_group_1024, &elgamal_group_2048,
	&elgamal_group_3072, &elgamal_group_4096, &elgamal_group_6144, &elgamal_group_8192};

static void
test_vectors(void **state)
{
	struct vectors *v = vectors_open("groups.ini");
	const struct vector_section *s;
	size_t i;
	(void)state;
	for (i = 0; (s = vectors_section(v, i)); i++) {
		uint8_t p[1024], digest[HASH_SIZE];
		char name[32];
		size_t size;
		assert_true(i < ARRAY_SIZE(groups));
		snprintf(name, sizeof(name), "ElGamal %zu", groups[i]->bits);
		assert_string_equal(vector_name(s), name);
		assert_string_equal(vector_text(s, "p"), groups[i]->p);
		assert_int_equal(vector_number(s, "exponent_bits"), groups[i]->exponent_bits);
		assert_int_equal(hex_decode(p, groups[i]->bits / 8, groups[i]->p,
			strlen(groups[i]->p)), 0);
		const struct span whole = {p, groups[i]->bits / 8};
		hash_parts(digest, &whole, 1);
		assert_memory_equal(digest, vector_bytes(s, "sha256", &size), HASH_SIZE);
	}
	assert_int_equal(i, ARRAY_SIZE(groups));
	vectors_close(v);
}

/* What the arithmetic rests on. One round of Miller-Rabin is enough to notice a wrong digit. */
static void
test_safe_primes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		mpz_t p, q, two;
		mpz_init_set_str(p, groups[i]->p, 16);
		mpz_init_set_ui(two, 2);
		mpz_init(q);
		mpz_fdiv_q_2exp(q, p, 1);
		assert_int_equal(mpz_sizeinbase(p, 2), groups[i]->bits);
		assert_int_equal(groups[i]->bits % 64, 0);
		assert_int_equal(mpz_fdiv_ui(p, 8), 7); /* -1 is no residue, 2 is one */
		assert_int_equal(mpz_jacobi(two, p), 1);
		assert_memory_equal(groups[i]->p, "ffffffffffffffff", 16);
		if (groups[i]->bits <= 4096) { /* the larger ones take seconds */
			assert_int_not_equal(mpz_probab_prime_p(p, 1), 0);
			assert_int_not_equal(mpz_probab_prime_p(q, 1), 0);
		}
		mpz_clear(p);
		mpz_clear(q);
		mpz_clear(two);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_safe_primes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
