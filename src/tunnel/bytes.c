/* Knows how bytes lie in chunks; knows nothing of streams and credit. */
#include "tunnel/bytes.h"

static int
grow(struct bytes *b, struct chunk_pool *pool, enum chunk_class class)
{
	struct chunk *chunk = chunk_get(pool, class);
	if (!chunk)
		return -1;
	b->held += chunk_whole(chunk);
	if (b->last)
		b->last->next = chunk;
	else
		b->first = chunk;
	if (!b->last)
		chunk_pool_hold(pool, true);
	b->last = chunk;
	return 0;
}

static size_t
tail_room(const struct bytes *b)
{
	return b->last ? b->last->size - b->last->used : 0;
}

bool
bytes_has_room(const struct bytes *b)
{
	return tail_room(b) >= BYTES_ROOM_MIN;
}

uint8_t *
bytes_room(struct bytes *b, struct chunk_pool *pool, enum chunk_class class, size_t *n)
{
	if (!bytes_has_room(b) && grow(b, pool, class) != 0) {
		*n = 0;
		return NULL;
	}
	*n = tail_room(b);
	return b->last->data + b->last->used;
}

void
bytes_added(struct bytes *b, size_t n)
{
	b->last->used += (uint32_t)n;
}

int
bytes_append(struct bytes *b, struct chunk_pool *pool, const uint8_t *data, size_t n)
{
	while (n > 0) {
		/* A second chunk means that much is waiting. */
		bool much = b->last || n > CHUNK_SMALL;
		if (tail_room(b) == 0 &&
			grow(b, pool, much ? CHUNK_CLASS_BIG : CHUNK_CLASS_SMALL) != 0)
			return -1;
		size_t part = min_size(n, tail_room(b));
		memcpy(b->last->data + b->last->used, data, part);
		b->last->used += (uint32_t)part;
		data += part;
		n -= part;
	}
	return 0;
}

/* Takes the first chunk off. A mark in it stands at its end, which is where the next chunk
   begins. */
static void
drop_first(struct bytes *b, struct chunk_pool *pool)
{
	struct chunk *chunk = b->first;

	b->first = chunk->next;
	if (!b->first) {
		b->last = NULL;
		chunk_pool_hold(pool, false);
	}
	b->head = 0;
	if (b->mark == chunk) {
		b->mark = NULL;
		b->mark_at = 0;
	}
	b->held -= chunk_whole(chunk);
	chunk_put(pool, chunk);
}

const uint8_t *
bytes_front(const struct bytes *b, size_t *n)
{
	*n = b->first ? b->first->used - b->head : 0;
	return *n > 0 ? b->first->data + b->head : NULL;
}

size_t
bytes_spans(const struct bytes *b, struct span *spans, size_t max)
{
	size_t count = 0, head = b->head;

	for (struct chunk *chunk = b->first; chunk && count < max; chunk = chunk->next) {
		if (chunk->used > head)
			spans[count++] = (struct span){chunk->data + head, chunk->used - head};
		head = 0;
	}
	return count;
}

const uint8_t *
bytes_at(const struct bytes *b, size_t at, size_t *n)
{
	at += b->head;
	for (const struct chunk *c = b->first; c; c = c->next) {
		if (at < c->used) {
			*n = c->used - at;
			return c->data + at;
		}
		at -= c->used;
	}
	*n = 0;
	return NULL;
}

void
bytes_drop(struct bytes *b, struct chunk_pool *pool, size_t n)
{
	while (n > 0) {
		size_t part = min_size(n, b->first->used - b->head);
		b->head += part;
		n -= part;
		/* The last chunk stays: its end may be in use as room. */
		if (b->head == b->first->used && b->first != b->last)
			drop_first(b, pool);
	}
}

size_t
bytes_send(struct bytes *b, size_t n, struct span *spans, size_t max, size_t *taken)
{
	size_t count = 0;

	*taken = 0;
	if (!b->mark) {
		b->mark = b->first;
		b->mark_at = b->head;
	}
	while (*taken < n && count < max) {
		if (b->mark_at == b->mark->used) {
			b->mark = b->mark->next;
			b->mark_at = 0;
		}
		size_t part = min_size(n - *taken, b->mark->used - b->mark_at);
		spans[count++] = (struct span){b->mark->data + b->mark_at, part};
		b->mark_at += part;
		*taken += part;
	}
	return count;
}

void
bytes_rewind(struct bytes *b)
{
	b->mark = NULL;
	b->mark_at = 0;
}

void
bytes_settle(struct bytes *b, struct chunk_pool *pool)
{
	if (b->first && b->first == b->last && b->head == b->first->used)
		drop_first(b, pool);
}

void
bytes_fini(struct bytes *b, struct chunk_pool *pool)
{
	while (b->first)
		drop_first(b, pool);
}
