/* Links that carry one connection each (`link = own` of a route), so that bulk does not share: who
   waits for one, how many are on their way, and those that are kept ready.

   Nothing on the wire is new. This node dials such a link and says in its HELLO that the other side
   may open no streams there, so that no other connection gets onto it, also while it waits for its
   own; when it has its stream GOAWAY(0) follows, by which both sides know that there comes no more,
   and the link ends by itself when the stream has.

   If the link is lost before, its session waits for another one of this kind (session.h), as long
   as `survive` says: any such link that comes up is for the one that waits longest, and only then
   for a connection. One that is lost while it waits for its connection is forgotten. */
#ifndef SC_PROXY_OWN_H
#define SC_PROXY_OWN_H

#include "base/error.h"
#include "base/list.h"
#include "proxy/backoff.h"

struct alarm;
struct asym_impl;
struct conn_info;
struct link;
struct local;
struct peer;
struct session;

struct own {
	struct list links;    /* struct link: all that are up, also those that the peer dialed */
	struct list ready;    /* of these, those that wait for a connection */
	unsigned n_ready;
	struct list waiting;  /* struct local: connections without a stream */
	/* struct session: those without a link, the oldest loss first, but each has two tries in a
	   row (session.h) */
	struct list lost;
	unsigned n_lost;
	bool credit;          /* the next loss is not waited for */
	struct list attempts; /* TCP connections under way */
	unsigned dialing;     /* these, and handshakes under way */
	struct alarm *retry;  /* the pause after a failure is over; set while `pausing` */
	bool pausing;
	struct backoff backoff;
};

/* These three as dial_init, dial_begin, dial_fini. */
bool
own_init(struct peer *p);

void
own_begin(struct peer *p);

void
own_fini(struct peer *p);

/* Opens a stream for a connection of such a route on a link that is ready. False: there is none. */
bool
own_open(struct local *l);

/* Serves those that wait, and dials what is missing. */
void
own_check(struct peer *p);

/* A link of its own has come up, whoever dialed it, with what was agreed there. */
void
own_up(struct link *l, const struct conn_info *info);

/* Its handshake ended with an error, as dial_failed. */
void
own_failed(struct link *l, enum sc_error error, const struct asym_impl *asym);

/* It takes no stream any more: GOAWAY, or it is gone, after so long. at_once: as dial_lost. */
void
own_gone(struct link *l, bool at_once, uint64_t lasted);

/* The same for one that is dead, from whatever state; once or more. */
void
own_dead(struct link *l);

/* A session of this node's has lost its link, before own_gone says that that is gone. */
void
own_lost(struct session *s);

/* It has one again, or ends. Nothing for one that has not lost any. */
void
own_found(struct session *s);

/* The one that waits longest. NULL: none does. */
struct session *
own_waiting(const struct peer *p);

/* One goes on. */
void
own_resumed(struct peer *p);

/* Connections or sessions wait for links. */
bool
own_wanted(const struct peer *p);

/* No attempts any more. */
void
own_stop(struct peer *p);

/* No attempt is under way. */
bool
own_rests(const struct peer *p);

#endif
