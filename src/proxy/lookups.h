/* Asking the system for the addresses of names, on threads of their own: one that hangs there for
   minutes keeps nobody else waiting, neither public-key work nor the end of the node. */
#ifndef SC_PROXY_LOOKUPS_H
#define SC_PROXY_LOOKUPS_H

#include <stddef.h>
#include <sys/socket.h>

#include <uv.h>

#define LOOKUP_ADDRESSES_MAX 16 /* of one name; more are left out */
#define LOOKUP_THREADS_MAX   8
#define LOOKUP_HOST_SIZE     256

struct lookups;

/* The addresses of host, in the order of preference and without a port; on any thread. addresses
   has room for LOOKUP_ADDRESSES_MAX. 0 and *n > 0, or libuv's error (UV_EAI_*). */
typedef int lookup_fn(
	void *arg, const char *host, struct sockaddr_storage *addresses, size_t *n);

/* What came of it: *n addresses with error 0, or none. Valid during the call only; from the
   loop. */
typedef void lookup_done_fn(void *owner, const char *host, int error,
	const struct sockaddr_storage *addresses, size_t n);

/* fn: NULL: getaddrinfo. NULL: out of memory. */
struct lookups *
lookups_new(uv_loop_t *loop, lookup_fn *fn, void *arg, lookup_done_fn *done, void *owner);

/* Nothing is done any more. Threads that are in the system still end by themselves; they are not
   waited for. NULL is fine. */
void
lookups_free(struct lookups *l);

/* Asks for a name shorter than LOOKUP_HOST_SIZE; each that is asked for is answered once, later.
   0, or UV_ENOMEM: there is no memory, or no thread can be made. */
int
lookups_start(struct lookups *l, const char *host);

/* What libuv's error says to people. Those of a look-up are told as such: uv_strerror says
   "temporary failure", whatever it is that has failed. */
const char *
lookup_error_text(int error);

#endif
