/* Knows the command line: which seeds to run. */
#include "sim.h"

#include <inttypes.h>

static uint64_t seed;
static bool running;
static bool must_fail; /* a rule is broken on purpose */

void
sim_failed(const char *file, int line, const char *condition)
{
	if (must_fail) {
		printf("seed %" PRIu64 " shows it: %s:%d: %s\n", seed, file, line, condition);
		fflush(stdout);
		_Exit(0);
	}
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	exit(1);
}

/* Also when something below has ended the program. */
static void
say_seed(void)
{
	if (running)
		fprintf(stderr, "failed at seed %" PRIu64 ": --from %" PRIu64 " --seeds 1\n",
			seed, seed);
}

int
main(int argc, char **argv)
{
	static const char *const breaches[] = {
		"none", "generation", "windows", "resets", "highest"};
	uint64_t from = 1, seeds = 300;
	size_t breach = BREACH_NONE;
	bool cuts = false;
	struct totals totals = {0};
	bool verbose = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
		} else if (strcmp(argv[i], "--cuts") == 0) {
			cuts = true;
		} else if (strcmp(argv[i], "--break") == 0 && i + 1 < argc) {
			i++;
			while (breach < ARRAY_SIZE(breaches) && strcmp(argv[i], breaches[breach]))
				breach++;
		} else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
			from = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			seeds = strtoull(argv[++i], NULL, 10);
		} else {
			fprintf(stderr, "usage: sim [--cuts [--break RULE]] [--seeds N] "
					"[--from S] [--verbose]\n");
			return 2;
		}
	}
	must_fail = breach != BREACH_NONE;
	atexit(say_seed);
	running = true;
	for (seed = from; seed < from + seeds; seed++) {
		if (verbose)
			fprintf(stderr, "seed %" PRIu64 "\n", seed);
		if (cuts)
			cuts_run(seed, (enum breach)breach, &totals);
		else
			world_run(seed, &totals);
	}
	running = false;
	if (must_fail) {
		printf("nothing shows that the rule is broken\n");
		return 1;
	}
	printf("%" PRIu64 " seeds from %" PRIu64 ": %" PRIu64 " flows ended, %" PRIu64 " reset, ",
		seeds, from, totals.ended, totals.reset);
	printf("%" PRIu64 " bytes, %" PRIu64 " renewals\n", totals.bytes, totals.renewals);
	if (cuts)
		printf("%" PRIu64 " links, %" PRIu64 " sessions went on, %" PRIu64 " bytes again, "
		       "%" PRIu64 " stale, %" PRIu64 " forgotten, %" PRIu64 " expired\n",
			totals.links, totals.resumed, totals.resent, totals.stale, totals.forgotten,
			totals.expired);
	return 0;
}
