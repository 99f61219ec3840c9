/* Tests tunnel/chunk.c: sizes, reuse, what the pool keeps and gives back, and the budget. */
#include "unit.h"

#include "tunnel/chunk.h"

#define SMALL_WHOLE (CHUNK_HEAD + CHUNK_SMALL)
#define BLOCK_WHOLE (16 * SMALL_WHOLE) /* small chunks that come and go together */

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {CHUNK_SMALL, CHUNK_BIG, CHUNK_HUGE};
	struct chunk_pool *pool = chunk_pool_new(0);
	struct chunk *chunks[3];
	size_t used = 0;
	(void)state;
	for (int i = 0; i < 3; i++) {
		chunks[i] = chunk_get(pool, (enum chunk_class)i);
		assert_int_equal(chunks[i]->size, sizes[i]);
		assert_int_equal(chunk_whole(chunks[i]), CHUNK_HEAD + sizes[i]);
		assert_int_equal(chunks[i]->used, 0);
		memset(chunks[i]->data, 1, chunks[i]->size);
		used += CHUNK_HEAD + sizes[i];
		assert_int_equal(chunk_pool_used(pool), used);
	}
	for (int i = 0; i < 3; i++)
		chunk_put(pool, chunks[i]);
	assert_int_equal(chunk_pool_used(pool), 0);
	chunk_pool_free(pool);
}

static void
test_free_chunks_are_used_again(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(1 << 20);
	(void)state;
	for (int i = 0; i < 3; i++) {
		enum chunk_class class = (enum chunk_class)i;
		struct chunk *a = chunk_get(pool, class), *b = chunk_get(pool, class);
		a->used = 7;
		chunk_put(pool, a);
		chunk_put(pool, b);
		assert_ptr_equal(chunk_get(pool, class), b);
		assert_ptr_equal(chunk_get(pool, class), a);
		assert_int_equal(a->used, 0);
		chunk_put(pool, a);
		chunk_put(pool, b);
	}
	chunk_pool_free(pool);
	chunk_pool_free(NULL);
}

/* What is above `keep` goes back to the system at once: here seen by what is left for trimming. */
static void
test_keep_is_a_bound(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(CHUNK_HEAD + CHUNK_BIG);
	(void)state;
	struct chunk *a = chunk_get(pool, CHUNK_CLASS_BIG), *b = chunk_get(pool, CHUNK_CLASS_BIG);
	chunk_put(pool, a); /* kept */
	chunk_put(pool, b); /* freed */
	struct chunk *small = chunk_get(pool, CHUNK_CLASS_SMALL);
	chunk_put(pool, small); /* freed with its block */
	assert_int_equal(chunk_pool_used(pool), 0);
	chunk_pool_trim(pool);
	assert_int_equal(chunk_pool_trim(pool), CHUNK_HEAD + CHUNK_BIG);
	chunk_pool_free(pool);
}

/* Only what nobody has used for a while. */
static void
test_trim(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(1 << 20);
	struct chunk *small[20];
	(void)state;
	struct chunk *a = chunk_get(pool, CHUNK_CLASS_BIG), *b = chunk_get(pool, CHUNK_CLASS_BIG);
	for (int i = 0; i < 20; i++)
		small[i] = chunk_get(pool, CHUNK_CLASS_SMALL);
	chunk_pool_trim(pool);
	chunk_put(pool, a);
	chunk_put(pool, b);
	for (int i = 0; i < 16; i++) /* four are left in the second block */
		chunk_put(pool, small[i]);
	assert_int_equal(chunk_pool_trim(pool), 0);
	a = chunk_get(pool, CHUNK_CLASS_BIG);
	chunk_put(pool, a);
	/* As many bytes as two of three were free all the time, the largest first. */
	assert_int_equal(chunk_pool_trim(pool), 2 * (CHUNK_HEAD + CHUNK_BIG));
	assert_int_equal(chunk_pool_trim(pool), BLOCK_WHOLE);
	for (int i = 16; i < 20; i++)
		chunk_put(pool, small[i]);
	assert_int_equal(chunk_pool_trim(pool), 0);
	assert_int_equal(chunk_pool_trim(pool), BLOCK_WHOLE);
	assert_int_equal(chunk_pool_trim(pool), 0);
	chunk_pool_free(pool);
}

static void
test_share(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(0);
	(void)state;
	assert_true(chunk_pool_share(pool) > (size_t)1 << 40);
	chunk_pool_set_budget(pool, 80000);
	assert_int_equal(chunk_pool_share(pool), 20000);
	struct chunk *big = chunk_get(pool, CHUNK_CLASS_BIG);
	assert_int_equal(chunk_pool_share(pool), (80000 - CHUNK_HEAD - CHUNK_BIG) / 4);
	chunk_pool_promise(pool, 14000);
	assert_int_equal(chunk_pool_share(pool), (80000 - CHUNK_HEAD - CHUNK_BIG - 14000) / 4);
	chunk_pool_promise(pool, 1000);
	assert_int_equal(chunk_pool_share(pool), 0);
	chunk_put(pool, big);
	chunk_pool_promise(pool, -15000);
	assert_int_equal(chunk_pool_share(pool), 20000);
	for (int i = 0; i < 9; i++)
		chunk_pool_hold(pool, true);
	assert_int_equal(chunk_pool_share(pool), 8000); /* the ten may have the same */
	for (int i = 0; i < 9; i++)
		chunk_pool_hold(pool, false);
	assert_int_equal(chunk_pool_share(pool), 20000);
	chunk_pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_free_chunks_are_used_again),
		cmocka_unit_test(test_keep_is_a_bound),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
