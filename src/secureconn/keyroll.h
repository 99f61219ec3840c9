/* A new key of one side, told to the other one over the authenticated link (protocol.md 12):
   announced, challenged, proven, answered. Both directions at once, one key at a time in each.
   Internal to secureconn/. */
#ifndef SC_SECURECONN_KEYROLL_H
#define SC_SECURECONN_KEYROLL_H

#include "secureconn/conn.h"
#include "secureconn/job.h"

#define KEYROLL_NONCE 32
#define KEYROLL_MOST  10 /* announcements that are taken in an hour; */
/* those that are made: so that there are never more in any hour, whenever it begins at the other
   side */
#define KEYROLL_OWN_MOST 5

/* As many as the peer takes in an hour, and as many as are taken from it. */
struct keyroll_hour {
	uint64_t since;
	unsigned n;
};

struct keyroll {
	struct keyroll_work *work; /* NULL: neither side has anything under way */
	struct keyroll_hour own, peer;
};

/* ---- between keyroll.c and keyroll_out.c ---- */

enum keyroll_step { STEP_ANNOUNCE = 1, STEP_CHALLENGE = 2, STEP_PROOF = 3, STEP_RESULT = 4 };

enum { ANSWER_REFUSED = 2, ANSWERS = 3 };

/* The side whose key it is. */
enum own_state {
	OWN_NOTHING,
	OWN_TO_ANNOUNCE,
	OWN_ANNOUNCED, /* a challenge or a result is to come */
	OWN_OPENING,   /* the job opens the challenge */
	OWN_TO_PROVE,
	OWN_PROVEN,    /* a result is to come */
	OWN_ANSWERED   /* the owner is to be told */
};

/* The side that is told. */
enum peer_state {
	PEER_NOTHING,
	PEER_CHECKING, /* the job makes the challenge */
	PEER_TO_CHALLENGE,
	PEER_CHALLENGED, /* the proof is to come */
	PEER_TOLD,       /* proven: the owner is to be told, */
	PEER_DECIDING,   /* and to decide */
	PEER_TO_ANSWER
};

struct keyroll_work {
	enum own_state own;
	const struct conn_key *key;
	uint8_t proof[KEYROLL_NONCE];
	uint8_t answer; /* the peer's */

	enum peer_state peer;
	const struct asym_impl *asym;
	uint8_t public_key[ASYM_PUBLIC_MAX];
	uint8_t nonce[KEYROLL_NONCE];
	uint8_t challenge[ASYM_CIPHERTEXT_MAX];
	uint8_t own_answer;

	enum { JOB_FOR_NOBODY, JOB_FOR_OWN, JOB_FOR_PEER } job_for;
	struct conn_job job;
	/* What came for the one direction while the job was the other's. */
	bool opening_waits, checking_waits;
	uint8_t opening[ASYM_CIPHERTEXT_MAX];
};

/* The work of a connection, made if it is not there. NULL: out of memory. */
struct keyroll_work *
keyroll_need_work(struct conn *c);

/* One more announcement. False: too many. */
bool
keyroll_count(struct keyroll_hour *hour, unsigned most, uint64_t now);

/* The result is to go. */
void
keyroll_say_answer(struct keyroll_work *w, uint8_t answer);

/* ---- for the connection ---- */

/* Wipes. */
void
keyroll_fini(struct keyroll *k);

/* A KEYROLL frame of the peer; results as conn_control's. */
enum sc_error
keyroll_take(struct conn *c, struct span payload);

/* The job that is to be done, or is out; NULL: there is none. */
struct conn_job *
keyroll_job(const struct conn *c);

enum sc_error
keyroll_job_done(struct conn *c);

/* Seals what waits, as far as there is room. */
enum sc_error
keyroll_flush(struct conn *c);

#endif
