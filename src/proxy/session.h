/* The streams between this node and a peer, with a link or, for a while, without one (protocol.md
   8.1): which sessions a peer has, who goes on with which, and when one is given up. */
#ifndef SC_PROXY_SESSION_H
#define SC_PROXY_SESSION_H

#include "proxy/link.h"

#define SURVIVE_DEFAULT (60 * NS_PER_S) /* of a peer without a section */

struct session {
	struct list node; /* on peer.sessions, in the order of their beginning */
	struct peer *peer;
	struct trunk *trunk;
	struct link *link;   /* NULL: suspended */
	/* struct local with a stream here, or with an attempt that counts here */
	struct list locals;
	struct list lost;    /* on peer.own.lost */
	struct alarm *alarm; /* suspended: the next thing to do */
	struct session_id listed; /* in node.session_ids */
	bool own;            /* this node dials for it */
	bool single;         /* over links of one connection each (own.h), and no others */
	bool counted;        /* among the suspended ones of the peer */
	bool known;          /* the peer has begun it */
	bool goaway;         /* no new streams */
	uint16_t goaway_code;
	/* of its last link */
	bool has_instance;
	uint8_t instance[HELLO_INSTANCE_SIZE];
	const struct asym_impl *asym;
	uint8_t key[ASYM_PUBLIC_MAX];
	uint64_t lost_at;
	unsigned tries; /* links since then over which it did not come to go on */
	size_t held;      /* streams when it was lost */
	uint64_t refused; /* streams above the limit, as far as they were counted */
};

/* How long sessions with this peer outlive a link, as far as this node has a say. */
uint64_t
session_hold(const struct peer *p);

/* What the HELLO of a connection says of it, in seconds; p: it is dialed, NULL: accepted, and
   nobody knows yet from whom. */
uint16_t
session_hello_hold(const struct config *c, const struct peer *p);

/* The link is authenticated: it gets a session that waits for it, or a new one. False: out of
   memory. */
bool
session_join(struct link *l);

/* Something was done with a stream of it. */
void
session_touch(struct session *s);

/* A session of the peer waits for this node to dial a link that is shared. */
bool
sessions_wait(const struct peer *p);

/* One of these has streams. */
bool
sessions_hold(const struct peer *p);

/* The HELLO of a link shows that the peer has begun anew: ends the sessions of its earlier
   instance. */
void
sessions_end_earlier(struct peer *p);

/* Ends those that have no link and whose key is not verified any more, nor one in its place. */
void
sessions_check_keys(struct peer *p);

/* No new streams in those that have no link. */
void
sessions_drain(struct peer *p);

/* Ends those that have no link. */
void
sessions_end(struct peer *p, enum close_code code, const char *text);

/* Frees all that is left. */
void
sessions_fini(struct peer *p);

/* ---- between session.c, link_events.c and link_end.c ---- */

/* An event of one of its streams, or of the session. */
void
session_handle(struct session *s, const struct trunk_event *event);

/* Its link is lost: it waits for another one. */
void
session_suspend(struct session *s, enum sc_error error);

/* `to` has taken the link over from this session, which has no streams. */
void
session_move(struct session *s, struct trunk *to);

/* Its id is known: other peers cannot have it. */
void
session_list_id(struct session *s);

/* ---- between session.c and session_find.c ---- */

/* It has ended: the peer is not to go on with it. */
void
session_ended(struct session *s);

/* For a trunk's `find`; arg: the link that its exchange is on. */
enum trunk_found
session_find(void *arg, const uint8_t *id, struct trunk **session);

/* Those that have ended. */
void
sessions_forget(struct peer *p);

/* The link's memory goes, and the session that ended with it. */
void
session_free(struct session *s);

#endif
