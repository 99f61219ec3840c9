/* Knows which ids are taken; whose they are, and what a session is, is session.c's. */
#include "proxy/session_ids.h"

#include <string.h>

bool
session_ids_init(struct session_ids *ids, const struct random_source *random)
{
	if (uv_mutex_init(&ids->lock) != 0)
		return false;
	random_fill(random, (uint8_t *)&ids->key, sizeof(ids->key));
	for (size_t i = 0; i < SESSION_IDS_BUCKETS; i++)
		list_init(&ids->buckets[i]);
	return true;
}

void
session_ids_fini(struct session_ids *ids)
{
	uv_mutex_destroy(&ids->lock);
}

static struct list *
bucket(struct session_ids *ids, const uint8_t *id)
{
	uint64_t halves[2];

	memcpy(halves, id, sizeof(halves));
	uint64_t hash = (halves[0] ^ ids->key) * (ids->key | 1);
	hash = ((hash >> 29 ^ hash) + halves[1]) * (ids->key | 1);
	return &ids->buckets[(hash >> 32) % SESSION_IDS_BUCKETS];
}

void
session_ids_add(struct session_ids *ids, struct session_id *s, const uint8_t *id)
{
	session_ids_remove(ids, s);
	s->listed = true;
	memcpy(s->id, id, sizeof(s->id));
	uv_mutex_lock(&ids->lock);
	list_insert_tail(bucket(ids, id), &s->node);
	uv_mutex_unlock(&ids->lock);
}

void
session_ids_remove(struct session_ids *ids, struct session_id *s)
{
	if (!s->listed)
		return;
	uv_mutex_lock(&ids->lock);
	list_remove(&s->node);
	uv_mutex_unlock(&ids->lock);
	s->listed = false;
}

/* Of one of these kinds, or one that comes before it. */
static bool
has(struct session_ids *ids, const uint8_t *id, enum session_id_of last)
{
	bool found = false;

	uv_mutex_lock(&ids->lock);
	list_for_each (it, bucket(ids, id)) {
		const struct session_id *s = container_of(it, struct session_id, node);
		found |= s->of <= last && memcmp(s->id, id, TRUNK_SESSION_SIZE) == 0;
	}
	uv_mutex_unlock(&ids->lock);
	return found;
}

bool
session_ids_known(struct session_ids *ids, const uint8_t *id)
{
	return has(ids, id, SESSION_ID_ENDED);
}

bool
session_ids_live(struct session_ids *ids, const uint8_t *id)
{
	return has(ids, id, SESSION_ID_LIVE);
}

struct peer *
session_ids_at(struct session_ids *ids, const uint8_t *id, const struct peer *home, bool *live)
{
	const struct session_id *best = NULL;

	uv_mutex_lock(&ids->lock);
	list_for_each (it, bucket(ids, id)) {
		const struct session_id *s = container_of(it, struct session_id, node);
		if (s->home == home && memcmp(s->id, id, TRUNK_SESSION_SIZE) == 0 &&
			(!best || s->of < best->of))
			best = s;
	}
	*live = best && best->of == SESSION_ID_LIVE;
	struct peer *at = best ? best->at : NULL;
	uv_mutex_unlock(&ids->lock);
	return at;
}
