/* Knows arithmetic modulo a prime on numbers of fixed length; knows nothing of keys. */
#include "crypto/elgamal_limbs.h"

#include <stdlib.h>
#include <string.h>

#include <gmp.h>

#include "base/util.h"

_Static_assert(_Generic((mp_limb_t)0, unsigned long : 1, default : 0), "GMP's limbs");
_Static_assert(_Generic((mp_size_t)0, long : 1, default : 0), "GMP's sizes");
_Static_assert(GMP_NUMB_BITS == LIMB_BITS, "numbers are read and written as whole limbs");

int
modulus_init(struct modulus *m, const struct elgamal_group *group)
{
	uint8_t bytes[LIMBS_MAX * sizeof(mp_limb_t)];

	m->n = (mp_size_t)(group->bits / LIMB_BITS);
	m->size = group->bits / 8;
	/* A product, and what the functions on it ask for. */
	mp_size_t multiply = mpn_sec_mul_itch(m->n, m->n);
	mp_size_t reduce = mpn_sec_div_r_itch(2 * m->n, m->n);
	mp_size_t scratch = 2 * m->n + (multiply > reduce ? multiply : reduce);
	m->scratch_size = (size_t)scratch * sizeof(mp_limb_t);
	m->scratch = malloc(m->scratch_size);
	if (!m->scratch || hex_decode(bytes, m->size, group->p, strlen(group->p)) != 0) {
		free(m->scratch);
		return -1;
	}
	number_read(&m->p, m, bytes, m->size);
	mpn_rshift(m->q.limb, m->p.limb, m->n, 1);
	return 0;
}

void
modulus_fini(struct modulus *m)
{
	wipe_free(m->scratch, m->scratch_size);
}

void
number_read(struct number *r, const struct modulus *m, const uint8_t *bytes, size_t size)
{
	memset(r->limb, 0, (size_t)m->n * sizeof(mp_limb_t));
	for (size_t i = 0; i < size; i++) {
		size_t shift = 8 * (i % sizeof(mp_limb_t));
		r->limb[i / sizeof(mp_limb_t)] |= (mp_limb_t)bytes[size - 1 - i] << shift;
	}
}

void
number_write(uint8_t *bytes, const struct modulus *m, const struct number *a)
{
	for (size_t i = 0; i < m->size; i++) {
		size_t shift = 8 * (i % sizeof(mp_limb_t));
		bytes[m->size - 1 - i] = (uint8_t)(a->limb[i / sizeof(mp_limb_t)] >> shift);
	}
}

/* a as an integer that GMP may read, as long as a lives and does not change. */
static void
number_view(mpz_t view, const struct modulus *m, const struct number *a)
{
	mpz_roinit_n(view, a->limb, m->n);
}

static void
number_copy_integer(struct number *r, const struct modulus *m, const mpz_t integer)
{
	for (mp_size_t i = 0; i < m->n; i++)
		r->limb[i] = mpz_getlimbn(integer, i); /* 0 past its end */
}

bool
number_is_residue(const struct modulus *m, const struct number *a)
{
	mpz_t x, p;

	number_view(x, m, a);
	number_view(p, m, &m->p);
	return mpz_jacobi(x, p) == 1; /* p is prime */
}

bool
number_in_group(const struct modulus *m, const struct number *a)
{
	mpz_t x, p;

	number_view(x, m, a);
	number_view(p, m, &m->p);
	/* p = 3 mod 4, so that p - 1 is no residue: only 1 has to be kept out. */
	return mpz_cmp_ui(x, 1) > 0 && mpz_cmp(x, p) < 0 && number_is_residue(m, a);
}

void
number_power(struct number *r, const struct modulus *m, const struct number *base,
	const struct number *exponent)
{
	mpz_t b, e, p, power;

	number_view(b, m, base);
	number_view(e, m, exponent);
	number_view(p, m, &m->p);
	mpz_init(power);
	mpz_powm_sec(power, b, e, p);
	number_copy_integer(r, m, power);
	mpz_clear(power);
}

void
number_multiply(struct number *r, const struct modulus *m, const struct number *a,
	const struct number *b)
{
	mp_limb_t *product = m->scratch, *rest = m->scratch + 2 * m->n;

	mpn_sec_mul(product, a->limb, m->n, b->limb, m->n, rest);
	mpn_sec_div_r(product, 2 * m->n, m->p.limb, m->n, rest);
	mpn_copyi(r->limb, product, m->n);
}

void
number_invert(struct number *r, const struct modulus *m, const struct number *a,
	const struct number *t)
{
	struct number blinded;
	mpz_t b, p, inverse;

	number_multiply(&blinded, m, a, t);
	number_view(b, m, &blinded);
	number_view(p, m, &m->p);
	mpz_init(inverse);
	mpz_invert(inverse, b, p); /* p is prime and b not 0: there is one */
	number_copy_integer(&blinded, m, inverse);
	mpz_clear(inverse);
	number_multiply(r, m, &blinded, t);
	wipe(&blinded, sizeof(blinded));
}

void
number_negate(struct number *r, const struct modulus *m, const struct number *a)
{
	mpn_sub_n(r->limb, m->p.limb, a->limb, m->n);
}

void
number_smaller(struct number *r, const struct modulus *m, const struct number *a)
{
	struct number other;

	/* The borrow of q - a is 1 where a > q. */
	mp_limb_t mask = -mpn_sub_n(other.limb, m->q.limb, a->limb, m->n);
	number_negate(&other, m, a);
	for (mp_size_t i = 0; i < m->n; i++)
		r->limb[i] = (a->limb[i] & ~mask) | (other.limb[i] & mask);
	wipe(&other, sizeof(other));
}
