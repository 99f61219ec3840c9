/* Connects to the first of some endpoints that answers: names looked up off the loop, every
   address in turn, each with a deadline. For links and for the targets of services alike. */
#ifndef SC_PROXY_CONNECT_H
#define SC_PROXY_CONNECT_H

#include "config/config.h"
#include "proxy/address.h"
#include "proxy/sock.h"

#define CONNECT_ADDRESS_DEADLINE (5 * NS_PER_S)
#define CONNECT_ADDRESSES_MAX    16 /* of one name */

struct connector;

/* Called exactly once, never from within connect_start or connect_cancel; the connector is gone
   after it. sock: connected, without owner, the callee's; or NULL, then `error` is libuv's
   (UV_ECANCELED after connect_cancel). `address`: where it is connected to, or the last one
   tried. A failure is told only when no look-up of a name is under way any more: who counts
   attempts, counts those too. */
typedef void connect_fn(void *owner, struct sock *sock, int error, const char *address);

/* Endpoints stay the caller's until fn is called. deadline: the last moment for all of it, as
   uv_hrtime (a look-up that hangs in the system's resolver may take longer). NULL: out of
   memory. */
struct connector *
connect_start(uv_loop_t *loop, const struct endpoint_list *endpoints, uint64_t deadline,
	connect_fn *fn, void *owner);

void
connect_cancel(struct connector *c);

#endif
