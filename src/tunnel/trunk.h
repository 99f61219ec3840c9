/* The tunnel's application protocol over one link, sans I/O: many streams with credit, taking
   turns (protocol.md 8). A trunk is this side of a session; it borrows a connection
   (secureconn/conn.h) that is up, takes its records apart and fills its output.

   A session outlives its connection (8.1). When that is lost, the trunk is suspended: its streams
   stay, take bytes from their owner as far as the peer's windows go, and give out what had come.
   Within the hold time I attaches it to a new connection (trunk_attach). R makes a trunk for every
   connection that it accepts; if the peer goes on with a session there that R has, that one takes
   the connection over, and the new trunk is empty (TRUNK_MOVED).

   Its owner, after it has moved bytes on the connection's ports, used a stream, or at a deadline:

	do {
		while (trunk_next_event(t, now, &event))  handle it;
		trunk_seal(t, now);
	} while (trunk_has_event(t));
	then write what conn_out_buf has; when it was full and has been written, again

   Between two calls of conn_in_buf the events are taken until there are none. Streams are handles
   of the trunk. The trunk owns them; `user` is the owner's. */
#ifndef SC_TUNNEL_TRUNK_H
#define SC_TUNNEL_TRUNK_H

#include <stdbool.h>

#include "secureconn/conn.h"

#define TRUNK_SERVICE_MAX  255 /* bytes of a service's name */
#define TRUNK_TEXT_MAX     200 /* bytes of a RESET's text */
#define TRUNK_SESSION_SIZE 16

struct trunk;
struct stream;
struct chunk_pool; /* tunnel/chunk.h: memory for streams' bytes, shared by the trunks of one loop */

/* What there is of a session that the peer's SESSION names (protocol.md 8.1). */
enum trunk_found {
	TRUNK_FOUND_NOTHING, /* the id was never heard of */
	TRUNK_FOUND_SESSION, /* *session has it, and this side is R in it */
	/* the same, but another process of this node may have it: the connection ends if the peer
	   goes on with it, and nothing is said */
	TRUNK_FOUND_ELSEWHERE,
	TRUNK_FOUND_NO_MORE /* it has ended (remembered for at least twice the hold time), or is not
			       this peer's to go on with */
};

struct trunk_config {
	bool initiator;       /* of the connection: I opens odd streams */
	uint32_t window;      /* W0, as this side's HELLO said: bytes a new stream may receive */
	uint32_t max_streams; /* as this side's HELLO said */
	uint64_t keepalive;   /* nanoseconds; nothing received for so long: PING; as long again:
	                         lost. 0: never */
	uint64_t hold;        /* nanoseconds that the session outlives its connection, at most what
	                         this side's HELLO said; the peer's bounds it too. 0: not */
	struct random_source random;
	struct chunk_pool *chunks; /* the same for all trunks of one peer */

	/* R, while `conn` is used: looks a session of the peer up by its id. NULL: there is
	   never one. */
	enum trunk_found (*find)(void *arg, const uint8_t *id, struct trunk **session);
	void *arg;
};

/* An address that the opener of a stream claims (OPEN's TLVs 1 and 2). */
struct stream_address {
	uint8_t size; /* 4 or 16, 0: not given */
	uint8_t bytes[16];
	uint16_t port;
};

struct stream_request {
	uint8_t service_size;
	uint8_t service[TRUNK_SERVICE_MAX]; /* not text until escaped, if from a peer */
	struct stream_address source, destination;
};

enum trunk_event_type {
	TRUNK_UP,       /* streams may be opened (I need not wait for R's answer to its SESSION) */
	TRUNK_OPEN,     /* the peer opens a stream: `request` says to what. Answer with
	                   stream_accept or stream_reset; its bytes may come at once */
	TRUNK_OPENED,   /* the peer's target accepted the stream that this side opened */
	TRUNK_DATA,     /* stream_recv_buf has bytes, where it had none */
	TRUNK_FIN,      /* the peer sends no more: after the bytes that stream_recv_buf still has
	                   comes the end */
	TRUNK_WRITABLE, /* stream_send_buf has room again, where it had none */
	TRUNK_RESET,    /* the stream is over: `code`, `text` (the peer's, unescaped) */
	TRUNK_END,      /* the stream is over, cleanly, in both directions */
	TRUNK_GOAWAY,   /* the peer takes no new streams: `code` */
	TRUNK_SUSPENDED, /* the connection is lost by `error` and not used any more; the streams
	                    stay. The owner closes it and, if it is I, dials again. TRUNK_RESUMED or
	                    TRUNK_CLOSED follows */
	TRUNK_MOVED,    /* R: `session` has taken the connection over; if it had one, that is to be
	                   closed at once, without a word. This trunk is empty: the owner frees it
	                   and goes on with `session` on the connection */
	TRUNK_RESUMED,  /* the session goes on, after `gap`; `resent` bytes go once more */
	TRUNK_FORGOTTEN, /* I: the peer does not know the session: its streams have had their
	                    TRUNK_RESET, and another one begins here */
	TRUNK_CLOSED    /* the trunk is over: `code` of the peer's CLOSE or the one sent, `error`.
	                   Every stream has had its TRUNK_RESET. `session`, if it is not NULL, has
	                   ended with this one. The owner goes on with trunk_seal
	                   while trunk_wants_seal (CLOSE), writes what the connection's output has,
	                   shuts writing down, discards input until its end or 2 s, and closes */
};

struct trunk_event {
	enum trunk_event_type type;
	struct stream *stream; /* after TRUNK_RESET and TRUNK_END it dies with the next call of
	                          trunk_next_event */
	uint16_t code;         /* enum close_code */
	enum sc_error error;   /* TRUNK_CLOSED: SC_ERR_CLOSED if the peer sent CLOSE, SC_OK after
	                          this side's own, else why the link is lost or what rule the peer
	                          broke; SC_ERR_HOLD after the hold time */
	struct span text;      /* TRUNK_RESET and TRUNK_CLOSED: more about why, if there is */
	const struct stream_request *request; /* TRUNK_OPEN; valid until the next call */
	struct trunk *session;
	uint64_t resent, gap;  /* bytes; nanoseconds, 0: the loss was not noticed */
};

/* NULL: out of memory. Starts a session of its own on the connection, which is in CONN_UP and
   outlives the trunk's use of it (until trunk_free). I's SESSION is the first frame. */
struct trunk *
trunk_new(const struct trunk_config *config, struct conn *conn, uint64_t now);

/* What the first record of a connection that is up says, which the trunk on it is still to take. */
enum trunk_named {
	TRUNK_NAMED_NOT_YET, /* it has not come */
	TRUNK_NAMED_SESSION, /* I's SESSION: id is set, TRUNK_SESSION_SIZE bytes */
	TRUNK_NAMED_NOTHING  /* something else */
};

enum trunk_named
trunk_named(struct conn *conn, uint8_t *id);

/* Frees the trunk and all its streams without a word to the peer. NULL is fine. */
void
trunk_free(struct trunk *t);

/* The next event, from records that the connection has received. True: *event is set. False:
   there is none now. Bytes of a stream that the owner has not acknowledged are moved to the
   stream's own memory by the next call. */
bool
trunk_next_event(struct trunk *t, uint64_t now, struct trunk_event *event);

/* An event waits that no byte of the peer will bring: what was sealed, or a call of the owner's,
   made it. */
bool
trunk_has_event(const struct trunk *t);

/* Seals what waits into the connection's output, as much as it has room for: control frames
   first, then streams in turns. May make events (TRUNK_END). */
void
trunk_seal(struct trunk *t, uint64_t now);

/* brisk: small streams are in conversation beside large ones. Then these have little under way, so
   that those wait for little; it costs the large ones some calls. May be called at any time. */
void
trunk_brisk(struct trunk *t, bool brisk);

/* From now on streams' bytes are only sealed while fewer bytes than this wait in the connection's
   output. At first: as many as it has room for. */
void
trunk_set_ahead(struct trunk *t, size_t bytes);

/* True if trunk_seal would seal something, given room. */
bool
trunk_wants_seal(const struct trunk *t);

/* The time at which trunk_tick wants to be called, UINT64_MAX: never, 0: trunk_has_event. */
uint64_t
trunk_deadline(const struct trunk *t);

/* Keepalive, WINDOWs that are due, the SESSION deadline. May make events and output. */
void
trunk_tick(struct trunk *t, uint64_t now);

/* Nothing was received for so long that trunk_tick will act on it: time to call trunk_delivered, if
   there is reason to. */
bool
trunk_silent(const struct trunk *t, uint64_t now);

/* Bytes have come, be they a whole record or not: on a slow link a record takes long. The peer,
   which sees nothing of that while its own bytes wait on the way, is given a sign of life (PAD) if
   nothing else was sent for half the keepalive. Before the events are taken. */
void
trunk_heard(struct trunk *t, uint64_t now);

/* At that time the transport has delivered bytes that were sent: a PING may still be on its way
   behind others. */
void
trunk_delivered(struct trunk *t, uint64_t when);

/* The connection has ended or failed: TRUNK_SUSPENDED comes with its error; or, without a hold
   time, every stream gets TRUNK_RESET(12), then TRUNK_CLOSED comes. No effect on a trunk that is
   over or suspended. */
void
trunk_lost(struct trunk *t);

/* I: goes on over another connection, with what its HELLOs said; as trunk_new. The trunk is
   suspended. */
void
trunk_attach(struct trunk *t, const struct trunk_config *config, struct conn *conn, uint64_t now);

/* The trunk has no connection, and its streams wait for one. */
bool
trunk_suspended(const struct trunk *t);

/* No new streams, in either direction; open ones go on. When none is left, and those that the peer
   was just opening have been refused (a round trip, at most 2 s), CLOSE(0) follows, and
   TRUNK_CLOSED with SC_OK. */
void
trunk_goaway(struct trunk *t, enum close_code code);

/* CLOSE, unless it is suspended: ends the trunk now; streams that are open get TRUNK_RESET(code),
   then TRUNK_CLOSED comes. No effect on a trunk that is over. */
void
trunk_close(struct trunk *t, enum close_code code);

/* The same; the events of the streams say why, as if the peer had (static text,
   or NULL). */
void
trunk_close_because(struct trunk *t, enum close_code code, const char *text);

/* Streams that exist. */
size_t
trunk_streams(const struct trunk *t);

/* There are streams, or the peer may not know yet that one was reset. */
bool
trunk_unsettled(const struct trunk *t);

/* OPENs of the peer that were answered with RESET(11), because it had max_streams open, so far. */
uint64_t
trunk_refused(const struct trunk *t);

/* The session's id, the same at both ends once TRUNK_UP has come. */
const uint8_t *
trunk_session_id(const struct trunk *t);

/* The last measured round trip in nanoseconds (PING), 0: not yet. */
uint64_t
trunk_rtt(const struct trunk *t);

/* Opens a stream to a service of the peer. Bytes may be sent at once. NULL: not possible now (not
   up, GOAWAY either way, the peer's limit, memory). */
struct stream *
trunk_open(struct trunk *t, const struct stream_request *request, void *user);

/* After TRUNK_RESET for a stream of the peer that this side had neither accepted nor reset: the
   local connect attempt is over now (until then it counts against the limit of streams,
   protocol.md 8). Exactly once each. */
void
trunk_attempt_ended(struct trunk *t);

/* OPENED: the local target has accepted. */
void
stream_accept(struct stream *s);

/* Ends the stream now: RESET goes to the peer (text is cut at TRUNK_TEXT_MAX bytes, may be NULL).
   The handle is gone; no event for it follows. */
void
stream_reset(struct stream *s, enum close_code code, const char *text);

/* Stream send: where the next bytes from the application go. NULL and 0 if there is no room: stop
   reading, TRUNK_WRITABLE will come; or, if memory is out or the trunk is over, TRUNK_RESET. The
   span stays at its place until it is acknowledged. */
uint8_t *
stream_send_buf(struct stream *s, size_t *n);

/* n bytes were written to the span; 0 gives it back (memory of a stream that has nothing to send is
   released). */
void
stream_send_ack(struct stream *s, size_t n);

/* The application sends no more. */
void
stream_send_fin(struct stream *s);

/* All bytes that were given to the stream are still here: the peer has counted none. */
bool
stream_send_whole(const struct stream *s);

/* Those bytes, from the from'th on, a piece at a time; NULL and 0 behind the last one. Also after
   TRUNK_RESET, until the next call of trunk_next_event: a stream of this side that is refused
   before TRUNK_OPENED, with any code but 12, has passed nothing on, and another one may. */
const uint8_t *
stream_send_kept(const struct stream *s, size_t from, size_t *n);

/* Stream receive: bytes for the application, NULL and 0 if there are none now. Valid until the next
   trunk_next_event; not to be kept. */
const uint8_t *
stream_recv_buf(struct stream *s, size_t *n);

/* The same in all the pieces there are, at most `max`, for one write of all. Returns their
   number. */
size_t
stream_recv_spans(struct stream *s, struct span *spans, size_t max);

/* stream_recv_buf, but the span stays at its place until it is acknowledged or the handle is gone:
   for a write that goes on later. NULL and 0 where stream_recv_buf has bytes: memory is out, the
   stream must be reset. */
const uint8_t *
stream_recv_hold(struct stream *s, size_t *n);

/* The application has taken n bytes: they become credit for the peer. */
void
stream_recv_ack(struct stream *s, size_t n);

/* The end has been passed on to the application too, after TRUNK_FIN and the last byte. May end
   the stream (TRUNK_END follows). */
void
stream_recv_fin_ack(struct stream *s);

uint32_t
stream_id(const struct stream *s);

void *
stream_user(const struct stream *s);

void
stream_set_user(struct stream *s, void *user);

struct trunk *
stream_trunk(const struct stream *s);

#endif
