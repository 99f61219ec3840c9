/* What the files of this folder know of each other: the two structures, and the calls between
   trunk*.c and stream*.c. Not for anybody outside. */
#ifndef SC_TUNNEL_TRUNK_INTERNAL_H
#define SC_TUNNEL_TRUNK_INTERNAL_H

#include "base/list.h"
#include "tunnel/bytes.h"
#include "tunnel/control_queue.h"
#include "tunnel/frames.h"
#include "tunnel/session.h"
#include "tunnel/stream_table.h"
#include "tunnel/trunk.h"

#define SESSION_TIMEOUT (10 * NS_PER_S)
#define WINDOW_DELAY    (NS_PER_S / 10) /* at most 1 s; the peer keeps the bytes so long */
#define DRAIN_DELAY     (2 * NS_PER_S)  /* for OPENs under way when GOAWAY was sealed */

#define WINDOWS_LATE    128 /* at most; the peer keeps a chunk or more for each of them */
#define PLACES          16  /* DATA frames that an owner gets at once */

/* Events of a stream that no frame of it brings. */
enum news_flag { NEWS_OPENED = 1, NEWS_WRITABLE = 2 };

/* Frames of a stream that wait to be sealed. What they say is taken from the stream when they
   are. */
enum control_flag { CONTROL_OPEN = 1, CONTROL_OPENED = 2, CONTROL_WINDOW = 4, CONTROL_FIN = 8 };

/* covered <= sent <= written. The bytes from covered to written are in `bytes`. None is sent or
   taken from the owner above `limit`; only a stream that is opened once more may have some
   there. */
struct stream_send {
	struct bytes bytes;
	uint64_t covered;     /* what the peer's WINDOWs and STATEs count: bytes, plus 1 for FIN */
	uint64_t counted;     /* what its last WINDOW counts */
	uint64_t sent;        /* sealed */
	uint64_t written;     /* by the owner */
	uint64_t limit;       /* what the peer allows */
	uint32_t round;       /* of the trunk's turns, which `turn` belongs to */
	size_t turn;          /* bytes left of the present turn */
	size_t lent;          /* bytes of the span of stream_send_buf that the owner has */
	enum chunk_class class; /* of the next chunk: a larger one when the owner fills its spans */
	bool few;             /* it waits on trunk->first */
	bool starved;         /* the owner was told that there is no room */
	bool fin, fin_sealed; /* the owner has called stream_send_fin; FIN is sealed */
	bool fin_counted;     /* by a WINDOW */
};

/* announced <= consumed <= received <= limit. The bytes from consumed to received are in `bytes`,
   or in place (trunk->in_place). */
struct stream_recv {
	struct bytes bytes;
	uint64_t received;      /* bytes */
	uint64_t consumed;      /* bytes that the owner has taken */
	uint64_t announced;     /* consumed, as in the last WINDOW */
	uint64_t limit;         /* what the last WINDOW or STATE (or W0) allows the peer */
	uint64_t promised;      /* of it, what counts in the pool's budget */
	uint64_t round_at;      /* when the present round trip's measuring began */
	uint64_t round_from;    /* consumed then */
	uint32_t window;        /* what the next WINDOW should allow, by these measures */
	uint64_t due;           /* when a WINDOW must go at the latest; only while on trunk->due */
	bool fin;               /* FIN has been received */
	bool fin_consumed;      /* the owner has passed it on */
	bool fin_announced;     /* the WINDOW that counts it is sealed, */
	bool fin_was_announced; /* over any link of the session */
};

struct stream {
	struct table_node node; /* the id */
	struct trunk *trunk;
	void *user;
	struct list link;    /* on trunk->streams, then on trunk->over */
	struct list control; /* on trunk->control while control_flags is not 0 */
	struct list ready;   /* on trunk->first or ->ready while there are bytes to be sealed */
	struct list due;     /* on trunk->due while consumed bytes wait to be announced */
	struct list told;    /* on trunk->news while news_flags is not 0 */
	uint8_t control_flags;
	uint8_t news_flags;
	bool own;            /* opened by this side */
	bool opened;         /* accepted, by whichever side it was to */
	bool opened_sealed;  /* this side has said so */
	bool over;           /* no frame of it is sent or taken in any more */
	enum trunk_event_type over_type; /* the event that tells the owner */
	uint16_t over_code;
	struct span over_text;
	struct stream_send send;
	struct stream_recv recv;
	size_t open_size;    /* OPEN's payload, if this side opened it */
	uint8_t open[];
};

struct trunk {
	struct trunk_config config;
	struct conn *conn;            /* NULL while suspended */
	uint64_t now;                 /* of the last call that told it */
	uint32_t peer_window, peer_max_streams;
	uint64_t refused; /* OPENs above the limit */

	struct stream_table table;
	struct list streams;          /* all that are not over */
	struct list over;             /* those whose last event has not been given out */
	struct list control;          /* see struct stream */
	struct list first, ready;     /* those with a few bytes, and the others; likewise */
	uint32_t round;               /* of turns: in each, a stream has one */
	bool brisk;                   /* trunk_brisk */
	size_t ahead_most;            /* trunk_set_ahead */
	struct list due;              /* in order of time */
	size_t n_due;
	struct list news;             /* see struct stream */
	struct list resets;           /* struct kept_reset, in their order */
	uint32_t n_resets;
	struct stream *last_event;    /* dies with the next call of trunk_next_event */
	/* The stream with bytes that still lie in records, only while its `bytes` is empty. */
	struct stream *in_place;
	struct span places[PLACES];   /* those bytes, in order */
	size_t place, n_places;       /* the first that is left, and the end */
	size_t own_streams, peer_streams; /* not over */
	size_t attempts;              /* of streams that are over (trunk_attempt_ended) */
	uint64_t next_id;             /* of the next stream that this side opens */
	uint32_t own_sealed;          /* highest id of which OPEN was sealed */
	uint32_t peer_highest;        /* highest id that the peer has opened */
	size_t unsealed_opens;
	struct stream_request request; /* of the last TRUNK_OPEN */

	struct wire_reader record;    /* what is left of the present record */
	uint8_t channel;              /* of the present record */
	struct frame ahead;           /* read already and not acted on yet; type 0: none */

	struct session session;
	struct control_queue exchange; /* SESSION and STATEs: before everything else */
	struct control_queue queue;
	uint64_t last_received, last_sent;
	bool crumbs;                  /* bytes came since the last whole record */
	bool idle;                    /* nothing came for `keepalive`, since: */
	uint64_t idle_since;
	struct {
		bool wanted, out;
		bool after_goaway;  /* the one that is out was sealed after GOAWAY */
		bool moved_in;      /* it came with the link, and was sealed before the exchange */
		uint8_t value[8];
		uint64_t count, sealed_at, rtt;
		uint64_t least;     /* round trip ever: without queues on the way; 0: not yet */
	} ping;
	struct {
		bool wanted;
		uint8_t value[8];
	} pong;
	struct {
		bool wanted, sealed, received;
		bool settled;       /* no OPEN of the peer can be under way any more */
		uint64_t sealed_at;
		enum close_code code;
	} goaway;
	struct {
		bool ended;        /* nothing is taken in any more */
		bool told;         /* TRUNK_CLOSED has been given out */
		bool close_wanted; /* CLOSE is to be sealed */
		uint16_t code;     /* for the streams and for TRUNK_CLOSED */
		enum close_code close_code; /* of this side's CLOSE */
		enum sc_error error;
		struct span text;      /* for the streams */
		struct trunk *session; /* has ended too */
	} end;
};

/* trunk_alive.c */

/* When alive_tick has something to do. */
uint64_t
alive_deadline(const struct trunk *t);

/* Asks a silent peer for a sign of life, gives one to a peer that may see none, or ends the
   trunk. */
void
alive_tick(struct trunk *t);

/* trunk.c */

/* The trunk is over, for its streams with `code`; without a word to the peer. The first end is
   the one that counts: false if there was one before. */
bool
trunk_end(struct trunk *t, enum sc_error error, uint16_t code);

/* The connection must not be used any more: it fails, and is lost. */
void
trunk_fail(struct trunk *t, enum sc_error error);

/* The trunk is over, and says CLOSE if it has a connection. */
void
trunk_end_with_close(struct trunk *t, enum sc_error error, enum close_code code);

/* The peer has broken the rules: CLOSE(1). */
void
trunk_protocol_error(struct trunk *t, enum sc_error error);

/* If this side has said GOAWAY, no stream is left and none can be under way: CLOSE(0). */
void
trunk_check_drained(struct trunk *t);

/* Puts a whole frame into the queue. If that is not possible, the trunk ends. */
void
trunk_queue(struct trunk *t, const uint8_t *frame, size_t n);

/* trunk_in.c */

/* Acts on one frame. SC_OK: true in *told says that *event is set. Else a protocol error. */
enum sc_error
trunk_take_frame(struct trunk *t, const struct frame *frame, struct trunk_event *event, bool *told);

/* trunk_read.c */

/* The next frame, from the present record or the next one. False: there is none, or the trunk has
   ended. */
bool
trunk_read_frame(struct trunk *t, struct frame *frame);

/* After TRUNK_DATA of the stream in place: takes in DATA of the same stream that follow at once,
   so that the owner can write all of it together. */
void
trunk_read_ahead(struct trunk *t);

/* True if frames of streams may be sent. */
static inline bool
session_open(const struct trunk *t)
{
	const struct session *s = &t->session;
	return s->phase == SESSION_PHASE_UP ||
	       (t->config.initiator && s->phase == SESSION_PHASE_WAIT && s->generation == 1);
}

/* I: R must first say what it has of the session. */
static inline bool
session_pending(const struct trunk *t)
{
	return t->config.initiator && t->conn && !session_open(t);
}

/* stream.c */

/* A new stream of the trunk, in all its lists. open: OPEN's payload if this side opens it. NULL:
   out of memory. */
struct stream *
stream_new(struct trunk *t, uint32_t id, bool own, struct span open);

/* The stream is over: the owner will be told by an event of this type, and then it dies. */
void
stream_finish(struct stream *s, enum trunk_event_type type, uint16_t code);

/* The same as by a RESET of this side, but the owner is told. */
void
stream_fail(struct stream *s, enum close_code code);

/* Ends it cleanly if both directions are done (protocol.md 8, "End"). */
void
stream_check_end(struct stream *s);

/* Takes it off every list and frees it. */
void
stream_free(struct stream *s);

/* The stream has that frame to send. While none may be sent, nothing: after the exchange that is
   told from its state. */
void
stream_want_control(struct stream *s, enum control_flag flag);

/* The owner is to be told. */
void
stream_tell(struct stream *s, enum news_flag flag);

/* No WINDOW is due for it. */
static inline void
stream_not_due(struct stream *s)
{
	if (!list_empty(&s->due))
		s->trunk->n_due--;
	list_remove(&s->due);
}

/* stream_send.c */

/* Puts the stream where it belongs: on the list of those with bytes to seal, or with a FIN. */
void
stream_send_schedule(struct stream *s);

/* The bytes of a turn, by how many others wait, and whether one of them is in conversation. */
size_t
trunk_turn(const struct trunk *t);

/* Bytes that may be sealed now. */
static inline uint64_t
stream_send_ready(const struct stream *s)
{
	uint64_t end = min_u64(s->send.written, s->send.limit);
	return end > s->send.sent ? end - s->send.sent : 0;
}

/* Bytes up to `received` (FIN is one more) have come; the others are to be sent again, up to
   `limit`. Returns how many. */
uint64_t
stream_send_again(struct stream *s, uint64_t received, uint64_t limit);

/* A WINDOW of the peer. SC_OK, or SC_ERR_FRAME. *writable: there is room where the owner found
   none. */
enum sc_error
stream_send_window(struct stream *s, uint64_t consumed, uint32_t window, bool *writable);

/* stream_recv.c */

/* DATA of the peer that lie in a record. SC_OK, SC_ERR_FRAME_PLACE or SC_ERR_CREDIT.
   *news: the stream had no bytes before. */
enum sc_error
stream_recv_data(struct stream *s, struct span data, bool *news);

/* FIN of the peer. SC_OK, SC_ERR_FRAME_PLACE or SC_ERR_FRAME. */
enum sc_error
stream_recv_fin(struct stream *s, uint64_t count);

/* Moves the bytes in place into their stream's own memory, if there are any. NULL, or the stream
   for which there was no memory. */
struct stream *
stream_recv_keep(struct trunk *t);

/* A WINDOW is being sealed: its values, and what follows from it. */
void
stream_recv_announce(struct stream *s, uint64_t *consumed, uint32_t *window);

/* stream_window.c */

/* How many bytes the peer may have under way to this stream. */
uint32_t
stream_window(const struct stream *s);

/* Consumed bytes after which the next WINDOW is worth sending: at most half of the last one. */
uint64_t
stream_window_step(const struct stream *s);

/* The owner has taken bytes: measures the rate, and adapts the window to it. */
void
stream_window_measure(struct stream *s);

/* What the peer may still send to the stream has changed: the budget counts it. */
void
stream_window_promise(struct stream *s);

#endif
