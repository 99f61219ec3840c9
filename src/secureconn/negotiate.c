/* Knows how two lists of names become one agreed name; knows nothing of what the names stand
   for. */
#include "secureconn/negotiate.h"

#include <assert.h>

void
negotiation_init(struct negotiation *n, const char *const *own, size_t n_own)
{
	assert(n_own <= NEGOTIATION_NAMES_MAX);
	for (size_t i = 0; i < n_own; i++)
		n->own[i] = own[i];
	n->n_own = n_own;
	n->last = n->agreed = NULL;
	n->n_seen = 0;
}

static bool
is_name(struct span text, const char *name)
{
	return text.size == strlen(name) && memcmp(text.data, name, text.size) == 0;
}

/* Digests, because a peer may suggest 64 names of 8 KiB each. */
static void
digest_name(uint8_t digest[HASH_SIZE], struct span name)
{
	hash_parts(digest, &name, 1);
}

static bool
was_suggested(const struct negotiation *n, struct span name)
{
	uint8_t digest[HASH_SIZE];

	digest_name(digest, name);
	for (size_t i = 0; i < n->n_seen; i++)
		if (memcmp(n->seen[i], digest, HASH_SIZE) == 0)
			return true;
	return false;
}

static void
note_suggested(struct negotiation *n, struct span name)
{
	/* The limit on lines of a handshake ends a connection long before. */
	assert(n->n_seen < ARRAY_SIZE(n->seen));
	digest_name(n->seen[n->n_seen++], name);
}

/* The next name of the own list that neither side has suggested yet, or NONE. */
static enum negotiation_outcome
suggest(struct negotiation *n, const char **reply)
{
	for (size_t i = 0; i < n->n_own; i++) {
		struct span name = {(const uint8_t *)n->own[i], strlen(n->own[i])};
		if (was_suggested(n, name))
			continue;
		note_suggested(n, name);
		*reply = n->last = n->own[i];
		return NEGOTIATION_GOES_ON;
	}
	*reply = NEGOTIATION_NONE;
	return NEGOTIATION_FAILED_TELL;
}

enum negotiation_outcome
negotiation_open(struct negotiation *n, const char **reply)
{
	return suggest(n, reply);
}

enum negotiation_outcome
negotiation_receive(struct negotiation *n, struct span name, const char **reply)
{
	*reply = NULL;
	if (n->last && is_name(name, n->last)) {
		n->agreed = n->last;
		return NEGOTIATION_OURS;
	}
	if (is_name(name, NEGOTIATION_NONE))
		return NEGOTIATION_FAILED;
	if (was_suggested(n, name))
		return NEGOTIATION_TWICE;
	note_suggested(n, name);
	for (size_t i = 0; i < n->n_own; i++)
		if (is_name(name, n->own[i])) {
			*reply = n->agreed = n->own[i];
			return NEGOTIATION_THEIRS;
		}
	return suggest(n, reply);
}
