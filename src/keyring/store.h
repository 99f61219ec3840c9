/* The state folder on disk: folders of small files, each replaced as a whole, changed under one
   lock. */
#ifndef SC_KEYRING_STORE_H
#define SC_KEYRING_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

enum store_folder {
	STORE_KEYS,    /* this node's pairs */
	STORE_PEERS,   /* verified and expected keys of peers */
	STORE_PENDING, /* keys shown on connections that this node opened for a peer */
	STORE_CALLERS, /* keys shown by unknown callers */
	STORE_ANSWERS, /* what peers have said to this node's next keys */
	STORE_FOLDERS
};

struct store {
	char *path;
	int folder, sub[STORE_FOLDERS]; /* descriptors */
	int lock;                       /* -1: not locked by us */
};

extern const char *const store_folder_names[STORE_FOLDERS];

/* Creates the folder and what belongs in it, where missing; checks what is there. */
enum sc_error
store_create(const char *path, struct errmsg *err);

/* SC_OK (then store_close is due), or an error with err set; see keyring_open. */
enum sc_error
store_open(struct store *s, const char *path, struct errmsg *err);

void
store_close(struct store *s);

/* Takes the lock that every change needs, waiting up to 5 s for another process. It ends with the
   process that holds it, too. */
enum sc_error
store_lock(struct store *s, struct errmsg *err);

void
store_unlock(struct store *s);

/* Puts a file in place of whatever has that name: either the old or the new content survives a
   crash, never a part. Only under the lock. */
enum sc_error
store_write(struct store *s, enum store_folder in, const char *name, const char *text, size_t n,
	struct errmsg *err);

/* The same for a file with a secret, of which nothing is to be left: the old file's bytes are
   overwritten once the new one is in its place. */
enum sc_error
store_write_over(struct store *s, enum store_folder in, const char *name, const char *text,
	size_t n, struct errmsg *err);

/* Removes a file; that there is none is fine. Only under the lock. */
enum sc_error
store_remove(struct store *s, enum store_folder in, const char *name, struct errmsg *err);

/* Reads a whole file into out; *n is its length. SC_ERR_NOT_FOUND if it is gone; SC_ERR_PERMISSION,
   SC_ERR_FORMAT (no regular file, longer than size) with err saying what is wrong with it; others
   may be over with the next try. */
enum sc_error
store_read(const struct store *s, enum store_folder in, const char *name, char *out, size_t size,
	size_t *n, struct errmsg *err);

/* What tells a file, or a folder's list of names, from what was there before. */
struct mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

bool
mark_equal(const struct mark *a, const struct mark *b);

/* True if a later change must show in the mark. File times move in steps (of some ms, on a few file
   systems of 2 s): two changes within one step look the same, so a young mark proves nothing. now:
   taken before the mark. */
bool
mark_settled(const struct mark *m, const struct timespec *now);

/* 0, or -1 and errno (ENOENT: it is gone). name NULL: the folder itself. */
int
store_mark(const struct store *s, enum store_folder in, const char *name, struct mark *m);

/* The names in a folder, sorted, without those that begin with a dot. To be given to
   store_names_free. */
enum sc_error
store_names(const struct store *s, enum store_folder in, char ***names, size_t *n);

void
store_names_free(char **names, size_t n);

#endif
