/* Several names as one text for people. */
#ifndef SC_CLI_NAMES_H
#define SC_CLI_NAMES_H

#include <stddef.h>

#define NAMES_SIZE 1024

struct names {
	char text[NAMES_SIZE];
	size_t used, more; /* more: those that have no room in it */
};

void
names_init(struct names *n);

void
names_add(struct names *n, const char *name);

/* "a, b, c", or "a, b and 12 more"; "" if there are none. Nothing is to be added after this. */
const char *
names_text(struct names *n);

#endif
