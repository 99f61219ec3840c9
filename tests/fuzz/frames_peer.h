/* The peer of a trunk under test, played by hand for fuzz_frames.c: sends frames that are allowed
   as its books stand, or any others, and holds every frame that the trunk sends against its books
   (protocol.md 8). The books outlive a link: on the next one they are what the peer says of the
   session (8.1). */
#ifndef SC_TESTS_FUZZ_FRAMES_PEER_H
#define SC_TESTS_FUZZ_FRAMES_PEER_H

#include "ends.h"

#include "tunnel/frames.h"

#define PEER_PING    "its ping"
#define PEER_STREAMS 48 /* in one execution, by either side; then no more are opened */

/* The byte at an offset of what a side sends on a stream. */
static inline uint8_t
pattern(uint32_t stream, bool by_peer, uint64_t at)
{
	return (uint8_t)(stream * 7 + (by_peer ? 3 : 0) + at);
}

struct peer_stream {
	uint32_t id;
	bool own;             /* opened by the peer */
	bool opened;          /* OPENED has passed */
	bool over;            /* by a RESET either way, or cleanly */
	bool reset;           /* by the peer, which had sent its FIN: goes on being listed */
	uint64_t sent, limit; /* DATA of the peer, and what the trunk allows */
	uint64_t counted;     /* what the trunk's WINDOWs count, */
	uint64_t covered;     /* and these or its STATEs */
	bool fin_sent;
	uint64_t received, allowed; /* DATA of the trunk, and what the peer has allowed */
	uint64_t consumed;          /* what the peer's WINDOWs count */
	bool fin_received, fin_counted;
	bool fin_told;    /* counted, on whichever link */
	size_t open_size; /* own: OPEN's payload */
	uint8_t open[256];
};

struct peer {
	struct end *end;
	bool initiator;
	bool hostile;          /* has sent what is not allowed: the trunk may end */
	uint32_t trunk_window; /* W0 of the trunk, and of the peer */
	uint32_t own_window;
	uint32_t own_max;   /* streams that the trunk may have open, */
	uint32_t trunk_max; /* and the peer */
	struct peer_stream streams[PEER_STREAMS];
	size_t n;
	uint32_t next_id, highest_of_trunk;
	bool session_sent;
	bool session_came; /* with all its STATEs */
	bool refusing;     /* R has refused the session and waits for another one */
	bool session_done; /* the peer may send frames of streams */
	bool forgotten;    /* R has refused the session that it named last */
	bool lost;         /* the trunk has ended and may refuse it */
	bool known;        /* R has answered that it knows the session */
	uint8_t session_id[16], sessions;
	uint32_t generation;    /* of the last SESSION of I */
	uint32_t seen;          /* highest id of the trunk's in this session */
	uint32_t heard_highest; /* what the trunk's SESSION says */
	struct state heard[2 * PEER_STREAMS];
	size_t n_heard, heard_left;
	bool ping_waits; /* for the peer's PONG */
	uint8_t ping[8];
	bool ping_out;                                         /* the peer's own */
	bool goaway_sent, goaway_came, close_sent, close_came; /* on this link */
	bool draining, drained; /* GOAWAY of the peer, of the trunk, on whichever */
	uint16_t goaway_code, close_code;
	uint8_t channel; /* of the record under construction: */
	uint8_t record[RECORD_PLAINTEXT_MAX];
	size_t size;
};

void
peer_init(struct peer *p, struct end *end, const struct hello *trunk);

/* There is another link: what was under way on the last one is lost, and whatever comes there is
   not looked at any more. */
void
peer_relink(struct peer *p, struct end *end);

/* Takes all that has come from the trunk. */
void
peer_receive(struct peer *p);

/* Seals the frames that wait as one record. They go on waiting while the connection takes none:
   its buffer is full, or a renewal of its keys wants an answer first. */
void
peer_flush(struct peer *p);

/* Frames wait, and the connection would take them. */
bool
peer_can_flush(const struct peer *p);

/* Enters a new stream into the books; there must be room. */
struct peer_stream *
peer_add_stream(struct peer *p, uint32_t id, bool own);

/* Both FINs are counted: nothing more may come of it. */
void
peer_stream_check_over(struct peer_stream *s);

/* The peer has heard of it, and not of its end. */
bool
peer_has(struct peer *p, uint32_t stream);

/* True if the peer has sent so many bytes and its FIN, and received so many and the trunk's, which
   a WINDOW counts. */
bool
peer_has_ended(struct peer *p, uint32_t stream, uint64_t sent, uint64_t received);

/* NULL: the peer has not heard of it. */
struct peer_stream *
peer_find(struct peer *p, uint32_t id);

/* Puts a frame with its head into the record; returns where its payload goes. NULL: the link is
   over. */
uint8_t *
peer_put(struct peer *p, enum frame_type type, uint32_t stream, size_t n);

/* ---- frames that are allowed; nothing is done where none is ---- */

void
peer_session(struct peer *p);

/* R does not know the session: I begins another one. */
void
peer_refuse_session(struct peer *p);

/* SESSION and STATE of the trunk. */
void
peer_take_session(struct peer *p, struct span payload);

void
peer_take_state(struct peer *p, uint32_t id, struct span payload);

void
peer_open(struct peer *p, uint32_t gap, struct span service);

void
peer_opened(struct peer *p, struct peer_stream *s);

void
peer_data(struct peer *p, struct peer_stream *s, size_t n);

void
peer_fin(struct peer *p, struct peer_stream *s);

void
peer_reset(struct peer *p, struct peer_stream *s, uint16_t code, struct span text);

/* Counts `more` bytes (and the FIN, if all bytes are counted then) and allows `window` more, or as
   much as was allowed before. */
void
peer_window(struct peer *p, struct peer_stream *s, uint64_t more, uint32_t window);

void
peer_ping(struct peer *p);

void
peer_pong(struct peer *p);

void
peer_goaway(struct peer *p, uint16_t code);

void
peer_close(struct peer *p, uint16_t code);

void
peer_pad(struct peer *p, uint8_t type, uint8_t channel, size_t n);

/* ---- and any others ---- */

enum peer_breach {
	BREACH_PAST_WINDOW,
	BREACH_FIN_COUNT,
	BREACH_CONSUMED_TOO_MUCH,
	BREACH_CREDIT_TAKEN_BACK,
	BREACH_AFTER_FIN,
	BREACH_OPENED_TWICE,
	BREACH_OPEN_AGAIN,
	BREACHES
};

/* A frame that is a protocol error on this stream, as long as the trunk has it. False: none can be
   made of its present state. */
bool
peer_breach(struct peer *p, struct peer_stream *s, enum peer_breach breach);

/* What is wrong with an exchange that begins a link. */
enum exchange_breach {
	EXCHANGE_KIND,
	EXCHANGE_ID,         /* R */
	EXCHANGE_GENERATION, /* R: another one; I: not above the last one */
	EXCHANGE_HIGHEST,
	EXCHANGE_COUNT,
	EXCHANGE_TWICE,
	EXCHANGE_RECEIVED, /* more than was sent */
	EXCHANGE_BACK,     /* less than was counted before */
	EXCHANGE_LIMIT,    /* credit taken back */
	EXCHANGE_BREACHES
};

/* SESSION and STATEs, with that wrong. `known` is the trunk's own: what it would say of the
   stream if it were the peer; `generation` the last one that it has accepted. */
void
peer_break_exchange(struct peer *p, enum exchange_breach breach, const struct state *known,
	uint32_t generation);

/* A frame with a head that fits it. */
void
peer_any_frame(struct peer *p, uint8_t channel, uint8_t type, uint32_t stream, struct span payload);

/* Bytes that need not be frames. */
void
peer_any_bytes(struct peer *p, uint8_t channel, struct span bytes);

#endif
