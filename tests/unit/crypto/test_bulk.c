/* Tests crypto/bulk.c and bulk_self_test.c: the tables, the choice, and that a self-test finds what
   is broken. */
#include "unit.h"

#include "crypto/bulk_impls.h"

static void
test_algorithms(void **state)
{
	static const char *const order[] = {"AES 256", "AES 128", "ChaCha20-Poly1305", "CAST-128",
		"AES 256 OCB", "AES 128 OCB"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct bulk_algorithm *a = bulk_algorithms[i];
		assert_non_null(a);
		assert_string_equal(a->name, order[i]);
		assert_ptr_equal(bulk_algorithm_find(order[i]), a);
		assert_int_equal(a->by_default, i < 4);
		bool cast = i == 3;
		assert_int_equal(a->iv_size, cast ? 8 : 12);
		assert_int_equal(a->mac_size, cast ? 32 : 0);
		assert_true(a->max_records == (cast ? UINT64_MAX : 1u << 20));
		assert_true(a->max_bytes == (cast ? UINT64_MAX : UINT64_C(1) << 34));
		assert_true(a->max_blocks == (cast ? 1u << 20 : UINT64_MAX));
	}
	assert_null(bulk_algorithms[ARRAY_SIZE(order)]);
	assert_int_equal(bulk_algorithm_find("CAST-128")->block_size, 8);
	assert_int_equal(bulk_algorithm_find("AES 256")->key_size, 32);
	assert_int_equal(bulk_algorithm_find("AES 128")->key_size, 16);
	assert_null(bulk_algorithm_find("aes 128"));
	assert_null(bulk_algorithm_find("AES 1"));
	assert_null(bulk_algorithm_find(""));
}

static void
test_every_implementation(void **state)
{
	(void)state;
	for (size_t i = 0; bulk_impls[i]; i++) {
		const struct bulk_impl *impl = bulk_impls[i];
		assert_ptr_equal(bulk_algorithm_find(impl->algorithm->name), impl->algorithm);
		assert_true(impl->granularity > 0 && impl->granularity <= 64);
		assert_int_equal(impl->granularity & (impl->granularity - 1), 0);
		if (bulk_self_test(impl) != 0)
			fail_msg("%s fails %s", impl->name, impl->algorithm->name);
		void *context = calloc(1, impl->context_size);
		assert_non_null(context);
		impl->fini(context); /* a zeroed one */
		free(context);
	}
}

static void
test_choose(void **state)
{
	static const char *const nettle[] = {"nettle"}, *const other[] = {"openssl"};
	static const char *const both[] = {"gcrypt", "nettle"};
	static const char *const reverse[] = {"nettle", "gcrypt"};
	const struct bulk_algorithm *cast = bulk_algorithm_find("CAST-128");
	const struct bulk_algorithm *ocb = bulk_algorithm_find("AES 128 OCB");
	bool gcrypt = bulk_impl_name_known("gcrypt");
	(void)state;
	assert_true(bulk_impl_name_known("nettle"));
	assert_false(bulk_impl_name_known("openssl"));
	assert_string_equal(bulk_choose(cast, nettle, 1, NULL)->name, "nettle");
	assert_string_equal(bulk_choose(cast, reverse, 2, NULL)->name, "nettle");
	assert_string_equal(bulk_choose(cast, both, 2, NULL)->name, gcrypt ? "gcrypt" : "nettle");
	assert_ptr_equal(bulk_choose(cast, both, 2, NULL)->algorithm, cast);
	assert_null(bulk_choose(cast, other, 1, NULL));
	assert_null(bulk_choose(cast, both, 0, NULL));
	assert_null(bulk_choose(ocb, nettle, 1, NULL));
	assert_int_equal(bulk_choose(ocb, both, 2, NULL) != NULL, gcrypt);
}

/* Implementations that are right but for one thing. */
static int
final_flips_text(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t *tag)
{
	int result = bulk_nettle_aes_128.seal_final(context, n, dst, src, tag);
	dst[n - 1] ^= 1;
	return result;
}

static int
final_flips_tag(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t *tag)
{
	int result = bulk_nettle_aes_128.seal_final(context, n, dst, src, tag);
	tag[BULK_TAG_SIZE - 1] ^= 1;
	return result;
}

static int
final_fails(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t *tag)
{
	bulk_nettle_aes_128.seal_final(context, n, dst, src, tag);
	return -1;
}

static void
update_forgets(void *context, size_t n, uint8_t *dst, const uint8_t *src)
{
	bulk_nettle_aes_128.seal_update(context, n - 16, dst, src);
	memcpy(dst + n - 16, src + n - 16, 16);
}

static int
open_accepts_all(void *context, const uint8_t *aad, size_t n, uint8_t *data, const uint8_t *tag)
{
	bulk_nettle_aes_128.open(context, aad, n, data, tag);
	return 0;
}

static int
open_ignores_half(void *context, const uint8_t *aad, size_t n, uint8_t *data, const uint8_t *tag)
{
	uint8_t *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, data, n);
	int result = bulk_nettle_aes_128.open(context, aad, n, data, tag);
	memcpy(data, copy, n / 2);
	free(copy);
	return result;
}

static int
keys_fail(void *context, const struct bulk_keys *keys)
{
	(void)context;
	(void)keys;
	return -1;
}

static int
init_fails(void *context)
{
	(void)context;
	return -1;
}

static size_t failures;

static void
count_failure(const struct bulk_impl *impl)
{
	assert_string_equal(impl->name, "broken");
	failures++;
}

static void
test_broken_ones_are_found(void **state)
{
	struct bulk_impl broken[8];
	const struct bulk_impl *impls[10];
	(void)state;
	for (size_t i = 0; i < 8; i++) {
		broken[i] = bulk_nettle_aes_128;
		broken[i].name = "broken";
		assert_int_equal(bulk_self_test(&broken[i]), 0);
	}
	broken[0].seal_final = final_flips_text;
	broken[1].seal_final = final_flips_tag;
	broken[2].seal_final = final_fails;
	broken[3].seal_update = update_forgets;
	broken[4].open = open_accepts_all;
	broken[5].open = open_ignores_half;
	broken[6].set_keys = keys_fail;
	broken[7].init = init_fails;
	for (size_t i = 0; i < 8; i++) {
		impls[i] = &broken[i];
		if (bulk_self_test(&broken[i]) == 0)
			fail_msg("broken[%zu] passes its self-test", i);
	}
	impls[8] = &bulk_nettle_aes_128;
	impls[9] = NULL;

	static const char *const order[] = {"broken", "nettle"};
	failures = 0;
	assert_ptr_equal(bulk_choose_from(impls, &bulk_aes_128, order, 2, count_failure), impls[8]);
	assert_int_equal(failures, 8);
	assert_ptr_equal(bulk_choose_from(impls, &bulk_aes_128, order, 2, NULL), impls[8]);
	assert_null(bulk_choose_from(impls, &bulk_aes_128, order, 1, NULL));
}

static void
test_unknown_algorithm_fails(void **state)
{
	const struct bulk_algorithm unknown = *bulk_nettle_aes_128.algorithm;
	struct bulk_impl impl = bulk_nettle_aes_128;
	(void)state;
	impl.algorithm = &unknown;
	assert_int_equal(bulk_self_test(&impl), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_every_implementation),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_broken_ones_are_found),
		cmocka_unit_test(test_unknown_algorithm_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
