/* Knows Welch's t and how measurements are cropped. */
#include "welch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 200 /* of each class, for a t that means something */

void
welch_init(struct welch *w)
{
	memset(w, 0, sizeof(*w));
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The crops lie closer where the measurements do: at 1 - 2^(-i / 2) of them. */
static void
set_crops(struct welch *w)
{
	qsort(w->first, WELCH_FIRST, sizeof(w->first[0]), compare);
	for (size_t i = 0; i < WELCH_CROPS - 1; i++) {
		double part = 1 - pow(0.5, (double)(i + 1) / 2);
		w->below[i] = w->first[(size_t)(part * (WELCH_FIRST - 1))] + 1;
	}
	w->below[WELCH_CROPS - 1] = UINT64_MAX;
}

static void
add(struct welch_test *t, int class, double x)
{
	double delta = x - t->mean[class];

	t->n[class] += 1;
	t->mean[class] += delta / t->n[class];
	t->m2[class] += delta * (x - t->mean[class]);
}

void
welch_add(struct welch *w, int class, uint64_t ticks)
{
	if (w->n_first < WELCH_FIRST) {
		w->first[w->n_first++] = ticks;
		if (w->n_first == WELCH_FIRST)
			set_crops(w);
		return;
	}
	for (size_t i = 0; i < WELCH_CROPS; i++)
		if (ticks < w->below[i])
			add(&w->tests[i], class, (double)ticks);
}

size_t
welch_count(const struct welch *w)
{
	const struct welch_test *all = &w->tests[WELCH_CROPS - 1];

	return (size_t)(all->n[0] + all->n[1]);
}

static double
t_of(const struct welch_test *t)
{
	double error = 0;

	if (t->n[0] < ENOUGH || t->n[1] < ENOUGH)
		return 0;
	for (int i = 0; i < 2; i++)
		error += t->m2[i] / (t->n[i] - 1) / t->n[i];
	/* Two classes that never vary: their means say it all. */
	return (t->mean[0] - t->mean[1]) / sqrt(error > 0 ? error : 1e-12);
}

double
welch_t(const struct welch *w)
{
	double most = 0;

	for (size_t i = 0; i < WELCH_CROPS; i++) {
		double t = t_of(&w->tests[i]);
		if (fabs(t) > fabs(most))
			most = t;
	}
	return most;
}

double
welch_difference(const struct welch *w)
{
	const struct welch_test *t = &w->tests[WELCH_CROPS / 2];

	return t->mean[0] - t->mean[1];
}
