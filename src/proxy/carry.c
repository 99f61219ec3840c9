/* Knows the memory of such bytes; knows nothing of sockets. */
#include "proxy/carry.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tunnel/trunk.h"

uint8_t *
carry_room(struct carry *c, size_t *n)
{
	*n = 0;
	if (!c->data) {
		c->data = malloc(CARRY_WAITING);
		c->size = c->data ? CARRY_WAITING : 0;
	}
	*n = c->size - c->end;
	return *n > 0 ? c->data + c->end : NULL;
}

void
carry_added(struct carry *c, size_t n)
{
	c->end += n;
	if (carry_empty(c))
		carry_fini(c);
}

bool
carry_take(struct carry *c, struct stream *stream)
{
	size_t n, had = 0, rest = c->end - c->begin;
	const uint8_t *part;

	if (!stream_send_whole(stream))
		return false;
	while ((part = stream_send_kept(stream, had, &n)))
		had += n;
	if (had == 0)
		return true;
	uint8_t *data = malloc(had + rest);
	if (!data)
		return false;
	for (size_t at = 0; (part = stream_send_kept(stream, at, &n)); at += n)
		memcpy(data + at, part, n);
	if (rest > 0)
		memcpy(data + had, c->data + c->begin, rest);
	carry_fini(c);
	*c = (struct carry){data, had + rest, 0, had + rest};
	return true;
}

void
carry_give(struct carry *c, struct stream *stream)
{
	size_t n;
	uint8_t *room;

	while (!carry_empty(c) && (room = stream_send_buf(stream, &n))) {
		size_t part = min_size(n, c->end - c->begin);
		memcpy(room, c->data + c->begin, part);
		stream_send_ack(stream, part);
		c->begin += part;
	}
	if (carry_empty(c))
		carry_fini(c);
}

void
carry_fini(struct carry *c)
{
	wipe_free(c->data, c->size);
	*c = (struct carry){NULL, 0, 0, 0};
}
