/* A trunk under test with its owner, a peer played by hand (frames_peer.h) and what moves bytes
   between the two, for fuzz_frames.c. */
#ifndef SC_TESTS_FUZZ_FRAMES_WORLD_H
#define SC_TESTS_FUZZ_FRAMES_WORLD_H

#include "frames_peer.h"

#include "tunnel/chunk.h"
#include "tunnel/trunk_internal.h"

#define WRITTEN_MAX (1u << 20) /* bytes that the owner writes in an execution */

struct owned {
	struct stream *stream; /* NULL: over */
	uint32_t id;
	uint64_t read, written;
	bool fin_came, fin_passed, fin_sent;
};

struct world {
	struct end ends[2]; /* the trunk's is ends[1 - peer] */
	struct end *own;
	struct peer peer;
	struct trunk *trunk;
	struct chunk_pool *pool;
	struct trunk_config config;
	struct owned streams[PEER_STREAMS];
	size_t n;
	uint64_t written;
	size_t appetite; /* bytes that the owner reads as soon as they have come */
	bool clogged;    /* the transport takes nothing of the trunk's */
	bool waited;     /* time has passed: a deadline may end the trunk */
	bool closing;    /* the owner has ended or drained it */
	bool closed;     /* TRUNK_CLOSED has come */
};

/* By two bytes: roles, windows, limits, keepalive. */
void
world_init(struct world *w, uint8_t roles, uint8_t limits);

void
world_fini(struct world *w);

/* Moves bytes, takes events, seals and runs jobs until nothing moves any more; checks what must
   hold. */
void
world_pump(struct world *w);

void
world_wait(struct world *w, uint64_t ns);

/* Where the peer has kept to the rules and the link is there: brings every stream to its end, then
   closes. Asserts that it works. */
void
world_finish(struct world *w);

/* ---- what the owner does ---- */

void
owner_read(struct world *w, struct owned *o, size_t max, bool hold);

void
owner_write(struct world *w, struct owned *o, size_t max);

void
owner_fin(struct owned *o);

void
owner_reset(struct owned *o, uint16_t code);

void
owner_open(struct world *w, struct span service);

/* The link is lost. */
void
owner_lose(struct world *w);

/* Handles events until there are none. */
void
owner_take_events(struct world *w);

#endif
