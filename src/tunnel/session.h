/* What a trunk knows of its session: the exchange that begins a link, what is kept while there is
   none, and what the peer must be told then (protocol.md 8.1). Not for anybody outside. */
#ifndef SC_TUNNEL_SESSION_H
#define SC_TUNNEL_SESSION_H

#include "base/list.h"
#include "tunnel/frames.h"
#include "tunnel/state_list.h"
#include "tunnel/trunk.h"

enum session_phase {
	SESSION_PHASE_WAIT,     /* I: for the answer; R: for I's first frame */
	SESSION_PHASE_STATES,   /* STATEs of the other's SESSION are coming */
	SESSION_PHASE_REFUSED,  /* R: has answered kind 3, waits for another SESSION */
	SESSION_PHASE_UP,
	SESSION_PHASE_SUSPENDED /* there is no connection */
};

struct session {
	enum session_phase phase;
	bool tell_up, tell_suspended, tell_resumed, tell_forgotten; /* events to be given out */
	struct trunk *moved;    /* TRUNK_MOVED is, with this one */
	uint8_t id[TRUNK_SESSION_SIZE];
	uint32_t generation;
	bool known;             /* I: R has answered kind 2 */
	uint64_t deadline;      /* of the exchange */

	/* What the other side says in the exchange. */
	uint8_t kind;
	uint32_t highest;
	uint32_t states_left;   /* STATEs still to come */
	uint32_t states_listed; /* of those that came, the ones that count against the limit: */
	uint32_t states_max;
	struct state_list list;
	/* The largest limits of streams of any of its links, this side's and the peer's. */
	uint32_t own_limit, peer_limit;

	uint64_t hold;          /* of the link that is up or was lost */
	uint64_t next_hold;     /* of the one whose exchange is under way */
	uint64_t hold_until;    /* 0: no link is lost */
	uint64_t lost_at;
	enum sc_error lost_by;
	uint64_t resent, gap;   /* for TRUNK_RESUMED */
};

/* A stream that this side has reset, as long as the peer may not know of it: it goes on being
   listed (protocol.md 8.1). */
struct kept_reset {
	struct list link;   /* on trunk->resets */
	bool due;           /* RESET is to be sent after the next exchange */
	bool fin;           /* this side's FIN had been sent */
	struct state state;
	uint64_t pings;     /* those sealed before RESET; the answer to a later one covers it */
	uint16_t code;
	char text[];
};

/* trunk_hold.c */

/* Takes over what the two HELLOs of a connection say. */
void
trunk_take_conn(struct trunk *t, const struct trunk_config *config, struct conn *conn);

/* Has nothing to do with its connection any more: what belongs to that is forgotten, the rest
   stays. May end the trunk, when memory is out. */
void
trunk_let_go(struct trunk *t);

/* The connection is lost: suspended, or the end. */
void
trunk_conn_lost(struct trunk *t, enum sc_error error);

/* trunk_session.c */

/* Begins a new session: I's SESSION goes into the queue. */
void
session_start(struct trunk *t);

/* I: the next generation of the session, on a new connection. */
void
session_go_on(struct trunk *t);

/* R: the session that the exchange under way would go on with. NULL: none. */
struct trunk *
session_named(const struct trunk *t);

enum session_verdict { SESSION_FRAME_TAKE, SESSION_FRAME_IGNORE, SESSION_FRAME_ERROR };

/* May this frame come, as far as the exchange of SESSIONs has got? */
enum session_verdict
session_judge(const struct trunk *t, const struct frame *frame);

enum sc_error
session_take(struct trunk *t, const struct frame *frame);

enum sc_error
session_take_state(struct trunk *t, const struct frame *frame);

/* trunk_resume.c */

/* May the peer say this of the streams of this trunk? SC_OK or SC_ERR_FRAME; nothing is changed.
   The list is sorted. */
enum sc_error
resume_check(const struct trunk *t, const struct state_list *list, uint32_t highest);

/* The exchange is complete: applies what the peer said. */
void
resume_apply(struct trunk *t, const struct state_list *list, uint32_t highest);

/* What this side says of the stream; that is then the limit. */
struct state
stream_state(struct stream *s);

/* Puts a SESSION of that kind, with the STATEs of all streams, into the queue. */
void
resume_compose(struct trunk *t, enum session_kind kind);

/* Puts a SESSION, or a STATE, into the queue. */
void
resume_queue_session(struct trunk *t, enum session_kind kind, uint32_t highest, uint32_t count);

void
resume_queue_state(struct trunk *t, const struct state *state);

/* resets.c */

/* This side has reset the stream: sends RESET, now or after the next exchange, and keeps in mind
   what the peer must be told in that. May end the trunk, when memory is out. */
void
resets_add(struct stream *s, enum close_code code, const char *text);

/* The same for an OPEN that is refused and never became a stream. */
void
resets_refuse(struct trunk *t, uint32_t id, enum close_code code);

/* The connection is lost, and with it, perhaps, RESETs. */
void
resets_lost(struct trunk *t);

/* The peer has answered the how-many-th PING. */
void
resets_known(struct trunk *t, uint64_t ping);

/* Puts their STATEs into the queue. */
void
resets_compose(struct trunk *t);

/* After an exchange: those that are due are sent. */
void
resets_send(struct trunk *t, const struct state_list *list);

void
resets_fini(struct trunk *t);

#endif
