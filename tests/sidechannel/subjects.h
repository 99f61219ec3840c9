/* What is measured: pieces of code that must take the same time for two classes of inputs. */
#ifndef SC_TESTS_SIDECHANNEL_SUBJECTS_H
#define SC_TESTS_SIDECHANNEL_SUBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bulk.h"

enum subject_kind {
	SUBJECT_SECRET,  /* a difference would be a leak */
	SUBJECT_VERDICT, /* the classes end in different verdicts, which the peer is told anyway:
			    shown, not judged */
	SUBJECT_CONTROL  /* leaks on purpose: a difference must be seen */
};

struct opener; /* subjects.c's */

struct subject {
	enum subject_kind kind;
	const char *name, *classes[2];
	unsigned pools[2];
	/* Prepares input number `sample` of pool `pool`, at one place for all classes. Not
	   measured. */
	void (*prepare)(const struct subject *subject, unsigned pool, size_t sample);
	/* Measured. */
	void (*run)(const struct subject *subject);
	const struct bulk_impl *impl; /* tag checks: */
	struct opener *opener;
};

/* All of them, made once; *n is their number. Static storage. */
const struct subject *
subjects_make(size_t *n);

void
subjects_free(void);

#endif
