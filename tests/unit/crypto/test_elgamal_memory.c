/* Tests crypto/elgamal_memory.c: GMP's memory functions are replaced, and what they give is kept
   and wiped. */
#include "unit.h"

#include <gmp.h>

#include "crypto/asym.h"

static void *(*allocate)(size_t);
static void *(*reallocate)(void *, size_t, size_t);
static void (*release)(void *, size_t);

static int
setup(void **state)
{
	(void)state;
	asym_setup();
	mp_get_memory_functions(&allocate, &reallocate, &release);
	return 0;
}

static void
test_moves_the_content(void **state)
{
	(void)state;
	uint8_t *p = allocate(100);
	memset(p, 0x42, 100);
	p = reallocate(p, 100, 5000);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], 0x42);
	memset(p, 0x43, 5000);
	p = reallocate(p, 5000, 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(p[i], 0x43);
	release(p, 10);
}

/* A number that grows must move: a realloc that leaves it in place, or frees without wiping, is not
   ours. */
static void
test_never_in_place(void **state)
{
	(void)state;
	for (size_t n = 16; n <= 4096; n *= 2) {
		void *old = allocate(n);
		uintptr_t before = (uintptr_t)old;
		memset(old, 0x44, n);
		void *new = reallocate(old, n, n);
		assert_true((uintptr_t)new != before);
		release(new, n);
	}
}

static void
test_gmp_uses_them(void **state)
{
	mpz_t a;
	(void)state;
	mpz_init_set_ui(a, 3);
	mpz_pow_ui(a, a, 5000);
	assert_int_equal(mpz_fdiv_ui(a, 1000), 1); /* 3^100 = 1 mod 1000 */
	mpz_realloc2(a, 64);
	mpz_clear(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_the_content),
		cmocka_unit_test(test_never_in_place),
		cmocka_unit_test(test_gmp_uses_them),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
