/* Keys of peers that planned rotations have retired (protocol.md 12): links under them go, sessions
   go on under the newer keys, unlike those under keys that an operator has taken back. Goes by what
   the ring had before and after a refresh, whichever process has removed the key. Only in memory: a
   process that begins has no links and no sessions that could be under a retired key, and to its
   peers it is another instance, with which sessions of the one before end anyway (protocol.md
   8.1). */
#ifndef SC_PROXY_RETIRED_H
#define SC_PROXY_RETIRED_H

#include "keyring/keyring.h"

struct retired;

/* NULL: out of memory. */
struct retired *
retired_new(void);

/* NULL is fine. */
void
retired_free(struct retired *r);

/* Before and after keyring_refresh: the keys that have gone meanwhile beside a newer one of the
   same peer, whose overlap is over, are kept: all of this refresh, and the youngest 1,024 at
   least. */
void
retired_before(struct retired *r, const struct keyring *ring);

void
retired_after(struct retired *r, const struct keyring *ring);

/* A rotation has retired the key, and the one that took its place is verified for that peer. */
bool
retired_goes_on(const struct retired *r, const struct keyring *ring, const char *peer,
	const struct asym_impl *asym, const uint8_t *public_key);

#endif
