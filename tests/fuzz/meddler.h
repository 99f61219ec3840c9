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

#endif
