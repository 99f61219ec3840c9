/* The handshake of SecureConn 1.0 (the paper's 2 and 3, protocol.md 2 to 4): from the first line to
   SYM-KEY-3, as a table of steps. Lines come in whole and go out to a buffer; public-key work is
   left in `job`. Internal to secureconn/: conn.h is the outside. */
#ifndef SC_SECURECONN_HANDSHAKE_H
#define SC_SECURECONN_HANDSHAKE_H

#include "secureconn/conn.h"
#include "secureconn/job.h"
#include "secureconn/negotiate.h"
#include "secureconn/outbuf.h"
#include "secureconn/schedule.h"

/* What is waited for. C and S are the client and server of protocol.md 3, after the three
   negotiations. */
enum handshake_step {
	STEP_META,
	STEP_FLIGHT,        /* R: the rest of a first flight of SecureConn 1.1, up to END */
	STEP_FLIGHT_ANSWER, /* I: what R says to it */
	STEP_ASYM,
	STEP_SYM,
	STEP_PUBLIC_KEY,
	STEP_VERDICT,  /* ASYM-KEY ACCEPTED or REJECTED */
	STEP_S_KEY_1,  /* C: S's SYM-KEY-1 */
	STEP_S_KEY_2,
	STEP_C_ANSWER_1, /* S: C's answer to SYM-KEY-1 */
	STEP_C_ANSWER_2,
	STEP_C_KEY_3,  /* S: C's SYM-KEY-3 */
	STEP_S_ANSWER_3,
	STEP_DONE
};

struct handshake {
	const struct conn_config *config;
	struct outbuf *out;
	enum handshake_step step;
	bool client; /* in the present stage; from STEP_PUBLIC_KEY on: this side is C */
	bool flight;   /* SecureConn 1.1 is spoken: no negotiation, no exchange of public keys */
	bool hold;     /* lines wait in out, to go with what follows in one write */
	unsigned flight_lines; /* of STEP_FLIGHT and STEP_FLIGHT_ANSWER so far */
	bool flight_refused;   /* R: answers with 1.0 at END */
	bool flight_key_bad;   /* R: its SYM-KEY-3 is no ciphertext */
	bool renewing; /* section 4 again, in LINE frames: th' leaves the answers out */
	struct negotiation negotiation;
	struct transcript transcript;
	const char *protocol;
	const struct conn_key *own; /* of the agreed algorithm */
	const struct bulk_impl *bulk;
	bool peer_key_known, peer_key_accepted;
	uint8_t peer_key[ASYM_PUBLIC_MAX];
	uint8_t keys[SESSION_KEYS][BULK_KEY_MAX];
	uint8_t ephemeral_private[X25519_SIZE], ephemeral_public[X25519_SIZE]; /* for HELLO */
	bool hello_due; /* th stands, the keys are there: HELLO is to be sent now */
	uint8_t th[HASH_SIZE];
	struct conn_job job; /* kind != JOB_NONE: work to be done before anything else */
};

/* config and out outlive the handshake. I's first line is written to out. */
enum sc_error
handshake_init(struct handshake *h, const struct conn_config *config, struct outbuf *out);

/* Wipes. */
void
handshake_fini(struct handshake *h);

/* Wipes all secrets and keeps what a renewal needs: roles, algorithms, the peer's public key. */
void
handshake_rest(struct handshake *h);

/* Begins section 4 again after handshake_rest, for a renewal: S leaves a job. Lines go to out,
   which outlives the renewal. */
void
handshake_renew(struct handshake *h, struct outbuf *out);

/* True if it waits for a line of the peer: no job, not done. */
bool
handshake_wants_line(const struct handshake *h);

/* A line of the peer. SC_OK, or the error that ends the connection, once out is flushed. */
enum sc_error
handshake_line(struct handshake *h, struct span line);

/* The job has been run. */
enum sc_error
handshake_job_done(struct handshake *h);

/* ---- between handshake.c, handshake_keys.c and handshake_flight.c ---- */

#define PROTOCOL_1_0 "SecureConn 1.0"
#define PROTOCOL_1_1 "SecureConn 1.1"
#define PREFIX_ASYM  "ASYM: "
#define PREFIX_SYM   "SYM: "

/* Says a line: prefix and text. SC_ERR_LIMIT if the output has no room (a peer that does not
   read). */
enum sc_error
handshake_say_text(struct handshake *h, const char *prefix, const char *text);

/* The same with bytes in hex. */
enum sc_error
handshake_say_hex(struct handshake *h, const char *prefix, const uint8_t *data, size_t size);

/* Says the answer to SYM-KEY-<index>. */
enum sc_error
handshake_say_answer(struct handshake *h, unsigned index, const char *answer);

/* S: makes key and salt `index` and leaves a job that encrypts them. */
void
handshake_send_session_key(struct handshake *h, unsigned index);

/* Says a last line and returns error, even if there is no room for the line. */
enum sc_error
handshake_say_last(struct handshake *h, const char *prefix, const char *text, enum sc_error error);

/* Leaves a job of that kind for the agreed algorithm. */
struct conn_job *
handshake_new_job(struct handshake *h, enum job_kind kind);

/* th stands: all lines that count have passed. */
void
handshake_close_transcript(struct handshake *h);

/* May this cipher follow the agreed asymmetric algorithm? (protocol.md 2) */
bool
handshake_symmetric_allowed(const struct handshake *h, const struct bulk_algorithm *a);

/* Begins negotiating the protocol, as its client or not. */
enum sc_error
handshake_enter_meta(struct handshake *h);

/* A suggestion in the present negotiation. */
enum sc_error
handshake_take_suggestion(struct handshake *h, struct span name);

/* Puts a ciphertext that came into a job that decrypts it; false if it has not the form of one. */
bool
handshake_load_session_key(struct handshake *h, unsigned index, struct span hex);

/* Says SYM-KEY-<index>: ERROR, which tells nothing of why; returns SC_ERR_SESSION_KEY. */
enum sc_error
handshake_refuse_session_key(struct handshake *h, unsigned index);

/* I: leaves the job whose result is the first flight. */
void
handshake_begin_flight(struct handshake *h);

/* I: the job is done: says the flight. */
enum sc_error
handshake_say_flight(struct handshake *h);

/* R: says the four lines that accept the flight. */
enum sc_error
handshake_accept_flight(struct handshake *h);

/* Lines of a flight, at R, and of the answer, at I. */
enum sc_error
handshake_take_flight(struct handshake *h, struct span line);

enum sc_error
handshake_take_flight_answer(struct handshake *h, struct span line);

/* The three names are agreed: C shows its key. */
enum sc_error
handshake_enter_public_keys(struct handshake *h);

/* Steps of the table; rest is what stands behind the step's prefix. */
enum sc_error
handshake_take_public_key(struct handshake *h, struct span rest);

enum sc_error
handshake_take_verdict(struct handshake *h, struct span rest);

enum sc_error
handshake_take_session_key(struct handshake *h, struct span rest);

enum sc_error
handshake_take_answer(struct handshake *h, struct span rest);

static inline bool
span_is(struct span s, const char *text)
{
	return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

static inline bool
span_starts(struct span s, const char *text)
{
	return s.size >= strlen(text) && memcmp(s.data, text, strlen(text)) == 0;
}

#endif
