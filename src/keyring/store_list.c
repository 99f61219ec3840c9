/* Knows how files are listed, and told from what was there before. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "keyring/store.h"

#define SETTLE_COARSE  (3 * NS_PER_S) /* where file times are whole seconds, or two */
#define SETTLE_FINE    (100 * NS_PER_MS) /* where they are the kernel's ticks */

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
mark_equal(const struct mark *a, const struct mark *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

bool
mark_settled(const struct mark *m, const struct timespec *now)
{
	/* A time that is no whole millisecond was taken from a clock that ticks at least a hundred
	   times a second. */
	int64_t settle =
		(int64_t)(m->changed.tv_nsec % (long)NS_PER_MS ? SETTLE_FINE : SETTLE_COARSE);
	int64_t age = ((int64_t)now->tv_sec - m->changed.tv_sec) * (int64_t)NS_PER_S +
		      now->tv_nsec - m->changed.tv_nsec;
	return age >= settle;
}

int
store_mark(const struct store *s, enum store_folder in, const char *name, struct mark *m)
{
	struct stat st;
	int status =
		name ? fstatat(s->sub[in], name, &st, AT_SYMLINK_NOFOLLOW) : fstat(s->sub[in], &st);

	if (status != 0)
		return -1;
	*m = (struct mark){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

enum sc_error
store_names(const struct store *s, enum store_folder in, char ***names, size_t *n)
{
	/* A descriptor of its own: a shared one would share the place in the list too. */
	int fd = openat(s->sub[in], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	enum sc_error error = folder ? SC_OK : SC_ERR_IO;
	size_t room = 0;

	*names = NULL;
	*n = 0;
	if (!folder && fd >= 0)
		close(fd);
	for (struct dirent *e; error == SC_OK && (errno = 0, e = readdir(folder));) {
		if (e->d_name[0] == '.')
			continue;
		if (*n == room) {
			room = room ? 2 * room : 64;
			char **grown = reallocarray(*names, room, sizeof(*grown));
			error = grown ? SC_OK : SC_ERR_MEMORY;
			*names = grown ? grown : *names;
		}
		if (error == SC_OK && !((*names)[*n] = strdup(e->d_name)))
			error = SC_ERR_MEMORY;
		*n += error == SC_OK;
	}
	/* A list that breaks off must not look as if files had gone. */
	if (error == SC_OK && errno != 0)
		error = SC_ERR_IO;
	if (folder)
		closedir(folder);
	if (*n > 0)
		qsort(*names, *n, sizeof(**names), by_name);
	return error;
}

void
store_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
