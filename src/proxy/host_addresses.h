/* The addresses of this host's interfaces. */
#ifndef SC_PROXY_HOST_ADDRESSES_H
#define SC_PROXY_HOST_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tunnel/trunk.h"

/* An address that the host was given is known after this time at the latest. */
#define HOST_ADDRESSES_AGE NS_PER_S

/* What was found at the last look. Zeroed, it has not looked. */
struct host_addresses {
	struct stream_address *at;
	size_t n;
	uint64_t until; /* the next look */
};

/* True if an interface has it, whatever its port, or if that cannot be found out. */
bool
host_addresses_have(struct host_addresses *h, const struct stream_address *address, uint64_t now);

void
host_addresses_fini(struct host_addresses *h);

#endif
