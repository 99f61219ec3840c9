/* Tests tunnel/chunk.c: sizes, reuse, and what the pool keeps. */
#include "unit.h"

#include "tunnel/chunk.h"

static void
test_two_sizes(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(0);
	(void)state;
	struct chunk *small = chunk_get(pool, false), *big = chunk_get(pool, true);
	assert_int_equal(small->size, 4080);
	assert_int_equal(big->size, 65520);
	assert_int_equal(small->used, 0);
	memset(small->data, 1, small->size);
	memset(big->data, 1, big->size);
	assert_int_equal(chunk_pool_used(pool), 4096 + 65536);
	chunk_put(pool, small);
	chunk_put(pool, big);
	assert_int_equal(chunk_pool_used(pool), 0);
	chunk_pool_free(pool);
}

static void
test_free_chunks_are_used_again(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(1 << 20);
	(void)state;
	struct chunk *a = chunk_get(pool, false), *b = chunk_get(pool, false);
	a->used = 7;
	chunk_put(pool, a);
	chunk_put(pool, b);
	assert_ptr_equal(chunk_get(pool, false), b);
	assert_ptr_equal(chunk_get(pool, false), a);
	assert_int_equal(a->used, 0);
	chunk_put(pool, a);
	struct chunk *big = chunk_get(pool, true);
	assert_ptr_not_equal(big, a);
	chunk_put(pool, big);
	chunk_put(pool, b);
	chunk_pool_free(pool);
}

/* What is above `keep` goes back to the system: the address sanitizer sees a use of it. Here only
   the count is seen. */
static void
test_keep_is_a_bound(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(4096);
	(void)state;
	struct chunk *a = chunk_get(pool, false), *b = chunk_get(pool, false);
	chunk_put(pool, a); /* kept */
	chunk_put(pool, b); /* freed */
	assert_int_equal(chunk_pool_used(pool), 0);
	assert_ptr_equal(chunk_get(pool, false), a);
	assert_int_equal(chunk_pool_used(pool), 4096);
	chunk_put(pool, a);
	chunk_pool_free(pool);
	chunk_pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_sizes),
		cmocka_unit_test(test_free_chunks_are_used_again),
		cmocka_unit_test(test_keep_is_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
