/* Knows the command line: which seeds to run. */
#include "sim.h"

#include <inttypes.h>

static uint64_t seed;
static bool running;

void
sim_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	exit(1);
}

/* Also when something below has ended the program. */
static void
say_seed(void)
{
	if (running)
		fprintf(stderr, "failed; again: sim --from %" PRIu64 " --seeds 1\n", seed);
}

int
main(int argc, char **argv)
{
	uint64_t from = 1, seeds = 300;
	struct totals totals = {0};
	bool verbose = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
		} else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
			from = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			seeds = strtoull(argv[++i], NULL, 10);
		} else {
			fprintf(stderr, "usage: sim [--seeds N] [--from S] [--verbose]\n");
			return 2;
		}
	}
	atexit(say_seed);
	running = true;
	for (seed = from; seed < from + seeds; seed++) {
		if (verbose)
			fprintf(stderr, "seed %" PRIu64 "\n", seed);
		world_run(seed, &totals);
	}
	running = false;
	printf("%" PRIu64 " seeds from %" PRIu64 ": %" PRIu64 " flows ended, %" PRIu64 " reset, ",
		seeds, from, totals.ended, totals.reset);
	printf("%" PRIu64 " bytes, %" PRIu64 " renewals\n", totals.bytes, totals.renewals);
	return 0;
}
