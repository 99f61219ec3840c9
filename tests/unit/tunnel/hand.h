/* A trunk under test, on a real connection whose other end is played by hand: the test says what
   frames the peer sends, and looks at those that come. */
#ifndef SC_TESTS_HAND_H
#define SC_TESTS_HAND_H

#include "conn_pair.h"

#include "tunnel/trunk_internal.h"

#define HAND_WINDOW  8192 /* W0 of both sides */
#define HAND_STREAMS 4    /* streams that either side allows */

/* A frame that the trunk has sent. */
struct hand_frame {
	uint8_t type, channel;
	unsigned record; /* the how-many-th record it came in */
	uint32_t stream;
	size_t size;
	uint8_t *payload;
};

struct hand {
	struct pair pair;
	struct conn *conn, *peer;
	struct trunk *trunk;
	struct trunk *session; /* what trunk_config.find finds; NULL: nothing */
	bool no_more;          /* it finds that the session has ended */
	uint16_t hold;         /* seconds, of both HELLOs */
	struct chunk_pool *pool;
	uint64_t now;
	struct trunk_event event; /* the last one */
	uint8_t out[RECORD_PLAINTEXT_MAX];
	size_t out_size;
	struct hand_frame *frames;
	size_t capacity;          /* of frames */
	size_t first, count;      /* those not looked at yet */
	unsigned records;
};

/* A connection that is up and a trunk on one end of it; SESSION is not exchanged. */
void
hand_start(struct hand *h, bool initiator);

/* The same with a hold time in both HELLOs, in seconds. */
void
hand_start_holding(struct hand *h, bool initiator, uint16_t hold);

/* The same, with SESSION exchanged and the first PING answered: TRUNK_UP has come. */
void
hand_up(struct hand *h, bool initiator);

void
hand_up_holding(struct hand *h, bool initiator, uint16_t hold);

/* The connection is lost: TRUNK_SUSPENDED comes. */
void
hand_lose(struct hand *h);

/* Another connection. I: the trunk is attached to it. R: `trunk` is a new one for it, the other
   one is `session`. */
void
hand_relink(struct hand *h);

/* R: TRUNK_MOVED comes, `trunk` is the session again; then TRUNK_RESUMED. */
void
hand_moved(struct hand *h);

/* Frees all, and sees that no memory of streams is left. */
void
hand_fini(struct hand *h);

/* Adds a frame to the peer's next record. */
void
hand_put(struct hand *h, unsigned type, uint32_t stream, const void *payload, size_t n);

/* Sends what hand_put has put as one record. */
void
hand_record(struct hand *h, uint8_t channel);

/* Each sends one frame in a record of its own, on the channel where it belongs. */
void
hand_frame(struct hand *h, unsigned type, uint32_t stream, const void *payload, size_t n);

void
hand_open(struct hand *h, uint32_t stream);

/* n bytes of the letter c. */
void
hand_data(struct hand *h, uint32_t stream, size_t n, char c);

void
hand_fin(struct hand *h, uint32_t stream, uint64_t count);

void
hand_reset(struct hand *h, uint32_t stream, uint16_t code);

void
hand_window(struct hand *h, uint32_t stream, uint64_t consumed, uint32_t window);

void
hand_session(struct hand *h, uint8_t kind, const uint8_t *id, uint32_t generation, uint32_t count);

/* The same for the trunk's session, with the highest id that the peer has seen. */
void
hand_go_on(struct hand *h, uint8_t kind, uint32_t generation, uint32_t highest, uint32_t count);

void
hand_state(struct hand *h, uint32_t stream, uint8_t flags, uint64_t received, uint64_t limit);

/* The next frames are a SESSION and a STATE with these values. */
void
hand_take_session(struct hand *h, uint8_t kind, uint32_t generation, uint32_t highest,
	uint32_t count);

void
hand_take_state(struct hand *h, uint32_t stream, uint8_t flags, uint64_t received, uint64_t limit);

/* The next event must be of this type. Returns its stream. */
struct stream *
hand_event(struct hand *h, enum trunk_event_type type);

/* There must be no event. */
void
hand_quiet(struct hand *h);

/* Seals until nothing is left, and takes all frames in at the peer. */
void
hand_seal(struct hand *h);

/* The peer takes in what is there, without sealing more. */
void
hand_collect(struct hand *h);

/* The next frame that the trunk has sent must be this one. Valid until more are taken in; its
   payload until hand_fini. */
const struct hand_frame *
hand_take(struct hand *h, enum frame_type type, uint32_t stream);

/* There must be no more of them. */
void
hand_no_frame(struct hand *h);

/* The trunk must find that the peer broke the rules: TRUNK_CLOSED with this error after the reset
   of each stream, CLOSE(1) as the last frame. */
void
hand_expect_error(struct hand *h, enum sc_error error);

/* A stream that the trunk opens, its OPEN taken in by the peer. */
struct stream *
hand_own_stream(struct hand *h);

/* A stream that the peer opens. */
struct stream *
hand_peer_stream(struct hand *h, uint32_t id);

/* Writes n bytes of the letter c into a stream. Returns how many there was room for. */
size_t
hand_write(struct stream *s, size_t n, char c);

/* Takes up to n bytes that a stream has received; all must be the letter c. Returns how many. */
size_t
hand_read(struct stream *s, size_t n, char c);

#endif
