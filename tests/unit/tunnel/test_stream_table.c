/* Tests tunnel/stream_table.c: look-ups, growth, and ids that a peer might choose to make it
   slow. */
#include "unit.h"

#include "tunnel/stream_table.h"

static void
test_add_find_remove(void **state)
{
	enum { N = 20000 };
	struct table_node *nodes = calloc(N, sizeof(*nodes));
	struct stream_table table;
	(void)state;
	assert_int_equal(stream_table_init(&table, 0x9e3779b97f4a7c15u), 0);
	assert_null(stream_table_find(&table, 1));
	for (uint32_t i = 0; i < N; i++) {
		nodes[i].id = 2 * i + 1;
		stream_table_add(&table, &nodes[i]);
	}
	assert_int_equal(table.count, N);
	for (uint32_t i = 0; i < N; i++) {
		assert_ptr_equal(stream_table_find(&table, 2 * i + 1), &nodes[i]);
		assert_null(stream_table_find(&table, 2 * i));
	}
	for (uint32_t i = 0; i < N; i += 2)
		stream_table_remove(&table, &nodes[i]);
	assert_int_equal(table.count, N / 2);
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(stream_table_find(&table, 2 * i + 1), i % 2 ? &nodes[i] : NULL);
	stream_table_fini(&table);
	free(nodes);
}

static size_t
longest_chain(const struct stream_table *table)
{
	size_t longest = 0;
	for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
		size_t n = 0;
		for (struct table_node *node = table->buckets[i]; node; node = node->next)
			n++;
		longest = n > longest ? n : longest;
	}
	return longest;
}

static void
test_no_pattern_of_ids_makes_long_chains(void **state)
{
	enum { N = 4096 };
	struct table_node *nodes = calloc(N, sizeof(*nodes));
	struct seeded_random r;
	(void)state;
	seeded_random_init(&r, 2);
	for (unsigned shift = 1; shift <= 19; shift++) {
		struct stream_table table;
		assert_int_equal(stream_table_init(&table, seeded_random_next(&r)), 0);
		for (uint32_t i = 0; i < N; i++) {
			nodes[i].id = (i << shift) + 1;
			stream_table_add(&table, &nodes[i]);
		}
		assert_true(longest_chain(&table) <= 64);
		stream_table_fini(&table);
	}
	free(nodes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_find_remove),
		cmocka_unit_test(test_no_pattern_of_ids_makes_long_chains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
