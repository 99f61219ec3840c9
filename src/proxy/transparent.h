/* Sockets with the address of somebody else (IP_TRANSPARENT). */
#ifndef SC_PROXY_TRANSPARENT_H
#define SC_PROXY_TRANSPARENT_H

#include "tunnel/trunk.h"

#define TRANSPARENT_HINT                                                                           \
	"`source = original` needs the capability CAP_NET_RAW (or CAP_NET_ADMIN); see "            \
	"secureconn.ini(5)"

/* A TCP socket bound to that address, which need not be this host's, and to no port yet: what it
   connects to sees the address. Answers come back only if the host's routing leads them here. The
   descriptor, or libuv's error. */
int
transparent_socket(const struct stream_address *address);

/* 0: this process may have such sockets; else libuv's error. */
int
transparent_possible(void);

#endif
