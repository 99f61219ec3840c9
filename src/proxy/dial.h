/* Dialing one peer: when, with which keys, and how long to wait after a failure. */
#ifndef SC_PROXY_DIAL_H
#define SC_PROXY_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proxy/backoff.h"
#include "proxy/connect.h"
#include "proxy/flood.h"
#include "secureconn/conn.h"

struct peer;
struct link;
struct connector;
struct alarm;

struct dialer {
	struct alarm *retry; /* a wait is over; set while `waiting` */
	bool waiting;
	struct connector *connector; /* TCP under way */
	struct link *link;           /* its handshake under way, */
	struct sockaddr_storage to;  /* with this address */
	/* Where handshakes have failed of late: an address that answers need not be the peer's. */
	struct dead_ends dead_ends;
	uint64_t dead_until;
	uint64_t refreshed; /* the names were looked up */
	struct backoff backoff;
	bool credit;          /* one link that was lost soon may be dialed again at once */
	bool again;           /* at once, after the attempt under way */
	uint64_t eager_until; /* so long a rejected key is tried again soon */
	/* per own key: when it was last rejected, as a count; 0 never */
	uint64_t *rejected;
	uint64_t rejections;
	struct flood failures;     /* of dialing and of handshakes, in the log */
	uint64_t retry_at;         /* the wait is over then */
	enum sc_error last;        /* how the last handshake ended */
	char last_error[160];      /* of the last attempt, for those that wait; "" */
	struct conn_memory memory; /* of the last connection that was authenticated, */
	uint64_t memory_until;     /* kept so long; 0: none */
	uint64_t flight_from;      /* SecureConn 1.1 is not suggested before */
};

/* On any thread. False: out of memory; dial_fini is to be called all the same. */
bool
dial_init(struct peer *p);

/* On the peer's worker, before anything else here. */
void
dial_begin(struct peer *p);

/* There too, or on any thread if it has not begun. */
void
dial_fini(struct peer *p);

/* Starts an attempt, unless one is under way, a wait is on, or no link is wanted. */
void
dial_check(struct peer *p);

/* The same without waiting: a key of the peer was just verified. */
void
dial_now(struct peer *p);

/* Now and then: asks for the addresses of the peer's names, if that was long ago. A change is
   logged, and an answer is there when the next attempt finds none. */
void
dial_refresh(struct peer *p);

/* No attempts any more. */
void
dial_stop(struct peer *p);

/* The dialed link is up with what was agreed there: the next connection may suggest SecureConn
   1.1. */
void
dial_succeeded(struct peer *p, const struct conn_info *info);

/* The part of it that does not concern this dialer: what SecureConn 1.1 needs. */
void
dial_remember(struct peer *p, const struct conn_info *info);

/* What a connection to the peer may suggest SecureConn 1.1 with, or NULL: speak 1.0. */
const struct conn_memory *
dial_memory(const struct peer *p);

/* The own keys have changed: the next connection speaks 1.0. */
void
dial_forget(struct peer *p);

/* A handshake that had suggested SecureConn 1.1 ended with an error: the next ones speak 1.0, for
   an hour (protocol.md 10). Before dial_failed. */
void
dial_flight_failed(struct peer *p, enum sc_error error);

/* The handshake of the dialed link ended with an error; asym: with keys of that kind, NULL:
   before one was agreed. */
void
dial_failed(struct peer *p, enum sc_error error, const struct asym_impl *asym);

/* The part of it that has to do with keys: what was rejected is offered last. */
void
dial_rejected(struct peer *p, enum sc_error error, const struct asym_impl *asym);

/* Why there is no link, for those that wait and for status. */
void
dial_note(struct peer *p, const char *address, const char *why);

/* The same for the log, within bounds; ms: until the next attempt. */
void
dial_log(struct peer *p, const char *address, const char *why, uint64_t ms);

/* A link of the peer is gone that was up for so long, or takes no more streams. at_once: it was
   lost, or GOAWAY(0) came, and the peer has not asked to be left alone: then a link that had lasted
   is dialed again without a wait, and one that had not, once; after that the waits grow for as long
   as links do not last. */
void
dial_lost(struct peer *p, bool at_once, uint64_t lasted);

/* The own keys to offer on a connection to the peer, in order (protocol.md 2): where keys of it
   are verified, only algorithms of these; what was rejected last comes last. keys has room for
   all of the node's. Returns how many. */
size_t
dial_keys(const struct peer *p, struct conn_key *keys);

#endif
