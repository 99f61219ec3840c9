/* A SecureConn connection, sans I/O: from the first line to HELLO, then records (protocol.md 1 to
   7). Bytes go in and come out through two ports, public-key work is handed out as jobs, the time
   is an argument. The first error sticks.

   Its owner moves bytes, until the error or the end:

	p = conn_in_buf(c, &n);   read at most n bytes into p;    conn_in_ack(c, got, now);
	p = conn_out_buf(c, &n);  write at most n bytes from p;   conn_out_ack(c, written);
	while ((job = conn_job(c)))  run conn_job_run(job) on some thread;
	                             later conn_job_done(c, job, now);

   Any of these calls may make output, a job, or an error: look at all three after each. Once it is
   up the connection makes records of its own (ratchets, renewals) wherever it may: between two
   calls of conn_send. */
#ifndef SC_SECURECONN_CONN_H
#define SC_SECURECONN_CONN_H

#include <stdbool.h>

#include "base/error.h"
#include "crypto/asym.h"
#include "crypto/bulk.h"
#include "secureconn/frame.h"
#include "secureconn/hello.h"
#include "secureconn/line.h"
#include "secureconn/record.h"

struct conn;

/* One of this node's key pairs. The memory is the owner's and outlives the connection. */
struct conn_key {
	const struct asym_impl *asym;
	const uint8_t *public_key, *private_key;
};

/* What is kept of a peer since an earlier authenticated connection, so that the next one needs no
   negotiation and no exchange of keys (SecureConn 1.1, protocol.md 10). The owner keeps it at most
   7 days, and drops it when its own lists change. */
struct conn_memory {
	const struct conn_key *own; /* one of conn_config.keys */
	const struct bulk_impl *bulk;
	uint8_t peer_public[ASYM_PUBLIC_MAX]; /* verified, of own's algorithm */
};

/* When session keys are renewed (protocol.md 9). Times in nanoseconds. */
struct renewal_rules {
	uint64_t after;    /* since the last one: this side begins */
	uint64_t bytes;    /* both ways since the last one: this side begins; 0: not by volume */
	uint64_t gap;      /* this side begins no sooner after the last one */
	uint64_t deadline; /* for one renewal; past it the link is lost */
	uint64_t latest;   /* without a renewal for so long the link is lost */
	unsigned most;     /* that the peer may begin in an hour; the next one ends the link */
};

/* 24 h, 64 GiB, 60 s, 120 s, 48 h, 69. */
extern const struct renewal_rules renewal_rules_default;

/* Everything a connection is made with; copied by conn_new, but not what it points to. */
struct conn_config {
	bool initiator;               /* this side opened the TCP connection */
	const struct conn_key *keys;  /* own keys: the ASYM list, in order of preference */
	size_t n_keys;
	const struct bulk_impl *const *bulk; /* the SYM list, in order of preference */
	size_t n_bulk;
	struct random_source random;  /* used in jobs too: from any thread */
	struct hello hello;           /* what this side says in its HELLO; key is not looked at */

	/* Is the peer's key (valid, public_size bytes) accepted? Called inside conn_in_ack or
	   conn_job_done; if more than once, the last call counts. In 1.0 a no ends the connection
	   with SC_ERR_KEY_NOT_VERIFIED after the REJECTED line; to note the key is the owner's. */
	bool (*accept_key)(void *arg, const struct asym_impl *asym, const uint8_t *public_key);
	void *arg;

	/* A node may have further pairs, of algorithms that are in `keys` too, which it shows to
	   some peers only. Whoever sees the other's key before it shows its own may ask for one:
	   choose_key is given the (valid) key and returns one of keys or other_keys, of that
	   algorithm. NULL: always the one of `keys`. In SecureConn 1.1 the initiator names the
	   responder's key, which may be any of both lists. */
	const struct conn_key *other_keys;
	size_t n_other_keys;
	const struct conn_key *(*choose_key)(void *arg, const struct asym_impl *asym,
		const uint8_t *peer_public);

	/* SecureConn 1.1. Initiator: NULL speaks 1.0 at once. Responder: finds a verified key by
	   its fingerprint (as shown), true if there is one and public_key (public_size bytes) is
	   written; NULL speaks 1.0 only. */
	const struct conn_memory *memory;
	bool (*find_key)(void *arg, const struct asym_impl *asym, const char *fingerprint,
		uint8_t *public_key);

	/* KEYROLL (protocol.md 12): what to say to a key that the peer announces. True: *answer (0
	   verified, 1 pending, 2 refused) at once; false: it has to prove that it holds it. Called
	   inside conn_control. NULL: every key is refused. */
	bool (*judge_roll)(void *arg, const struct asym_impl *asym, const uint8_t *public_key,
		uint8_t *answer);

	/* Work that the owner has done ahead. Each piece is for one use, and what is written here
	   is its only copy; false: there is none, the job does the work. Called inside conn_new,
	   conn_in_ack, conn_control or conn_job_done. NULL: never any. take_prepared: what
	   asym->prepare has made for that key (prepared_size bytes); take_ephemeral: an X25519
	   pair. */
	bool (*take_prepared)(void *arg, const struct asym_impl *asym, const uint8_t *public_key,
		uint8_t *prepared);
	bool (*take_ephemeral)(void *arg, uint8_t private_key[X25519_SIZE],
		uint8_t public_key[X25519_SIZE]);

	struct line_rules lines; /* what the other side may send of lines */

	/* A sender's own limits under one key, where lower than the algorithm's (for tests); 0: the
	   algorithm's. */
	uint64_t ratchet_records, ratchet_bytes;
	struct renewal_rules renewal;
};

enum conn_phase {
	CONN_HANDSHAKE, /* nobody is authenticated; one deadline (10 s) is the owner's to keep */
	CONN_UP,        /* the peer's HELLO has opened: it is authenticated, records flow */
	CONN_FAILED     /* see conn_error; what conn_out_buf still has is to be written first */
};

/* What was agreed, for the log and for status. Pointers are NULL until they are known. */
struct conn_info {
	const char *protocol;
	const struct asym_impl *asym;
	const struct bulk_impl *bulk;
	const uint8_t *peer_public; /* asym's public_size bytes, valid until conn_free */
	const struct conn_key *own; /* that was, or is to be, shown to the peer */
	bool key_stage; /* both public keys were exchanged and the other side may have noted ours */
};

/* NULL: out of memory. The initiator has output at once. */
struct conn *
conn_new(const struct conn_config *config, uint64_t now);

/* Wipes and frees. Not while a job is out. NULL is fine. */
void
conn_free(struct conn *c);

enum conn_phase
conn_phase(const struct conn *c);

/* SC_OK, or the error that ended the connection. */
enum sc_error
conn_error(const struct conn *c);

void
conn_get_info(const struct conn *c, struct conn_info *info);

/* The peer's HELLO; only in CONN_UP. Valid until conn_free. */
const struct hello *
conn_peer_hello(const struct conn *c);

/* Link in: where the next bytes from the transport go. *n is 0 (stop reading) only while a job is
   out or records wait to be received, or after the end. Makes what conn_receive gave before
   invalid. */
uint8_t *
conn_in_buf(struct conn *c, size_t *n);

void
conn_in_ack(struct conn *c, size_t n, uint64_t now);

/* The transport has reached its end, or broke. In the handshake: SC_ERR_TRUNCATED. */
void
conn_in_end(struct conn *c);

/* Link out: what the transport is to write. The span stays at its place until it is acknowledged;
   more may be added behind it. */
const uint8_t *
conn_out_buf(const struct conn *c, size_t *n);

void
conn_out_ack(struct conn *c, size_t n);

/* Public-key work to be done: one job at a time, NULL if there is none (or it is out). It is the
   connection's memory; while it is out, run may be called on any thread, and every other call on
   the connection stays allowed but conn_free. */
struct conn_job;

struct conn_job *
conn_job(struct conn *c);

void
conn_job_run(struct conn_job *job);

/* Back on the connection's own thread. */
void
conn_job_done(struct conn *c, struct conn_job *job, uint64_t now);

/* The next record, opened in place. 1: *channel and *plaintext are set, valid until the next
   conn_in_buf; 0: none yet; -1: see conn_error. Only in CONN_UP (0 before). */
int
conn_receive(struct conn *c, uint8_t *channel, struct span *plaintext);

/* Looks at it: as conn_receive, which still gives it afterwards. */
int
conn_peek(struct conn *c, uint8_t *channel, struct span *plaintext);

/* A frame came that is the connection's own business: KEY_UPDATE (the last frame of the record that
   conn_receive gave last), RENEW, LINE or KEYROLL (protocol.md 6, 9 and 12). SC_OK; SC_ERR_FRAME:
   it is not allowed, the caller sends CLOSE; or the error by which the connection has just
   ended. */
enum sc_error
conn_control(struct conn *c, enum frame_type type, struct span payload, uint64_t now);

/* SC_OK; or SC_ERR_FRAME once a job has shown that RENEW or LINE frames taken before were not
   allowed: the caller sends CLOSE then, as for conn_control. */
enum sc_error
conn_fault(const struct conn *c);

/* Begins a renewal of the session keys as soon as the rules allow, if none is under way. */
void
conn_renew(struct conn *c);

/* ---- KEYROLL: a new key of one side is told to the other one ---- */

enum conn_roll_kind {
	CONN_ROLL_ANSWER, /* the peer has answered what conn_announce told it */
	CONN_ROLL_PROVEN  /* it has proven that it holds that key: conn_answer_roll is due */
};

struct conn_roll {
	enum conn_roll_kind kind;
	const struct asym_impl *asym;
	const uint8_t *public_key; /* of asym's public_size; valid until the next call here */
	uint8_t answer;            /* CONN_ROLL_ANSWER: 0 verified, 1 pending, 2 refused */
};

/* Tells the peer of a key; its memory outlives the connection. SC_OK: CONN_ROLL_ANSWER will come;
   SC_ERR_LIMIT: one is under way, or there were as many in an hour as the peer takes;
   SC_ERR_INTERNAL: the connection is not up. */
enum sc_error
conn_announce(struct conn *c, const struct conn_key *key, uint64_t now);

/* What has come of it, on either side. False: nothing. Look after each conn_control and
   conn_job_done. */
bool
conn_next_roll(struct conn *c, struct conn_roll *roll);

/* The owner has decided what becomes of the key of CONN_ROLL_PROVEN. Nothing, if none waits. */
void
conn_answer_roll(struct conn *c, uint8_t answer);

/* The time at which conn_tick wants to be called, UINT64_MAX: never. */
uint64_t
conn_deadline(const struct conn *c);

/* Begins a renewal that is due; ends the link if one is overdue. */
void
conn_tick(struct conn *c, uint64_t now);

/* Renewals done since CONN_UP. */
uint64_t
conn_renewals(const struct conn *c);

/* The session keys, for status and the log. */
struct conn_keys {
	uint64_t since;    /* when they were made: CONN_UP, or the last renewal was done */
	uint64_t next;     /* when this side begins the next one, if nothing calls for it before */
	uint64_t renewals; /* as conn_renewals; the last one: */
	bool begun_here;
	uint64_t took;
};

struct conn_keys
conn_get_keys(const struct conn *c);

/* How many bytes of plaintext the next conn_send may hold now: 0 to RECORD_PLAINTEXT_MAX. It is 0
   until the transport has taken enough, and outside CONN_UP. Never a number from 1 to 7. */
size_t
conn_room(const struct conn *c);

/* Seals one record of whole frames, the concatenation of the parts, 8 to conn_room() bytes; the
   sealing is the only copy. Steps the channel's key first where a limit calls for it (that
   KEY_UPDATE record needs no room of the caller's). SC_OK, or an error, which sticks. */
enum sc_error
conn_send(struct conn *c, uint8_t channel, const struct span *parts, size_t n_parts, uint64_t now);

/* Bytes of records that are sealed and not yet taken by the transport. */
size_t
conn_pending(const struct conn *c);

/* The epochs of the sender's and the receiver's channel (1 or 2), for tests and status. */
uint64_t
conn_epoch(const struct conn *c, bool sending, uint8_t channel);

/* Ends the connection with an error of the owner's (a deadline, a frame error). The first one
   sticks. */
void
conn_fail(struct conn *c, enum sc_error error);

#endif
