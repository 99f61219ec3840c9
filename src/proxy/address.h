/* Socket addresses as text, as what limits count, and as OPEN's TLVs carry them. Opens no
   socket. */
#ifndef SC_PROXY_ADDRESS_H
#define SC_PROXY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tunnel/trunk.h"

#define ADDRESS_TEXT_SIZE 64 /* "[2001:db8::1]:7400" and a NUL */

/* Whom a connection is counted against (protocol.md 11): an IPv4 address or an IPv6 /64. */
struct source {
	uint8_t size; /* 4 or 8; 0: none of these (a Unix socket) */
	uint8_t bytes[8];
};

/* "203.0.113.5:7400", "[2001:db8::1]:7400", or "unix". An IPv4 address mapped into IPv6 is shown
   as the IPv4 address that it is; the other functions here treat it so too. */
void
address_text(char out[ADDRESS_TEXT_SIZE], const struct sockaddr *address);

/* The same without a port, and without brackets. */
void
address_host_text(char out[ADDRESS_TEXT_SIZE], const struct sockaddr *address);

/* The same host, whatever the ports. */
bool
address_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* The same host and port. */
bool
address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* This host itself, by an address that no other one has. */
bool
address_is_loopback(const struct sockaddr *address);

/* address: AF_INET or AF_INET6. */
void
address_set_port(struct sockaddr_storage *address, uint16_t port);

struct source
address_source(const struct sockaddr *address);

/* The source of an address in the form of address_text. size is 0 if it cannot be read. */
struct source
address_source_parse(const char *text);

bool
source_equal(const struct source *a, const struct source *b);

/* As OPEN carries it; size 0 for a Unix socket. */
struct stream_address
address_to_stream(const struct sockaddr *address);

/* "" if none is given. */
void
stream_address_text(char out[ADDRESS_TEXT_SIZE], const struct stream_address *address);

#endif
