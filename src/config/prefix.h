/* Prefixes of addresses, as 10.1.0.0/16. */
#ifndef SC_CONFIG_PREFIX_H
#define SC_CONFIG_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct prefix {
	uint8_t size; /* 4 or 16 */
	uint8_t bits;
	uint8_t bytes[16]; /* zeros behind the bits */
	char text[52];     /* as shown */
};

struct prefix_list {
	struct prefix *at;
	size_t n;
	unsigned line; /* where it is set; 0 and NULL: a default */
	const char *file;
};

/* Reads "10.1.0.0/16", "2001:db8::/32", or one address. SC_OK or SC_ERR_INVALID with err set (no
   file:line in it); also if no address in it could ever be claimed. */
enum sc_error
prefix_parse(struct prefix *prefix, const char *text, struct errmsg *err);

bool
prefix_equal(const struct prefix *a, const struct prefix *b);

/* address: 4 or 16 bytes. */
bool
prefix_has(const struct prefix *prefix, const uint8_t *address, size_t size);

/* True if one of them has it. */
bool
prefixes_have(const struct prefix_list *list, const uint8_t *address, size_t size);

/* Addresses that are never used as those of somebody elsewhere, whoever claims them (protocol.md
   8): of loopback, link-local, multicast, none at all; and IPv4 ones mapped into IPv6, which are to
   be looked at as what they are. */
bool
address_never_claimed(const uint8_t *address, size_t size);

#endif
