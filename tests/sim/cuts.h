/* Links that are cut, and who is at their ends. */
#ifndef SC_TESTS_CUTS_H
#define SC_TESTS_CUTS_H

#include "sim.h"

#define CABLES_MAX 24 /* at once: those that both ends have let go of are gone */
#define ENDED_MAX 64

/* A TCP connection. */
struct cable {
	bool used;
	struct pair pair;
	struct wire wire[2];    /* from end 0, from end 1 */
	struct trunk *trunk[2]; /* NULL: that end has let go of it */
	bool cut;               /* nothing more is carried than what is under way */
	bool over[2];           /* that trunk has told its end */
	uint64_t notices[2];    /* when an end sees that it is cut */
};

struct cuts {
	struct world w;
	enum breach breach;
	struct cable cables[CABLES_MAX];
	uint8_t ended[ENDED_MAX][TRUNK_SESSION_SIZE]; /* R: sessions that it has ended */
	size_t n_ended;
	uint64_t dial_at, cut_at, cuts_end;
	uint64_t hold;
	uint32_t window[2], max_streams[2];
	const struct bulk_impl *const *bulk;
	uint64_t ratchet_records;
	struct totals *totals;
};

/* A new connection that is up, with nobody at its ends. */
struct cable *
cable_new(struct cuts *c);

/* Its bytes are lost from a random place on; the ends notice by and by. */
void
cable_cut(struct cuts *c, struct cable *l);

/* An end closes it. */
void
cable_let_go(struct cuts *c, struct cable *l, int end);

/* Both ends have let go of it: it is gone. */
void
cable_reap(struct cable *l);

/* Gives an end what has arrived, or the news that the connection is gone. True: anything
   happened. */
bool
cable_read(struct cuts *c, struct cable *l, int end);

/* Takes what an end has to send. */
bool
cable_write(struct cuts *c, struct cable *l, int end);

/* When something happens to it next. */
uint64_t
cable_next(const struct cable *l);

/* ---- cuts_nodes.c ---- */

/* The cable that has this trunk at that end, or NULL. */
struct cable *
cable_of(struct cuts *c, const struct trunk *t, int end);

/* I: a connection for its session; R gets a trunk for it. */
void
dial(struct cuts *c);

/* R: its process is another one. */
void
restart(struct cuts *c);

/* All that one side can do at this moment. True: it did anything that others may see. */
bool
run_side(struct cuts *c, int i);

#endif
