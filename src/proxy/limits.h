/* Who may take a place among the connections that are not authenticated yet (protocol.md 11).
   Counts and decides; knows no sockets and no clock. */
#ifndef SC_PROXY_LIMITS_H
#define SC_PROXY_LIMITS_H

#include "crypto/random.h"
#include "proxy/address.h"

/* Every number of protocol.md 11 that concerns connections. */
struct limits_config {
	uint32_t places;          /* unauthenticated connections at once */
	uint32_t reserved;        /* of these, only for known sources */
	uint32_t source_places;   /* at once, of one source */
	uint32_t source_rate;     /* a second, of one source */
	uint32_t known_places;    /* the same for a known source */
	uint32_t known_rate;
	/* nanoseconds a source stays known after a peer was authenticated from it */
	uint64_t known_for;
};

extern const struct limits_config limits_default;

#define LIMITS_PLACES_MAX 1000

struct limits;

enum limits_verdict {
	LIMITS_OK,
	LIMITS_SOURCE_PLACES, /* the source has its number of connections */
	LIMITS_SOURCE_RATE,   /* the source comes too often */
	LIMITS_RESERVED       /* all places are for known sources */
};

/* NULL: out of memory. */
struct limits *
limits_new(const struct limits_config *config, const struct random_source *random);

/* Other numbers from now on. Those that have a place keep it; if there are fewer places, nobody
   gets one until enough have left. More than LIMITS_PLACES_MAX places are as many. */
void
limits_set(struct limits *l, const struct limits_config *config);

/* NULL is fine. */
void
limits_free(struct limits *l);

/* May a connection of this source be taken? LIMITS_OK: *place is its place, to be given an owner
   with limits_own, and back with limits_leave. If no place was free, *victim is the owner of the
   connection that lost its place to this one (a random one of the source with the most): it must
   be closed, and its place not be given back any more. Otherwise *victim is NULL. */
enum limits_verdict
limits_admit(struct limits *l, const struct source *source, uint64_t now, uint32_t *place,
	void **victim);

void
limits_own(struct limits *l, uint32_t place, void *owner);

/* The connection is authenticated or gone. */
void
limits_leave(struct limits *l, uint32_t place);

/* A peer was authenticated from there, at a time that may lie in the past; `ago` nanoseconds
   before now. */
void
limits_remember(struct limits *l, const struct source *source, uint64_t now, uint64_t ago);

bool
limits_known(const struct limits *l, const struct source *source, uint64_t now);

/* Connections that have a place now. */
uint32_t
limits_used(const struct limits *l);

#endif
