/* What other workers have of a peer. Links of one connection each (own.h) need nothing of each
   other, so they and their connections are spread over the workers, whichever of them the peer is
   on: there a branch is the peer. It is a struct peer of the same name that nobody finds by that
   name, made when it is first needed. It never has a link that is shared, is not dialed for one,
   and counts nothing: what is one for the whole peer is kept by its home, the peer itself. */
#ifndef SC_PROXY_BRANCH_H
#define SC_PROXY_BRANCH_H

#include "proxy/peer.h"

static inline bool
peer_is_branch(const struct peer *p)
{
	return p->home != p;
}

/* False: out of memory. After that branches_fini must be called. */
bool
branches_init(struct peer *home);

/* The memory, after the workers have closed them. */
void
branches_fini(struct peer *home);

/* From any thread: there will be connections with links of their own: each worker is to have a
   branch, and links ready there. */
void
branches_make(struct peer *home);

/* On the thread of `from`: where one more connection with a link of its own goes to, the worker
   that has fewest of them. It counts there until branch_leave. */
struct peer *
branch_enter(struct peer *home, const struct worker *from);

/* The same for one that belongs to this branch, or home. */
struct peer *
branch_enter_at(struct peer *p, const struct worker *from);

void
branch_leave(struct peer *p);

/* It is not the process that the peer is now, as far as that is known. */
bool
branch_is_earlier(struct peer *p, const uint8_t instance[HELLO_INSTANCE_SIZE]);

/* Another process of the peer has said HELLO to one of them: the others end what was with the one
   before. */
void
branches_restarted(struct peer *p);

/* As peer_error, of a branch: for its home's `status`. */
void
branch_error(struct peer *p, const char *where, const char *what);

#endif
