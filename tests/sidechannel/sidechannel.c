/* Measures whether secrets show in time: runs each subject on two classes of inputs in random order
   and prints Welch's t. Knows how time is read and when a t is too large, not what is measured.

   What it can tell and what not. |t| below 4.5 says that these many measurements on this machine,
   in this build, have shown no difference of time between these two classes; above 10 there is one.
   It sees neither caches nor ports of the processor, nor classes that nobody has thought of, and
   more measurements see smaller differences. The powers before M' are GMP's mpz_powm_sec and not
   measured here. A build with sanitizers or without optimisation tells about itself only. */
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/asym.h"

#include "subjects.h"
#include "welch.h"

/* Where the test fails. Of classes that differ in nothing, |t| keeps below 5 however long and noisy
   the run is, because their order is random; but a difference of a nanosecond that is none of the
   secret's (where a pool lies in memory) makes it grow with the root of the number of measurements.
   The control reaches hundreds within a second. So a short run that fails here has found a gross
   leak. */
#define T_GROSS 30.0
#define T_SEEN  10.0
#define T_MAYBE 4.5

#define ATTEMPTS 3   /* a gross t must come again each time */
#define BATCH    256 /* measurements between two looks at the clock */
#define SKIPPED  77  /* exit status: this machine cannot tell */

static uint64_t
ticks(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
	uint64_t t = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return t;
#else
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The class is drawn anew for each measurement, and both are prepared at the same place. The fence
   lets the stores of the preparation reach memory first: a byte that is still in the store buffer
   holds up the load of the 16 bytes around it, and which byte that is depends on the class. */
static void
measure_batch(const struct subject *subject, struct welch *w, uint64_t *random)
{
	for (int i = 0; i < BATCH; i++) {
		*random ^= *random << 13;
		*random ^= *random >> 7;
		*random ^= *random << 17;
		int class = (int)(*random >> 40 & 1);
		subject->prepare(subject, subject->pools[class], (size_t)(*random >> 48));
		atomic_thread_fence(memory_order_seq_cst);
		uint64_t begin = ticks();
		subject->run(subject);
		welch_add(w, class, ticks() - begin);
	}
}

static void
measure(const struct subject *subject, struct welch *w, double seconds)
{
	double end = seconds_now() + seconds;
	uint64_t random = (uint64_t)(end * 1e6) | 1;

	welch_init(w);
	while (welch_count(w) < 2 * WELCH_FIRST || seconds_now() < end)
		measure_batch(subject, w, &random);
}

static const char *
comment(const struct subject *subject, double t)
{
	if (subject->kind == SUBJECT_CONTROL)
		return fabs(t) > T_GROSS ? "control: seen, as it must be" : "control: NOT seen";
	if (fabs(t) < T_MAYBE)
		return "none seen";
	if (subject->kind == SUBJECT_VERDICT)
		return "a difference, of what the peer is told";
	return fabs(t) < T_SEEN ? "perhaps" : fabs(t) < T_GROSS ? "a difference" : "GROSS";
}

/* True if the result is as it has to be: no gross difference, or for the control, one. */
static bool
judge(const struct subject *subject, double seconds)
{
	static struct welch w;
	bool good = false;

	for (int attempt = 0; attempt < ATTEMPTS && !good; attempt++) {
		measure(subject, &w, seconds);
		double t = welch_t(&w);
		bool gross = fabs(t) > T_GROSS;
		printf("%-33s %-20s | %-20s %9zu %9.2f %8.1f  %s\n", subject->name,
			subject->classes[0], subject->classes[1], welch_count(&w), t,
			welch_difference(&w), comment(subject, t));
		fflush(stdout);
		good = subject->kind == SUBJECT_VERDICT ||
		       gross == (subject->kind == SUBJECT_CONTROL);
	}
	return good;
}

static double
read_seconds(int argc, char **argv)
{
	char *end;

	if (argc == 1)
		return 60;
	double seconds = argc == 3 && strcmp(argv[1], "--seconds") == 0 ? strtod(argv[2], &end) : 0;
	if (seconds > 0 && *end == '\0')
		return seconds;
	fprintf(stderr, "usage: sidechannel [--seconds N]   (in all; default 60)\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	double seconds = read_seconds(argc, argv);
	int status = 0;
	size_t n;

	asym_setup();
	const struct subject *subjects = subjects_make(&n);
	printf("%-33s %-20s | %-20s %9s %9s %8s\n", "what", "class 0", "class 1", "measured", "t",
		"ticks");
	for (size_t i = 0; i < n; i++) {
		if (judge(&subjects[i], seconds / (double)n))
			continue;
		/* Without the control nothing else means anything. */
		if (subjects[i].kind == SUBJECT_CONTROL) {
			status = SKIPPED;
			break;
		}
		status = 1;
	}
	subjects_free();
	printf("|t| < %.1f: none seen; > %.0f: a difference; the test fails above %.0f, %d "
	       "times.\n",
		T_MAYBE, T_SEEN, T_GROSS, ATTEMPTS);
	return status;
}
