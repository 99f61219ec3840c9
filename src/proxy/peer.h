/* A peer: its links, the local connections that wait for one, its instance. */
#ifndef SC_PROXY_PEER_H
#define SC_PROXY_PEER_H

#include <stdatomic.h>

#include "proxy/choice.h"
#include "proxy/dial.h"
#include "proxy/inbox.h"
#include "proxy/node.h"
#include "proxy/own.h"

struct link;

/* For `status`: since the start, over all links. */
struct peer_counts {
	atomic_uint_fast64_t links, streams, renewals, resumed; /* from any thread */
	atomic_uint_fast64_t bytes_in, bytes_out; /* the same: on the wire of authenticated links */
	/* bytes a second between the last two looks, and what was there at the last one */
	uint64_t rate_in, rate_out;
	uint64_t measured, measured_in, measured_out;
	char error[160]; /* the last one, "" */
	uint64_t error_at;
};

struct peer {
	struct list at; /* on worker.peers, until the node ends */
	struct worker *owner;
	bool begun;                  /* on its worker */
	struct post begin, verified; /* from the node's own thread to the owner's */
	/* itself; a branch (branch.h): the peer that it is of, which has `counts`, what other
	   threads read, and how many links there are for all of them */
	struct peer *home;
	uv_mutex_t lock;        /* the home's: */
	struct peer **branches; /* by worker, itself among them; NULL: not made yet */
	unsigned n_branches;
	struct post restarted, failed; /* to it, and from a branch home */
	char name[PEER_NAME_SIZE];
	/* NULL: it has no section (any more): nobody dials it, and it may not call */
	const struct config_peer *config;
	struct list links;                /* struct link, those that are up, the youngest last */
	atomic_uint links_up;             /* these, and those of their own (own.h) */
	atomic_uint suspended;            /* sessions that wait for a link */
	struct list waiting;              /* struct local of routes, without a stream */
	struct list sessions;             /* struct session, with a link or without */
	struct list ended;                /* struct ended: sessions that are not to go on */
	size_t n_ended;
	struct dialer dialer;
	struct own own;
	bool has_instance; /* these three under the lock */
	uint8_t instance[HELLO_INSTANCE_SIZE]; /* of its process that is the present one */
	uint64_t instance_birth;               /* of the youngest connection to that */
	struct peer_counts counts;
	/* For routes with several peers; written by the peer's own thread, read by others: */
	atomic_bool up;               /* a link takes streams */
	_Atomic uint64_t coming_until; /* while none is up: so long there soon may be one; */
	_Atomic uint64_t ready_at; /* and from then on one would be dialed for whoever needs it */
	/* connections of routes that it has, or that are on their way to it; from any thread */
	atomic_uint clients;
};

/* All peers of the configuration. False: out of memory. */
bool
peers_init(struct node *n);

/* The memory, after their workers have closed them. */
void
peers_free(struct node *n);

/* One that its worker has closed, or that has not begun. NULL is fine. */
void
peer_free(struct peer *p);

/* On the node's own thread: by its name. One without a section is made when it first comes, and
   begins on the worker that it is given. NULL: out of memory, or no such peer and !create. */
struct peer *
peer_find(struct node *n, const char *name, bool create);

/* On its own worker, before anything else there: once, or more. */
void
peer_begin(struct peer *p);

/* One for another worker, which begins there when its turn comes; for branch.h. NULL: out of
   memory. From any thread. */
struct peer *
peer_branch(struct peer *home, struct worker *w);

/* From the node's own thread: a key of it was just verified. */
void
peer_verified(struct peer *p);

/* The link for a new stream: the youngest that is up and has no GOAWAY. NULL: there is none. */
struct link *
peer_link(const struct peer *p);

/* Something went wrong with the peer: kept for `status`. */
void
peer_error(struct peer *p, const char *where, const char *what);

/* Measures the rates, every now and then. */
void
peer_measure(struct peer *p, uint64_t now);

/* How the peer stands. From any thread. */
enum standing
peer_standing(const struct peer *p, uint64_t now);

/* A link has come up, or takes no more streams, or has gone: how the peer stands now. */
void
peer_look(struct peer *p);

/* It is being dialed, and nobody knows yet how that ends. */
void
peer_dialing(struct peer *p);

/* Dialing has failed: it is not worth a wait just now. */
void
peer_away(struct peer *p);

/* A link has said HELLO. Ends the links of an earlier instance of the peer. False: this link
   itself is of an earlier one and must end (protocol.md 8.1). */
bool
peer_hello(struct peer *p, struct link *l);

/* A link can take streams (again): gives them to those that wait, as many as it takes. */
void
peer_serve(struct peer *p);

/* A link of the peer has gone, or takes no more streams, or somebody waits: dials, if that is
   wanted. */
void
peer_want(struct peer *p);

#endif
