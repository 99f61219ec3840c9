/* Somebody between two ends, told by the input what to do with each line and record: pass, change,
   drop, repeat, keep, reflect, make up; and the ends' own doings, chosen likewise: jobs that take
   their time, records sent, renewals, time that passes, hostile control frames. */
#ifndef SC_TESTS_FUZZ_MEDDLER_H
#define SC_TESTS_FUZZ_MEDDLER_H

#include "ends.h"

#include "secureconn/line.h"

#define UNIT_MAX (RECORD_OVERHEAD + RECORD_PLAINTEXT_MAX + LINE_SIZE_MAX)

struct unit {
	uint8_t data[UNIT_MAX];
	size_t size;
};

struct meddler {
	struct end ends[2];
	struct choices choices;
	struct unit kept, present;
	bool touched; /* anything but splits and waiting was done to what is under way, or an end is
			 hostile */
};

/* With ends_init done on the ends, which are to be started by the caller. */
void
meddler_init(struct meddler *m, struct choices choices);

/* Does all that the input says, then lets whatever still moves move. Checks the ends after each
   step. */
void
meddler_run(struct meddler *m);

void
meddler_fini(struct meddler *m);

/* ---- meddler_ends.c, for meddler.c ---- */

void
meddler_pass_time(struct meddler *m);

/* Begins a renewal. */
void
end_renew(struct end *e);

/* Brings a sender close to the limits of its key, and the other's count with it. */
void
end_age(struct end *from);

/* Changes what a HELLO says that is on its way to be sent: the key, which is in the job, or the
   window. */
void
meddler_spoil_hello(struct meddler *m, struct end *from);

/* Seals another HELLO in the place of the one that an end has just sealed: longer or cut, and with
   a byte changed. */
void
meddler_replace_hello(struct meddler *m, struct end *from);

/* Sends RENEW, LINE or KEY_UPDATE with a payload from the input. */
void
meddler_send_hostile(struct meddler *m, struct end *from);

#endif
