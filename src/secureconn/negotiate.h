/* The negotiation that is used three times (the paper's 2.1 and 3.1, protocol.md 2): two peers with
   a list of names each agree on one, or find that there is none. Names only: the prefix of the
   stage is the handshake's. */
#ifndef SC_SECURECONN_NEGOTIATE_H
#define SC_SECURECONN_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/util.h"
#include "crypto/hash.h"
#include "secureconn/line.h"

#define NEGOTIATION_NONE      "NONE"
#define NEGOTIATION_NAMES_MAX 16 /* own names; more are an error of the caller */

enum negotiation_outcome {
	NEGOTIATION_GOES_ON, /* say `reply`, wait */
	NEGOTIATION_OURS, /* agreed on ours: nothing to say, this side is the next stage's client */
	NEGOTIATION_THEIRS, /* agreed on theirs: say `reply`, they are the next stage's client */
	NEGOTIATION_FAILED_TELL, /* no name in common: say `reply` (NONE), both close */
	NEGOTIATION_FAILED,      /* they said NONE */
	NEGOTIATION_TWICE        /* they suggested a name a second time: an error */
};

struct negotiation {
	const char *own[NEGOTIATION_NAMES_MAX]; /* best first */
	size_t n_own;
	const char *last;   /* the name last said here, one of own, or NULL */
	const char *agreed; /* one of own, once agreed */
	uint8_t seen[2 * LINES_MAX][HASH_SIZE]; /* digests of all names suggested, by either side */
	size_t n_seen;
};

/* Starts with a list of n <= NEGOTIATION_NAMES_MAX names, whose memory outlives the negotiation. */
void
negotiation_init(struct negotiation *n, const char *const *own, size_t n_own);

/* The opener's first suggestion: GOES_ON, or FAILED_TELL if the list is empty. */
enum negotiation_outcome
negotiation_open(struct negotiation *n, const char **reply);

/* What the other side said. */
enum negotiation_outcome
negotiation_receive(struct negotiation *n, struct span name, const char **reply);

#endif
