/* Connects to the first of some endpoints that answers: names looked up off the loop, all their
   addresses raced as race.h says. For links and for the targets of services alike. */
#ifndef SC_PROXY_CONNECT_H
#define SC_PROXY_CONNECT_H

#include "config/config.h"
#include "proxy/address.h"
#include "proxy/resolver.h"
#include "proxy/sock.h"

#define CONNECT_STAGGER          (250 * NS_PER_MS) /* RFC 8305, 8 */
#define CONNECT_PATIENCE         (500 * NS_PER_MS) /* with names of earlier endpoints */
#define CONNECT_ADDRESS_DEADLINE (5 * NS_PER_S)

/* Addresses that accepted a connection and led nowhere, the one of last at the end. */
struct dead_ends {
	struct sockaddr_storage at[16]; /* with the port */
	size_t n;
};

/* What to connect to, and how. */
struct connect_plan {
	struct resolver *resolver;
	const struct endpoint_list *endpoints; /* at most 64 are looked at */
	uint64_t next;     /* nanoseconds: from the attempts at one endpoint to those at the next */
	uint64_t max_age;  /* an answer of the resolver may be so old */
	uint64_t deadline; /* the last moment for all of it, as uv_hrtime */
	const struct dead_ends *last; /* tried after all others, the latest last; NULL: none */
	/* whom the other side is to see (transparent.h), so only addresses of its family count, and
	   no Unix sockets; size 0: this host */
	struct stream_address source;
};

struct connector;

/* Called exactly once, never from within connect_start or connect_cancel; the connector is gone
   after it. sock: connected, without owner, the callee's; or NULL, then `error` is libuv's
   (UV_ECANCELED after connect_cancel). `address`: where it is connected to, or the last one
   tried. */
typedef void
connect_fn(void *owner, struct sock *sock, int error, const char *address);

/* The plan and its endpoints are copied; its resolver and dead ends stay the caller's until fn is
   called. NULL: out of memory. */
struct connector *
connect_start(uv_loop_t *loop, const struct connect_plan *plan, connect_fn *fn, void *owner);

/* What is connected already is reset. */
void
connect_cancel(struct connector *c);

/* Asks for the addresses of the endpoint's name, if it has one, so that they are known. */
void
connect_refresh(struct resolver *r, const struct endpoint *endpoint);

/* The address led nowhere, most recently; the oldest one is forgotten. */
void
dead_ends_add(struct dead_ends *d, const struct sockaddr_storage *address);

void
dead_ends_remove(struct dead_ends *d, const struct sockaddr_storage *address);

#endif
