/* The ids of sessions, over all workers, also of those that have ended a while ago: an id that
   belongs to one peer is unknown to all others (protocol.md 8.1). Asked when a link begins with a
   session, not on the data path. */
#ifndef SC_PROXY_SESSION_IDS_H
#define SC_PROXY_SESSION_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "tunnel/trunk.h"

#define SESSION_IDS_BUCKETS 1024

struct session_ids {
	uv_mutex_t lock;
	uint64_t key; /* ids are the peers' choice: which bucket one is in is not */
	struct list buckets[SESSION_IDS_BUCKETS];
};

struct peer;

enum session_id_of {
	SESSION_ID_LIVE,  /* of a session */
	SESSION_ID_ENDED, /* of one that has ended */
	/* of one that a link has named which is on its way to its worker: it is known to nobody
	   yet, but the next link that names it must follow the first one */
	SESSION_ID_NAMED
};

/* One id, in whoever holds it, who fills the first three in before it is added. All zero: none. */
struct session_id {
	enum session_id_of of;
	const struct peer *home; /* whose it is, */
	struct peer *at;         /* and on which worker: a branch of that peer, or itself */
	struct list node;
	bool listed; /* in the table */
	uint8_t id[TRUNK_SESSION_SIZE];
};

/* False: the system has no lock to give. */
bool
session_ids_init(struct session_ids *ids, const struct random_source *random);

void
session_ids_fini(struct session_ids *ids);

/* From any thread. The same id may be there more than once. */
void
session_ids_add(struct session_ids *ids, struct session_id *s, const uint8_t *id);

/* Nothing for one that is not in the table. */
void
session_ids_remove(struct session_ids *ids, struct session_id *s);

/* True if anybody has or had it. */
bool
session_ids_known(struct session_ids *ids, const uint8_t *id);

/* True if somebody has it. */
bool
session_ids_live(struct session_ids *ids, const uint8_t *id);

/* Where a link of that peer belongs which names this id; *live: there is such a session. NULL:
   anywhere. */
struct peer *
session_ids_at(struct session_ids *ids, const uint8_t *id, const struct peer *home, bool *live);

#endif
