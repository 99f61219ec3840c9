/* Two connections in one process for the fuzzers of what goes between them: their keys, their
   lists, the records they have sent, and what must hold of a connection whatever comes in. */
#ifndef SC_TESTS_FUZZ_ENDS_H
#define SC_TESTS_FUZZ_ENDS_H

#include "fuzz.h"

#include "secureconn/conn.h"

#define ENDS_BULK_MAX 16
#define ENDS_SENT_MAX 256 /* records that one end sends in an execution */

struct sent_record {
	uint8_t channel;
	size_t size;
};

struct end {
	struct conn *conn;
	struct end *peer;
	struct conn_config config;
	struct conn_key key, announced;
	uint8_t public_key[ASYM_PUBLIC_MAX], private_key[ASYM_PRIVATE_MAX];
	const struct bulk_impl *bulk[ENDS_BULK_MAX];
	struct conn_memory memory; /* of the peer, for SecureConn 1.1 */
	struct fuzz_random random;
	uint64_t now;
	bool accept_all; /* accept_key says yes to every key, else to the peer's alone */
	bool refuse;     /* accept_key says no */
	unsigned asked;  /* how often accept_key was called */
	bool hostile;    /* has sent control frames out of place: from then on both may refuse what
			    comes */
	enum sc_error failed; /* the first error seen */
	struct conn_job *job; /* taken, not yet done */
	struct sent_record sent[ENDS_SENT_MAX];
	unsigned updates;          /* KEY_UPDATEs of a renewal received: (1, 1), then (2, 1) */
	size_t n_sent, n_received; /* n_received: of the peer's, by this end */
};

/* Ends 0 (initiator) and 1, with an X25519 key each that is the same in every execution; nothing is
   started. */
void
ends_init(struct end ends[2]);

/* The symmetric list of an end, chosen by one byte. */
void
end_set_bulk(struct end *e, uint8_t choice);

/* SecureConn 1.1: the initiator suggests it, the responder knows it. */
void
end_remember(struct end *e);

void
end_start(struct end *e);

/* Answers the rolls that the peer has proven, by the key. */
void
end_answer_rolls(struct end *e);

/* Starts both without a handshake: up, under fixed secrets, with the first of their lists as the
   agreed implementation. */
void
ends_start_up(struct end ends[2]);

void
end_fini(struct end *e);

/* Gives the connection n bytes from the transport. False, and nothing is given, if it does not take
   as many now. */
bool
end_give(struct end *e, const void *data, size_t n);

/* Takes the connection's job, if there is one, and runs it; end_finish_job hands it back. True if
   there was one. */
bool
end_run_job(struct end *e);

bool
end_finish_job(struct end *e);

/* Sends the next record of the pattern, of at most `size` bytes, if the connection has room. */
void
end_send_record(struct end *e, uint8_t channel, size_t size);

/* Sends a frame of stream 0 that only a hostile end would send just now. */
void
end_send_control(struct end *e, uint8_t type, struct span payload);

/* Receives records; asserts that each is the next one that the peer has sent. Acts on RENEW, LINE
   and KEY_UPDATE, which nobody but a hostile peer sends out of place. */
void
end_receive(struct end *e);

/* Asserts what must hold at any time: the first error sticks, a failed connection does nothing
   more, an unauthenticated one holds at most 64 KiB, and one that has no reason not to reads on. */
void
end_check(struct end *e);

/* Asserts that both have agreed on the same, and hold the same secrets. Both are up, and nothing is
   under way. */
void
ends_check_agreement(struct end ends[2]);

#endif
