/* What a peer says of where a connection comes from, and whether it is believed (protocol.md 8,
   Authorisation). */
#ifndef SC_PROXY_CLAIM_H
#define SC_PROXY_CLAIM_H

#include "config/config.h"
#include "proxy/host_addresses.h"
#include "tunnel/trunk.h"

enum claim {
	CLAIM_GOOD,
	CLAIM_MISSING,     /* the peer says nothing */
	CLAIM_NEVER,       /* loopback, link-local, multicast, no address of anybody */
	CLAIM_NOT_GRANTED, /* `sources` of the peer does not have it */
	CLAIM_OWN          /* this host has it */
};

/* peer may be NULL: one without a section. */
enum claim
claim_judge(const struct stream_address *claimed, const struct config_peer *peer,
	struct host_addresses *own, uint64_t now);

/* As a clause, for the log. */
const char *
claim_text(enum claim claim);

#endif
