/* Do two classes of measurements have the same mean? Welch's t, for all of them and with the
   slowest left out at several percentiles, as in "dude, is my code constant time?" (Reparaz,
   Balasch, Verbauwhede, 2017). Knows nothing of what is measured. */
#ifndef SC_TESTS_SIDECHANNEL_WELCH_H
#define SC_TESTS_SIDECHANNEL_WELCH_H

#include <stddef.h>
#include <stdint.h>

#define WELCH_FIRST                                                                                \
	4000 /* measurements from which the percentiles are taken; they do not count otherwise */
#define WELCH_CROPS 16

struct welch_test {
	double n[2], mean[2],
		m2[2]; /* of each class: number, mean, sum of squared differences from it */
};

struct welch {
	uint64_t first[WELCH_FIRST];
	size_t n_first;
	uint64_t below[WELCH_CROPS]; /* a test takes what is below; the last one everything */
	struct welch_test tests[WELCH_CROPS];
};

void
welch_init(struct welch *w);

/* One measurement of class 0 or 1. */
void
welch_add(struct welch *w, int class, uint64_t ticks);

/* Measurements that count. */
size_t
welch_count(const struct welch *w);

/* The t of the greatest absolute value among the tests that have enough measurements; 0 without
   any. */
double
welch_t(const struct welch *w);

/* The difference of the means of all measurements below the median crop, in ticks: how much, if t
   says that there is one. */
double
welch_difference(const struct welch *w);

#endif
