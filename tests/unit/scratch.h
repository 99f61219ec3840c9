/* A folder of its own for a test that needs files. Any failure fails the test. */
#ifndef SC_TESTS_SCRATCH_H
#define SC_TESTS_SCRATCH_H

#include <stddef.h>

#define SCRATCH_PATH_SIZE 512

struct scratch {
	char folder[64];
	char path[SCRATCH_PATH_SIZE]; /* the last one that scratch_path built */
};

/* An empty folder, mode 0700. */
void
scratch_init(struct scratch *s);

/* Removes it with all that is in it. */
void
scratch_fini(struct scratch *s);

/* The path of a file in it; valid until the next call with this scratch. */
const char *
scratch_path(struct scratch *s, const char *name);

/* Writes n bytes to a file in it, mode 0600; parents must be there. */
void
scratch_write(struct scratch *s, const char *name, const void *data, size_t n);

/* The content of a file anywhere, with a NUL at its end; to be freed. n may be NULL. */
char *
scratch_read(const char *path, size_t *n);

#endif
