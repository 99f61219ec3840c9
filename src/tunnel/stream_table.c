/* Knows how a stream is found by its id; knows nothing else of it. */
#include "tunnel/stream_table.h"

#include <stdlib.h>

#define BITS_MIN 4
#define BITS_MAX 20

/* Multiply-shift hashing: of any two ids, few keys bring both to the same bucket. */
static struct table_node **
bucket(const struct stream_table *table, uint32_t id)
{
	return &table->buckets[(id * table->key) >> (64 - table->bits)];
}

int
stream_table_init(struct stream_table *table, uint64_t key)
{
	*table = (struct stream_table){.bits = BITS_MIN, .key = key | 1};
	table->buckets = calloc((size_t)1 << BITS_MIN, sizeof(struct table_node *));
	return table->buckets ? 0 : -1;
}

void
stream_table_fini(struct stream_table *table)
{
	free(table->buckets);
	*table = (struct stream_table){0};
}

static void
put(struct stream_table *table, struct table_node *node)
{
	struct table_node **place = bucket(table, node->id);
	node->next = *place;
	*place = node;
}

/* Doubles the number of buckets, if there is memory for it. */
static void
grow(struct stream_table *table)
{
	size_t old_size = (size_t)1 << table->bits;
	struct table_node **old = table->buckets;
	struct table_node **buckets = calloc(old_size * 2, sizeof(struct table_node *));

	if (!buckets)
		return;
	table->buckets = buckets;
	table->bits++;
	for (size_t i = 0; i < old_size; i++) {
		while (old[i]) {
			struct table_node *node = old[i];
			old[i] = node->next;
			put(table, node);
		}
	}
	free(old);
}

void
stream_table_add(struct stream_table *table, struct table_node *node)
{
	if (table->count >= (size_t)1 << table->bits && table->bits < BITS_MAX)
		grow(table);
	put(table, node);
	table->count++;
}

struct table_node *
stream_table_find(const struct stream_table *table, uint32_t id)
{
	struct table_node *node = *bucket(table, id);
	while (node && node->id != id)
		node = node->next;
	return node;
}

void
stream_table_remove(struct stream_table *table, struct table_node *node)
{
	struct table_node **place = bucket(table, node->id);
	while (*place != node)
		place = &(*place)->next;
	*place = node->next;
	table->count--;
}
