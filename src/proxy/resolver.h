/* What addresses names have now, and had when the system last had an answer: that is used for the
   time in which it has none. One for each loop. */
#ifndef SC_PROXY_RESOLVER_H
#define SC_PROXY_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <uv.h>

#include "base/list.h"
#include "proxy/lookups.h"

#define RESOLVER_NAMES_MAX 1024
/* So long a question waits for a new answer where there is an old one. */
#define RESOLVER_PATIENCE (2 * NS_PER_S)
/* So long an old answer is good enough where there is no new one. */
#define RESOLVER_OLD      (24 * 3600 * NS_PER_S)

struct resolver;

struct resolver_answer {
	int error; /* libuv's; 0: there are addresses */
	const struct sockaddr_storage *addresses; /* in the order of preference; without port */
	size_t n;
	bool old; /* the system has no answer just now: this is what it said before */
};

/* Called once, from the loop. The answer is valid during the call only. It may cancel questions,
   but not ask. */
typedef void answer_fn(void *owner, const struct resolver_answer *answer);

/* A question that is out; embedded in its owner. */
struct question {
	struct list node; /* on the name's questions */
	answer_fn *fn;
	void *owner;
	uint64_t asked;
	bool settled; /* an answer is there that is young enough */
};

/* lookup: how to ask the system; NULL: getaddrinfo. NULL: out of memory. */
struct resolver *
resolver_new(uv_loop_t *loop, lookup_fn *lookup, void *arg);

/* No answers any more. Does not wait for threads. NULL is fine. */
void
resolver_free(struct resolver *r);

/* Asks for the addresses of host, a name of at most 255 bytes. An answer that is not older than
   max_age (nanoseconds) is given without asking the system. UV_ENOMEM: too many names; 0
   otherwise, then fn is called, never from within this call. */
int
resolver_ask(struct resolver *r, const char *host, uint64_t max_age, struct question *q,
	answer_fn *fn, void *owner);

/* The owner does not wait any more. Fine for one that is not out. */
void
resolver_cancel(struct question *q);

/* Asks the system, if the answer is older than max_age; for the log, and for when it is needed. */
void
resolver_refresh(struct resolver *r, const char *host, uint64_t max_age);

#endif
