/* The inside of a connection, for conn*.c, renewal*.c and keyroll*.c. Not for anybody outside. */
#ifndef SC_SECURECONN_CONN_STATE_H
#define SC_SECURECONN_CONN_STATE_H

#include "secureconn/conn.h"
#include "secureconn/handshake.h"
#include "secureconn/keyroll.h"
#include "secureconn/line.h"
#include "secureconn/outbuf.h"
#include "secureconn/record.h"
#include "secureconn/renewal.h"

/* While nobody is authenticated a connection holds little memory, 64 KiB in all: room for the
   longest line, and for the two longest that are sent together. The big buffers come with
   CONN_UP. */
#define IN_SIZE_HANDSHAKE  (12u * 1024)
#define OUT_SIZE_HANDSHAKE (12u * 1024)
#define IN_SIZE_UP         (512u * 1024)
#define OUT_SIZE_UP        (400u * 1024) /* six full records */

struct conn {
	struct conn_config config;
	enum conn_phase phase;
	enum sc_error error;

	/* Input: [in_head, in_tail) is there and not yet used; records given out lie before
	   in_head. */
	uint8_t *in;
	size_t in_size, in_head, in_tail;
	struct record_head peeked; /* of the record at in_head, which is open already; size 0: none
	                              is */
	struct line_reader lines;
	struct outbuf out;

	struct handshake handshake; /* wiped at CONN_UP, but for what conn_get_info tells */
	struct conn_info info;
	uint8_t peer_public[ASYM_PUBLIC_MAX];

	/* Between the own HELLO sent and the other's opened. */
	bool hello_sent;
	uint8_t own_hello[HELLO_RECORD_MAX], peer_hello_payload[HELLO_RECORD_MAX];
	size_t own_hello_size, peer_hello_size; /* payloads, without frame heads */
	struct schedule schedule;

	struct hello peer_hello;
	struct record_half sending, receiving;
	struct record_usage ratchet_at; /* the owner's own limits */
	struct renewal renewal;
	uint8_t hh[HASH_SIZE]; /* of the HELLOs, for KEYROLL */
	struct keyroll keyroll;
	enum sc_error fault; /* see conn_fault */
	uint64_t now; /* of the last call that told the time */
};

/* Sends the own HELLO under epoch 0: the session keys are there. */
enum sc_error
conn_send_hello(struct conn *c, uint64_t now);

/* Looks for the other's HELLO in the input; leaves a job when it has opened. */
enum sc_error
conn_take_hello(struct conn *c);

/* Sends what renewals and rolls have left, as far as there is room. */
enum sc_error
conn_flush(struct conn *c);

/* The job of conn_take_hello is done: epoch 1, CONN_UP. */
enum sc_error
conn_hello_agreed(struct conn *c, uint64_t now);

/* What conn_room keeps back: the KEY_UPDATE records of both channels may go before any other. */
#define KEY_UPDATE_SIZE   2 /* u8 channel, u8 kind */
#define KEY_UPDATE_RECORD (RECORD_OVERHEAD + FRAME_HEAD_SIZE + KEY_UPDATE_SIZE)

enum key_update_kind { KEY_UPDATE_RATCHET = 0, KEY_UPDATE_RENEWAL = 1 };

/* Seals one frame of stream 0 on the protocol channel, as a record of its own. */
enum sc_error
conn_send_frame(struct conn *c, enum frame_type type, struct span payload);

/* Seals KEY_UPDATE(channel, kind) with no record before it. The caller then steps the key. */
enum sc_error
conn_send_key_update(struct conn *c, uint8_t channel, enum key_update_kind kind);

#endif
