/* A trunk under test with its owner, a peer played by hand (frames_peer.h) and what moves bytes
   between the two, for fuzz_frames.c. */
#ifndef SC_TESTS_FUZZ_FRAMES_WORLD_H
#define SC_TESTS_FUZZ_FRAMES_WORLD_H

#include "frames_peer.h"

#include "tunnel/chunk.h"
#include "tunnel/trunk_internal.h"

#define WRITTEN_MAX (1u << 20) /* bytes that the owner writes in an execution */
#define HOLD        (20 * NS_PER_S)

struct owned {
	struct stream *stream; /* NULL: over */
	uint32_t id;
	uint64_t read, written;
	bool fin_came, fin_passed, fin_sent;
};

struct world {
	/* Of the present link, and of the one before, as long as the trunk has that; the trunk's
	   end of the present one is `own`. */
	struct end pairs[2][2];
	size_t pair;
	struct end *own;
	struct peer peer;
	struct trunk *trunk;
	/* R: what the present link began with, until it is known whose that is. */
	struct trunk *fresh;
	bool fresh_closed;
	bool up; /* both know the trunk's session */
	struct chunk_pool *pool;
	struct trunk_config config;
	struct hello peer_hello;
	uint64_t ratchet; /* records under one key */
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

/* The trunk's side: events, and what is sealed. */
void
world_seal(struct world *w);

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

/* Handles events of the trunk until there are none. */
void
owner_take_events(struct world *w);

/* ---- links (frames_links.c) ---- */

/* Two connections that are up, in that pair; own is one of them. */
void
world_connect(struct world *w, size_t pair);

/* The link is lost: to the trunk, if it has one, else to what began with it. */
void
world_lose(struct world *w);

/* The peer has another link, and looks at the last one no more; the trunk, if it is I, has lost
   that before. */
void
world_link(struct world *w);

/* Handles the events of `fresh` and what comes of them. */
void
world_look_at_fresh(struct world *w);

/* The peer breaks a rule in the exchange; asserts that this ends the link, and the session as far
   as it should. */
void
world_break_exchange(struct world *w, enum exchange_breach breach, size_t stream);

#endif
