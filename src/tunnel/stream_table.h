/* The streams of a trunk by their id. The peer chooses half of the ids: the hash has a key, so
   that it cannot choose them all into one place. */
#ifndef SC_TUNNEL_STREAM_TABLE_H
#define SC_TUNNEL_STREAM_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in a stream. */
struct table_node {
	struct table_node *next;
	uint32_t id;
};

struct stream_table {
	struct table_node **buckets;
	unsigned bits; /* 2^bits buckets */
	size_t count;
	uint64_t key;
};

/* key: random. 0, or -1: out of memory. */
int
stream_table_init(struct stream_table *table, uint64_t key);

/* The streams stay the caller's. A zeroed table is fine. */
void
stream_table_fini(struct stream_table *table);

/* node->id is set and not in the table. Cannot fail: without memory to grow, look-ups get
   slower. */
void
stream_table_add(struct stream_table *table, struct table_node *node);

/* NULL if there is none. */
struct table_node *
stream_table_find(const struct stream_table *table, uint32_t id);

/* node is in the table. */
void
stream_table_remove(struct stream_table *table, struct table_node *node);

#endif
