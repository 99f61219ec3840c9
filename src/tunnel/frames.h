/* The frames of protocol.md 8 to and from bytes: what is checked here needs no knowledge of a
   link's or a stream's state. */
#ifndef SC_TUNNEL_FRAMES_H
#define SC_TUNNEL_FRAMES_H

#include "base/error.h"
#include "secureconn/frame.h"
#include "tunnel/trunk.h"

#define STREAM_ID_MAX    0xfffffffdu
#define OPEN_PAYLOAD_MAX (1 + TRUNK_SERVICE_MAX + 2 * (2 + 18))
#define SESSION_PAYLOAD  29
#define STATE_PAYLOAD    17
#define RESET_FRAME_MAX  (FRAME_HEAD_SIZE + 2 + TRUNK_TEXT_MAX)

struct frame {
	uint8_t type;
	uint32_t stream;
	struct span payload; /* points into the record */
};

/* The next frame of a record that came on the given channel, its head and length checked against
   the table of types. Types that are to be ignored are skipped. SC_OK: *frame is set, or has type
   0 if the record has no more; SC_ERR_FRAME or SC_ERR_FRAME_PLACE: a protocol error. */
enum sc_error
frame_next(struct wire_reader *record, uint8_t channel, struct frame *frame);

/* Writes the payload of an OPEN into out (OPEN_PAYLOAD_MAX bytes). Returns its size. */
size_t
open_encode(uint8_t out[OPEN_PAYLOAD_MAX], const struct stream_request *request);

/* Reads the payload of an OPEN. *unsupported: it has an option that must be answered with
   RESET(13). SC_OK or SC_ERR_FRAME. */
enum sc_error
open_decode(struct stream_request *request, struct span payload, bool *unsupported);

/* Reads the payload of an OPENED: nothing in it means anything yet. Otherwise as open_decode. */
enum sc_error
opened_decode(struct span payload, bool *unsupported);

enum session_kind {
	SESSION_BEGIN = 0,
	SESSION_GO_ON = 1,
	SESSION_DONE = 2,
	SESSION_UNKNOWN = 3
};

struct session_frame {
	uint8_t kind; /* enum session_kind */
	uint8_t id[TRUNK_SESSION_SIZE];
	uint32_t generation, highest, count;
};

/* Writes the whole frame, head included. */
void
session_encode(uint8_t out[FRAME_HEAD_SIZE + SESSION_PAYLOAD], const struct session_frame *s);

/* SC_OK or SC_ERR_FRAME. */
enum sc_error
session_decode(struct session_frame *s, struct span payload);

enum state_flag { STATE_OPENED = 1, STATE_RESET = 2 }; /* OPENED was sent; reset here */

/* What a STATE says of a stream. */
struct state {
	uint32_t id;
	uint8_t flags;
	uint64_t received, limit; /* DATA bytes taken in, plus 1 for FIN; up to which may be sent */
};

/* Writes the whole frame, head included. */
void
state_encode(uint8_t out[FRAME_HEAD_SIZE + STATE_PAYLOAD], const struct state *state);

/* SC_OK or SC_ERR_FRAME. */
enum sc_error
state_decode(struct state *state, const struct frame *frame);

/* Whole frames, head included. Each returns the frame's size. */
size_t
reset_encode(uint8_t out[RESET_FRAME_MAX], uint32_t stream, enum close_code code, const char *text);

size_t
window_encode(uint8_t *out, uint32_t stream, uint64_t consumed, uint32_t window);

size_t
fin_encode(uint8_t *out, uint32_t stream, uint64_t count);

/* GOAWAY and CLOSE. */
size_t
code_encode(uint8_t *out, enum frame_type type, enum close_code code);

/* PING and PONG. */
size_t
ping_encode(uint8_t *out, enum frame_type type, const uint8_t value[8]);

#endif
