/* A text that is made piece by piece, in memory that grows with it. */
#ifndef SC_BASE_TEXT_H
#define SC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* not terminated; NULL while there is none */
	size_t size, room;
	bool failed; /* out of memory: what was added from then on is not there */
};

/* Takes no memory yet. */
void
text_init(struct text *t);

void
text_fini(struct text *t);

/* n bytes at the end. */
void
text_add(struct text *t, const void *data, size_t n);

/* Room for n bytes more, at the end: the first so many of them count once they are added to size.
   NULL: out of memory. */
char *
text_room(struct text *t, size_t n);

/* At the end, as printf. */
void
text_print(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nothing is in it any more, and the memory is kept for what comes next. */
void
text_clear(struct text *t);

#endif
