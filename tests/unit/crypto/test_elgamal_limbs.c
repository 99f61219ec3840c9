/* Tests crypto/elgamal_limbs.c against GMP's plain functions on random numbers and at the edges. */
#include "unit.h"

#include <gmp.h>

#include "crypto/elgamal_limbs.h"

#define ROUNDS 40

static const struct elgamal_group *const groups[] = {&elgamal_group_1024, &elgamal_group_2048,
	&elgamal_group_3072};

struct fixture {
	struct modulus m;
	mpz_t p, q, a, b, right;
	struct number x, y;
	struct seeded_random random;
};

static void
fixture_init(struct fixture *f, const struct elgamal_group *group)
{
	assert_int_equal(modulus_init(&f->m, group), 0);
	mpz_init_set_str(f->p, group->p, 16);
	mpz_inits(f->q, f->a, f->b, f->right, NULL);
	mpz_fdiv_q_2exp(f->q, f->p, 1);
	seeded_random_init(&f->random, group->bits);
}

static void
fixture_fini(struct fixture *f)
{
	mpz_clears(f->p, f->q, f->a, f->b, f->right, NULL);
	modulus_fini(&f->m);
}

static void
to_number(const struct fixture *f, struct number *r, const mpz_t z)
{
	uint8_t bytes[1024] = {0};
	size_t n = (mpz_sizeinbase(z, 2) + 7) / 8;
	memset(r, 0xa5, sizeof(*r)); /* what is not written shows */
	if (mpz_sgn(z) != 0)
		mpz_export(bytes + f->m.size - n, NULL, 1, 1, 1, 0, z);
	number_read(r, &f->m, bytes, f->m.size);
}

static void
assert_number(const struct fixture *f, const struct number *x, const mpz_t right)
{
	uint8_t bytes[1024];
	mpz_t got;
	number_write(bytes, &f->m, x);
	mpz_init(got);
	mpz_import(got, f->m.size, 1, 1, 1, 0, bytes);
	assert_int_equal(mpz_cmp(got, right), 0);
	mpz_clear(got);
}

/* In [1, p): the edges first, then random ones of any length. */
static void
pick(struct fixture *f, mpz_t z, size_t round)
{
	uint8_t bytes[1024];
	switch (round) {
	case 0:
		mpz_set_ui(z, 1);
		return;
	case 1:
		mpz_sub_ui(z, f->p, 1);
		return;
	case 2:
		mpz_set(z, f->q);
		return;
	case 3:
		mpz_add_ui(z, f->q, 1);
		return;
	case 4:
		mpz_ui_pow_ui(z, 2, 64);
		return;
	default:
		random_fill(&f->random.source, bytes, f->m.size);
		size_t n = round % 2 ? f->m.size : 1 + seeded_random_below(&f->random, f->m.size);
		mpz_import(z, n, 1, 1, 1, 0, bytes);
		mpz_mod(z, z, f->p);
		if (mpz_sgn(z) == 0)
			mpz_set_ui(z, 3);
	}
}

static void
check_round(struct fixture *f, size_t round)
{
	pick(f, f->a, round);
	pick(f, f->b, round == 0 ? 1 : seeded_random_below(&f->random, 10));
	to_number(f, &f->x, f->a);
	to_number(f, &f->y, f->b);
	assert_number(f, &f->x, f->a);

	bool residue = mpz_legendre(f->a, f->p) == 1;
	assert_int_equal(number_is_residue(&f->m, &f->x), residue);
	assert_int_equal(number_in_group(&f->m, &f->x), residue && mpz_cmp_ui(f->a, 1) != 0);

	struct number r;
	mpz_sub(f->right, f->p, f->a);
	number_negate(&r, &f->m, &f->x);
	assert_number(f, &r, f->right);
	if (mpz_cmp(f->a, f->right) < 0)
		mpz_set(f->right, f->a);
	number_smaller(&r, &f->m, &f->x);
	assert_number(f, &r, f->right);

	mpz_mul(f->right, f->a, f->b);
	mpz_mod(f->right, f->right, f->p);
	number_multiply(&r, &f->m, &f->x, &f->y);
	assert_number(f, &r, f->right);

	mpz_invert(f->right, f->a, f->p);
	number_invert(&r, &f->m, &f->x, &f->y);
	assert_number(f, &r, f->right);

	mpz_fdiv_q_2exp(f->b, f->b, (mp_bitcnt_t)(8 * f->m.size - 70)); /* a short exponent */
	mpz_add_ui(f->b, f->b, 1);
	to_number(f, &f->y, f->b);
	mpz_powm(f->right, f->a, f->b, f->p);
	number_power(&r, &f->m, &f->x, &f->y);
	assert_number(f, &r, f->right);
}

static void
test_arithmetic(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct fixture f;
		fixture_init(&f, groups[i]);
		for (size_t round = 0; round < ROUNDS; round++)
			check_round(&f, round);
		fixture_fini(&f);
	}
}

/* The result in the place of an argument. */
static void
test_in_place(void **state)
{
	struct fixture f;
	(void)state;
	fixture_init(&f, groups[0]);
	pick(&f, f.a, 5);
	to_number(&f, &f.x, f.a);
	f.y = f.x;
	number_multiply(&f.x, &f.m, &f.x, &f.x);
	mpz_powm_ui(f.right, f.a, 2, f.p);
	assert_number(&f, &f.x, f.right);
	number_invert(&f.x, &f.m, &f.x, &f.y);
	mpz_invert(f.right, f.right, f.p);
	assert_number(&f, &f.x, f.right);
	number_negate(&f.x, &f.m, &f.x);
	mpz_sub(f.right, f.p, f.right);
	assert_number(&f, &f.x, f.right);
	number_power(&f.x, &f.m, &f.x, &f.y);
	mpz_powm(f.right, f.right, f.a, f.p);
	assert_number(&f, &f.x, f.right);
	fixture_fini(&f);
}

static void
test_not_in_group(void **state)
{
	struct fixture f;
	(void)state;
	fixture_init(&f, groups[0]);
	for (unsigned long i = 0; i < 3; i++) { /* 0, 1; p, p + 1, and p - 1 */
		mpz_set_ui(f.a, i);
		to_number(&f, &f.x, f.a);
		assert_int_equal(number_in_group(&f.m, &f.x), i == 2);
		mpz_add_ui(f.a, f.p, i);
		mpz_sub_ui(f.a, f.a, 1);
		to_number(&f, &f.x, f.a);
		assert_false(number_in_group(&f.m, &f.x));
	}
	mpz_add_ui(f.a, f.p, 4); /* congruent to a residue */
	to_number(&f, &f.x, f.a);
	assert_false(number_in_group(&f.m, &f.x));
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_not_in_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
