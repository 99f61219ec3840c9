/* Two ends of a tunnel in one process, with a clock and a network of its own, all from one seed.
   What the files of this folder know of each other. */
#ifndef SC_TESTS_SIM_H
#define SC_TESTS_SIM_H

#include "conn_pair.h"

#include "tunnel/trunk_internal.h"

#define FLOWS_MAX 40

/* Stops the program with the seed if the condition does not hold. */
#define CHECK(condition)                                                                           \
	((condition) ? (void)0 : sim_failed(__FILE__, __LINE__, #condition))

_Noreturn void
sim_failed(const char *file, int line, const char *condition);

/* ---- wire.c: one direction of the network ---- */

struct wire {
	struct seeded_random *random;
	uint8_t *data;          /* a ring of `capacity` bytes */
	size_t capacity, used, start;
	size_t piece_max;       /* bytes that are written or arrive at once, at most */
	uint64_t delay, jitter; /* nanoseconds */
	struct piece *pieces;   /* under way, in order; a ring too */
	size_t n_pieces, first_piece;
};

void
wire_init(struct wire *w, struct seeded_random *random);

void
wire_fini(struct wire *w);

/* Takes some bytes of the connection's output, if there is room. True: it took any. */
bool
wire_write(struct wire *w, struct conn *from, uint64_t now);

/* Gives the connection what has arrived, or a part of it. True: it gave any. */
bool
wire_read(struct wire *w, struct conn *to, uint64_t now);

/* Throws away what has arrived: the reader has ended. */
void
wire_discard(struct wire *w, uint64_t now);

/* When the next bytes arrive, UINT64_MAX: nothing is under way. */
uint64_t
wire_next(const struct wire *w);

/* A random part of what is under way, its end, is lost. */
void
wire_cut(struct wire *w);

/* Damages a byte under way, if there is any. */
bool
wire_flip(struct wire *w);

/* ---- app.c: the programs at both ends ---- */

/* One direction of a flow: a program writes, the other reads. */
struct half {
	uint64_t size;    /* bytes that will be written */
	uint64_t written, read;
	size_t step_max;  /* bytes that the reader takes at once */
	bool fin_written, fin_told, fin_read;
};

/* What one side knows of a flow. */
struct flow_end {
	struct stream *stream; /* NULL: not yet, or not any more */
	bool over;             /* END or RESET has come, or this side has reset it */
	bool starved;          /* waits for TRUNK_WRITABLE */
	uint64_t next;         /* when the program does something again */
	size_t held;           /* bytes of a span that stays (stream_recv_hold) */
	const uint8_t *held_at;
};

/* A connection of an application through the tunnel, seen from above. */
struct flow {
	unsigned index;
	int opener;             /* which side */
	uint64_t start;         /* when it is opened */
	bool deny, accepted, may_reset;
	bool was_reset;         /* by a program, a limit, a drain, or with the link */
	bool seen;              /* the other side got TRUNK_OPEN */
	struct half half[2];    /* 0: written by the opener */
	struct flow_end end[2]; /* by side */
};

/* ---- world.c ---- */

struct side {
	int index;
	struct conn *conn;
	struct trunk *trunk;
	struct chunk_pool *chunks;
	struct wire out;
	bool up, closed, goaway;   /* told so */
	struct trunk_event end;    /* the TRUNK_CLOSED */
	uint32_t window; /* W0 */
	size_t budget;   /* of chunks */
};

enum last_act {
	ACT_DRAIN,      /* GOAWAY when all is done: the rest goes by itself */
	ACT_DRAIN_SOON, /* GOAWAY in the middle */
	ACT_CLOSE,      /* CLOSE in the middle */
	ACT_LOSE,       /* the connection breaks in the middle */
	ACT_FLIP,       /* a bit flips under way in the middle */
	ACT_EXPIRE,     /* cuts: the link stays away for longer than the hold time */
	ACT_RESTART,    /* cuts: R begins anew */
	ACT_KINDS
};

struct world {
	struct seeded_random random;
	struct pair pair;
	struct side side[2];
	struct flow flows[FLOWS_MAX];
	unsigned n_flows;
	uint64_t now, progress; /* when anything happened last */
	enum last_act act;
	uint64_t act_at;
	int actor;
	bool acted;
	bool renews;               /* session keys are renewed now and then */
};

/* A number in [low, high]. */
size_t
between(struct world *w, size_t low, size_t high);

/* True once in n times. */
bool
once_in(struct world *w, size_t n);

/* Every cipher and each of its implementations in turn. */
const struct bulk_impl *const *
some_bulk(struct world *w);

/* What must hold whenever nothing is under way inside a call. */
void
check_side(const struct side *side);

/* What came of the flows of all runs: a look at them shows that the runs are worth something. */
struct totals {
	uint64_t ended, reset, bytes, renewals;
	uint64_t links, resumed, resent, stale, forgotten, expired; /* of cuts_run */
};

/* Runs one seed to its end, and adds to the totals; comes back only if all was well. */
void
world_run(uint64_t seed, struct totals *totals);

/* ---- cuts.c: the same programs over links that are cut ---- */

/* A rule of protocol.md 8.1 that is broken on purpose, to see that it is needed. */
enum breach { BREACH_NONE, BREACH_GENERATION, BREACH_WINDOWS, BREACH_RESETS, BREACH_HIGHEST };

/* As world_run. */
void
cuts_run(uint64_t seed, enum breach breach, struct totals *totals);

/* Makes up the flows of a world. */
void
flows_init(struct world *w);

/* What the programs at one side do now. True: they did anything. */
bool
flows_act(struct world *w, struct side *side);

/* An event of a stream at one side. */
void
flows_event(struct world *w, struct side *side, struct trunk_event *event);

/* When a program at one side wants to do something next, UINT64_MAX: never. */
uint64_t
flows_next(const struct world *w, const struct side *side);

/* All flows have come to their end at both sides. */
bool
flows_done(const struct world *w);

#endif
