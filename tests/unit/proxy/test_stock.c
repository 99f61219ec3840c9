/* Tests proxy/stock.c: what is made, for whom and how much of it, that each piece is given out
   once, and what goes when. */
#include "loop.h"

#include "proxy/stock.h"

static struct threads *threads;
static struct jobs jobs;
static struct stock *stock;
static const struct asym_impl *elgamal, *x25519;
static uint8_t private_keys[2][ASYM_PRIVATE_MAX],
	public_keys[2][ASYM_PUBLIC_MAX]; /* ElGamal's, X25519's */

static int
setup(void **state)
{
	int result = loop_setup(state);

	elgamal = asym_find("ElGamal 2048");
	x25519 = asym_find("X25519");
	assert_int_equal(
		elgamal->generate(elgamal, &random_system, private_keys[0], public_keys[0]), 0);
	assert_int_equal(
		x25519->generate(x25519, &random_system, private_keys[1], public_keys[1]), 0);
	threads = threads_new(3);
	assert_non_null(threads);
	assert_true(jobs_init(&jobs, *state, threads, 3));
	stock = stock_new(&jobs, &random_system);
	assert_non_null(stock);
	return result;
}

static int
teardown(void **state)
{
	stock_close(stock);
	uv_run(*state, UV_RUN_DEFAULT);
	stock_free(stock);
	jobs_close(&jobs);
	threads_free(threads);
	int result = loop_teardown(state);
	jobs_fini(&jobs);
	return result;
}

static void
want_both(void)
{
	stock_want(stock, elgamal, public_keys[0]);
	stock_want(stock, x25519, public_keys[1]);
	stock_sweep(stock);
}

/* Makes all that is missing. */
static void
fill(uv_loop_t *loop)
{
	stock_refill(stock);
	uv_run(loop, UV_RUN_DEFAULT);
}

/* Takes all that there is for a key; each piece must open what it sealed, and be like no other. */
static unsigned
take_all(const struct asym_impl *asym, int which)
{
	const struct span label[2] = {{(const uint8_t *)"st", 2}, {(const uint8_t *)"ock", 3}};
	uint8_t pieces[8][ASYM_PREPARED_MAX], ciphertext[ASYM_CIPHERTEXT_MAX], opened[16];
	const uint8_t message[16] = "fifteen letters";
	unsigned n = 0;

	while (n < 8 && stock_take_prepared(stock, asym, public_keys[which], pieces[n])) {
		for (unsigned i = 0; i < n; i++)
			assert_memory_not_equal(pieces[i], pieces[n], 32);
		n++;
	}
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(asym->encrypt_prepared(asym, &random_system, pieces[i], label,
			(struct span){message, 16}, ciphertext), 0);
		assert_int_equal(asym->decrypt(asym, &random_system, private_keys[which], label,
					 (struct span){ciphertext,
						 asym_ciphertext_size(asym->algorithm, 16)},
					 opened, 16),
			0);
		assert_memory_equal(opened, message, 16);
	}
	return n;
}

static unsigned
take_ephemerals(void)
{
	uint8_t last[X25519_SIZE] = {0}, own[X25519_SIZE], public_key[X25519_SIZE],
		right[X25519_SIZE];
	unsigned n = 0;

	for (; stock_take_ephemeral(stock, own, public_key); n++) {
		assert_memory_not_equal(own, last, X25519_SIZE);
		assert_int_equal(x25519->derive(x25519, own, right), 0);
		assert_memory_equal(public_key, right, X25519_SIZE);
		memcpy(last, own, X25519_SIZE);
	}
	return n;
}

static void
test_a_few_for_each_key_and_each_once(void **state)
{
	want_both();
	assert_int_equal(take_all(elgamal, 0), 0); /* nothing is made unasked */
	for (int round = 0; round < 2; round++) {
		fill(*state);
		fill(*state); /* all is there: no more */
		assert_int_equal(take_all(elgamal, 0), STOCK_OF_A_KEY);
		assert_int_equal(take_all(x25519, 1), STOCK_OF_A_KEY);
		assert_int_equal(take_ephemerals(), STOCK_EPHEMERALS);
		assert_int_equal(take_all(elgamal, 0), 0);
		assert_int_equal(take_ephemerals(), 0);
	}
}

static void
test_what_is_not_wanted_goes(void **state)
{
	want_both();
	fill(*state);
	stock_want(stock, x25519, public_keys[1]);
	stock_want(stock, x25519, public_keys[1]); /* twice is once */
	stock_sweep(stock);
	assert_int_equal(take_all(elgamal, 0), 0);
	assert_int_equal(take_all(x25519, 1), STOCK_OF_A_KEY);
	fill(*state);
	assert_int_equal(take_all(elgamal, 0), 0);
	assert_int_equal(take_all(x25519, 1), STOCK_OF_A_KEY);
	/* It comes back: what was made before does not. */
	want_both();
	assert_int_equal(take_all(elgamal, 0), 0);
}

static void
test_a_key_goes_while_its_piece_is_made(void **state)
{
	stock_want(stock, elgamal, public_keys[0]);
	stock_sweep(stock);
	stock_refill(stock);
	stock_sweep(stock);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(take_all(elgamal, 0), 0);
	assert_int_equal(take_ephemerals(), 0);
}

static void
test_nothing_for_nobody_and_nothing_after_the_end(void **state)
{
	fill(*state);
	assert_int_equal(take_ephemerals(), 0); /* no peer: no handshake is to come */
	want_both();
	stock_close(stock);
	fill(*state);
	assert_int_equal(take_all(x25519, 1), 0);
}

static void
test_keys_are_bounded(void **state)
{
	uint8_t key[ASYM_PUBLIC_MAX] = {9};
	struct stock *s = stock;
	uint8_t piece[ASYM_PREPARED_MAX];
	unsigned found = 0;

	for (unsigned i = 0; i < STOCK_KEYS_MAX + 10; i++) {
		key[1] = (uint8_t)i;
		key[2] = (uint8_t)(i >> 8);
		stock_want(s, x25519, key);
	}
	stock_sweep(s);
	fill(*state);
	for (unsigned i = 0; i < STOCK_KEYS_MAX + 10; i++) {
		key[1] = (uint8_t)i;
		key[2] = (uint8_t)(i >> 8);
		while (stock_take_prepared(s, x25519, key, piece))
			found++;
	}
	assert_int_equal(found, STOCK_KEYS_MAX * STOCK_OF_A_KEY);
}

int
main(void)
{
	asym_setup();
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_few_for_each_key_and_each_once),
		TEST(test_what_is_not_wanted_goes),
		TEST(test_a_key_goes_while_its_piece_is_made),
		TEST(test_nothing_for_nobody_and_nothing_after_the_end),
		TEST(test_keys_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
