/* Knows how connections are counted; knows nothing of what they are. */
#include "proxy/tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "secureconn/frame.h"

const char *
tally_reason_name(enum tally_reason reason)
{
	static const char *const names[] = {
#define X(symbol, name, text) [symbol] = name,
		TALLY_REASONS(X)
#undef X
	};
	return names[reason];
}

const char *
tally_reason_text(enum tally_reason reason)
{
	static const char *const texts[] = {
#define X(symbol, name, text) [symbol] = text,
		TALLY_REASONS(X)
#undef X
	};
	return texts[reason];
}

enum tally_reason
tally_reason_of(unsigned code)
{
	switch (code) {
	case CODE_DENIED:
		return TALLY_DENIED;
	case CODE_REFUSED:
		return TALLY_TARGET_REFUSED;
	case CODE_CONNECT_TIMEOUT:
		return TALLY_TARGET_TIMEOUT;
	case CODE_NOT_FOUND:
		return TALLY_TARGET_UNKNOWN;
	case CODE_TOO_MANY_STREAMS:
		return TALLY_LIMIT;
	case CODE_SHUTTING_DOWN:
		return TALLY_STOPPING;
	case CODE_LINK_LOST:
		return TALLY_LINK_LOST;
	case CODE_RESET_BY_APPLICATION:
		return TALLY_GONE;
	default:
		return TALLY_OTHER;
	}
}

struct tally *
tally_get(struct list *tallies, enum tally_kind kind, const char *name)
{
	list_for_each (it, tallies) {
		struct tally *t = container_of(it, struct tally, node);
		if (t->kind == kind && strcmp(t->name, name) == 0)
			return t;
	}
	struct tally *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->kind = kind;
	snprintf(t->name, sizeof(t->name), "%s", name);
	list_insert_tail(tallies, &t->node);
	return t;
}

bool
tally_merge(struct list *tallies, const struct tally *part)
{
	struct tally *t = tally_get(tallies, part->kind, part->name);

	if (!t)
		return false;
	t->now += part->now;
	t->total += part->total;
	t->bytes_in += part->bytes_in;
	t->bytes_out += part->bytes_out;
	for (size_t i = 0; i < TALLY_REASON_COUNT; i++)
		t->refused[i] += part->refused[i];
	t->moved += part->moved;
	return true;
}

void
tallies_free(struct list *tallies)
{
	list_for_each_safe (it, tallies) {
		list_remove(it);
		free(container_of(it, struct tally, node));
	}
}
