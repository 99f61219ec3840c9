/* Renews the session keys of a peer's links on an operator's word. */
#ifndef SC_PROXY_RENEW_H
#define SC_PROXY_RENEW_H

#include "proxy/round.h"

struct renewed {
	bool known;     /* there is such a peer */
	unsigned links; /* whose keys are going to be renewed */
	uint64_t wait;  /* nanoseconds before the first of them begins (rekey_gap) */
};

/* On the first worker's thread. */
typedef void renew_fn(void *owner, const struct renewed *renewed);

/* fn is called once, perhaps before this returns; not after round_forget. *round is NULL then.
   False: out of memory. */
struct renewal_order {
	renew_fn *fn;
	void *owner;
	struct round *round;
};

bool
renew_peer(struct node *n, const char *peer, struct renewal_order *order);

#endif
