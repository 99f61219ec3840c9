/* Keys that were shown and are not verified: noted in the state folder by a thread, because
   files are synced there, and logged once each. Has a key ring of its own on the folder; the
   node's ring sees the change at its next refresh. */
#ifndef SC_PROXY_NOTES_H
#define SC_PROXY_NOTES_H

#include <stdbool.h>

#include "base/list.h"
#include "keyring/keyring.h"
#include "proxy/flood.h"

#include <uv.h>

struct notes;

/* A key was noted; verified: its fingerprint had been trusted before, so it is verified now.
   dropped: so many others went, since the start of notes. */
typedef void notes_fn(void *owner, bool verified, const struct keyring_dropped *dropped);

/* Opens the folder of the node's ring. NULL, with err set. logs bounds the lines. */
struct notes *
notes_new(uv_loop_t *loop, const struct keyring *ring, struct flood *logs, notes_fn *fn,
	void *owner, struct errmsg *err);

/* Any other piece of work on the state folder, done by the same thread, in its turn. */
struct notes_task {
	struct list node;
	/* on the thread; the ring may be behind the disk */
	void (*run)(struct keyring *ring, struct notes_task *task);
	/* on the loop, run or not; closing: nobody is there any more to whom it could matter. The
	   memory is the owner's again. */
	void (*done)(struct notes_task *task, bool closing);
};

void
notes_run(struct notes *n, struct notes_task *task);

/* One more for the thread; dropped if too many wait, or this one does already. peer: the
   connection was opened for it; NULL: an unknown caller. changed: another key of that peer is
   verified, which is a reason to warn. */
void
notes_add(struct notes *n, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *source, bool changed);

/* No fn any more; the memory goes when the thread is done. NULL is fine. */
void
notes_free(struct notes *n);

#endif
