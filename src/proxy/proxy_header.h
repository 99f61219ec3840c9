/* The header of the PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it. */
#ifndef SC_PROXY_PROXY_HEADER_H
#define SC_PROXY_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "tunnel/trunk.h"

#define PROXY_HEADER_MAX 108 /* of version 1: 107 and a NUL */

/* Writes the header of that version into out and returns its size. source NULL: it is not known
   who the client is: UNKNOWN in version 1; in 2 the command LOCAL, which every receiver must
   accept, with the addresses that the connection has (PROXY for the family UNSPEC it may refuse,
   and HAProxy 2.6 does). A destination without address (a Unix socket) is 0.0.0.0:0 or [::]:0; of
   two families both become IPv6. */
size_t
proxy_header_write(uint8_t out[PROXY_HEADER_MAX], enum proxy_header version,
	const struct stream_address *source, const struct stream_address *destination);

#endif
