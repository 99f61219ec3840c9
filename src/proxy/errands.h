/* While processes of one node take over from each other: which sessions callers have asked for that
   this process does not know, and for which of the processes before it their next connections are
   (handover.h). Bounded: who is forgotten is told that nobody knows the session. */
#ifndef SC_PROXY_ERRANDS_H
#define SC_PROXY_ERRANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/address.h"

#define ERRANDS_MAX   64
/* Of each process: other callers of the same source may take them, as links of one connection each
   do that were lost together. */
#define ERRANDS_TURNS 4

struct errands {
	struct errand {
		uint8_t session[TRUNK_SESSION_SIZE];
		unsigned turns;       /* how often it was asked for; 0: empty */
		struct source source; /* from where a connection is expected */
		uint64_t until;       /* 0: none is */
		/* since it was asked for last: who has said that it has it, and how many that they
		   have not */
		const void *with;
		unsigned denied;
	} at[ERRANDS_MAX];
	unsigned next;
};

/* With n processes before this one: not all of them have had their turns with the session, or said
   that they do not have it. */
bool
errands_more(const struct errands *e, const uint8_t *session, unsigned n);

/* It was asked for: the caller dials again. */
void
errands_note(struct errands *e, const uint8_t *session, const struct source *source, uint64_t now);

/* One of these n processes has said whether it has the session. */
void
errands_answer(
	struct errands *e, const uint8_t *session, const void *who, bool has, unsigned n);

/* A caller: true if one from there is expected, and not any more then. *with: who has said that it
   has the session, or NULL; *turn: with the session, from 0 on. */
bool
errands_take(struct errands *e, const struct source *source, uint64_t now, unsigned *turn,
	const void **with);

#endif
