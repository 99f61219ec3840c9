/* Counts connections of a route or service: one worker's part, touched by that worker alone. Knows
   no sockets. */
#ifndef SC_PROXY_TALLY_H
#define SC_PROXY_TALLY_H

#include <stdint.h>

#include "base/list.h"

#define TALLY_NAME_SIZE 256

enum tally_kind { TALLY_ROUTE, TALLY_SERVICE };

/* Why a connection never came to be open. X(symbol, name for programs, text for people) */
#define TALLY_REASONS(X)                                                                           \
	X(TALLY_DENIED, "denied", "denied")                                                        \
	X(TALLY_PEER_ABSENT, "peer_absent", "the peer is not connected")                           \
	X(TALLY_TARGET_REFUSED, "target_refused", "connection refused by the target")              \
	X(TALLY_TARGET_TIMEOUT, "target_timeout", "no answer in time")                             \
	X(TALLY_TARGET_UNKNOWN, "target_unknown", "address of the target not found")               \
	X(TALLY_LIMIT, "limit", "too many at once")                                                \
	X(TALLY_STOPPING, "stopping", "a node was stopping")                                       \
	X(TALLY_LINK_LOST, "link_lost", "link lost")                                               \
	X(TALLY_GONE, "gone", "the program went away")                                             \
	X(TALLY_OTHER, "other", "other reasons")

enum tally_reason {
#define X(symbol, name, text) symbol,
	TALLY_REASONS(X)
#undef X
	TALLY_REASON_COUNT
};

struct tally {
	struct list node; /* on tallies.all */
	enum tally_kind kind;
	char name[TALLY_NAME_SIZE]; /* "": services that do not exist */
	uint64_t now, total;        /* connections */
	uint64_t bytes_in, bytes_out; /* read from local programs, and written to them */
	uint64_t moved; /* times that one was refused by a peer and went to another one */
	uint64_t refused[TALLY_REASON_COUNT];
};

/* One of each name that was counted. */
struct tallies {
	struct list all; /* struct tally, in the order in which they came */
	struct tally **by_name; /* the same in the order of kinds and names */
	size_t n;
};

void
tallies_init(struct tallies *tallies);

void
tallies_fini(struct tallies *tallies);

const char *
tally_reason_name(enum tally_reason reason);

const char *
tally_reason_text(enum tally_reason reason);

/* What the code of a RESET counts as. */
enum tally_reason
tally_reason_of(unsigned code);

/* The tally of that name; made where there is none. NULL: out of memory. */
struct tally *
tally_get(struct tallies *tallies, enum tally_kind kind, const char *name);

/* The same where none is to be made. NULL: there is none. */
const struct tally *
tally_find(const struct tallies *tallies, enum tally_kind kind, const char *name);

/* Adds the counts of one to the tally of the same name. False: out of memory. */
bool
tally_merge(struct tallies *tallies, const struct tally *part);

#endif
