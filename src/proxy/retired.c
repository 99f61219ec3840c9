/* Knows which keys have gone because a newer one has taken their place; when that is due is the key
   ring's. */
#include "proxy/retired.h"

#include <stdlib.h>
#include <time.h>

#define KEPT_LEAST 1024

/* A key, and the newer one beside it. */
struct pair {
	char peer[PEER_NAME_SIZE];
	const struct asym_impl *asym;
	char old[FINGERPRINT_SIZE], new[FINGERPRINT_SIZE];
	bool over; /* the overlap of these two */
};

struct retired {
	size_t n, next, room; /* that are kept, where the next one goes, and how many have room */
	struct pair *kept;
	size_t *by_old; /* places of those kept, in the order of their older keys and their peers */
	struct pair *before; /* a refresh */
	size_t n_before;
};

struct retired *
retired_new(void)
{
	return calloc(1, sizeof(struct retired));
}

void
retired_free(struct retired *r)
{
	if (r) {
		free(r->before);
		free(r->by_old);
		free(r->kept);
	}
	free(r);
}

static bool
is_verified(const struct keyring *ring, const struct pair *p, const char *fingerprint)
{
	uint8_t public_key[ASYM_PUBLIC_MAX];
	char name[PEER_NAME_SIZE];

	return keyring_find(ring, p->asym, fingerprint, public_key) &&
	       keyring_check(ring, p->peer, p->asym, public_key, name) == VERDICT_VERIFIED;
}

static bool
is_over(const struct peer_key *key)
{
	return key->used > 0 && (int64_t)time(NULL) - key->used >= ROLL_OVERLAP;
}

/* ---- what is kept ---- */

/* All that go in one refresh have room, so that links under them find them. */
static bool
make_room(struct retired *r, size_t n)
{
	size_t room = n > KEPT_LEAST ? n : KEPT_LEAST;

	if (room <= r->room)
		return true;
	struct pair *kept = reallocarray(r->kept, room, sizeof(*kept));
	if (!kept)
		return false;
	r->kept = kept;
	size_t *by_old = reallocarray(r->by_old, room, sizeof(*by_old));
	if (!by_old)
		return false;
	r->by_old = by_old;
	r->room = room;
	r->next = r->n;
	return true;
}

static int
order(const struct pair *p, const char *peer, const char *old)
{
	int keys = strcmp(p->old, old);

	return keys ? keys : strcmp(p->peer, peer);
}

/* How many of those kept come before it. */
static size_t
count_before(const struct retired *r, const char *peer, const char *old)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (order(&r->kept[r->by_old[middle]], peer, old) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* The pair in which the key is the older one. */
static const struct pair *
find(const struct retired *r, const char *peer, const char *fingerprint)
{
	size_t at = count_before(r, peer, fingerprint);
	const struct pair *p = at < r->n ? &r->kept[r->by_old[at]] : NULL;

	return p && order(p, peer, fingerprint) == 0 ? p : NULL;
}

static void
forget(struct retired *r, const struct pair *p)
{
	size_t at = count_before(r, p->peer, p->old);

	r->n--;
	memmove(r->by_old + at, r->by_old + at + 1, (r->n - at) * sizeof(*r->by_old));
}

/* One that is not kept yet. */
static void
keep(struct retired *r, const struct pair *p)
{
	if (r->n == r->room)
		forget(r, &r->kept[r->next]);
	size_t at = count_before(r, p->peer, p->old);
	memmove(r->by_old + at + 1, r->by_old + at, (r->n - at) * sizeof(*r->by_old));
	r->by_old[at] = r->next;
	r->n++;
	r->kept[r->next] = *p;
	r->next = (r->next + 1) % r->room;
}

void
retired_before(struct retired *r, const struct keyring *ring)
{
	const struct peer_key *key;
	size_t n = 0, at = 0;

	free(r->before);
	r->before = NULL;
	r->n_before = 0;
	for (size_t i = 0; (key = keyring_peer_key(ring, i)) && key->state == KEY_VERIFIED; i++)
		n += key->beside[0] != '\0';
	if (n == 0 || !make_room(r, n) || !(r->before = calloc(n, sizeof(*r->before))))
		return; /* without memory they count as taken back */
	for (size_t i = 0; at < n && (key = keyring_peer_key(ring, i)); i++) {
		struct pair *p = &r->before[at];
		if (!key->beside[0])
			continue;
		memcpy(p->peer, key->peer, sizeof(p->peer));
		p->asym = key->asym;
		memcpy(p->old, key->beside, sizeof(p->old));
		memcpy(p->new, key->fingerprint, sizeof(p->new));
		p->over = is_over(key);
		at++;
	}
	r->n_before = n;
}

/* ---- what goes ---- */

/* The newer key is there, or has itself just made room for one that is: a chain goes at once. */
static bool
has_gone(const struct retired *r, const struct keyring *ring, const struct pair *p)
{
	if (is_verified(ring, p, p->old) || find(r, p->peer, p->old))
		return false;
	return p->over ? is_verified(ring, p, p->new) : find(r, p->peer, p->new) != NULL;
}

void
retired_after(struct retired *r, const struct keyring *ring)
{
	bool more = true;

	for (unsigned round = 0; more && round < ROLL_KEYS_MAX; round++) {
		more = false;
		for (size_t i = 0; i < r->n_before; i++) {
			if (!has_gone(r, ring, &r->before[i]))
				continue;
			keep(r, &r->before[i]);
			more = true;
		}
	}
}

bool
retired_goes_on(const struct retired *r, const struct keyring *ring, const char *peer,
	const struct asym_impl *asym, const uint8_t *public_key)
{
	char fingerprint[FINGERPRINT_SIZE], name[PEER_NAME_SIZE];
	const struct pair *p;

	if (keyring_check(ring, peer, asym, public_key, name) != VERDICT_UNKNOWN)
		return false; /* revoked, or somebody else's */
	fingerprint_of(fingerprint, asym->algorithm, public_key);
	p = find(r, peer, fingerprint);
	for (size_t i = 0; p && i < r->n; i++) {
		if (is_verified(ring, p, p->new))
			return true;
		p = find(r, peer, p->new);
	}
	return false;
}
