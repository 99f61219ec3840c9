/* Knows how to make, fill and remove a temporary folder. */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

void
scratch_init(struct scratch *s)
{
	snprintf(s->folder, sizeof(s->folder), "/tmp/secureconn-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
scratch_fini(struct scratch *s)
{
	assert_int_equal(nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
scratch_path(struct scratch *s, const char *name)
{
	int n = snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, name);
	assert_true(n > 0 && (size_t)n < sizeof(s->path));
	return s->path;
}

void
scratch_write(struct scratch *s, const char *name, const void *data, size_t n)
{
	int fd = open(scratch_path(s, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
	close(fd);
}

char *
scratch_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t used = 0, room = 0;

	if (!f)
		fail_msg("cannot open %s", path);
	do {
		room += 4096;
		text = realloc(text, room + 1);
		assert_non_null(text);
		used += fread(text + used, 1, room - used, f);
	} while (used == room);
	fclose(f);
	text[used] = '\0';
	if (n)
		*n = used;
	return text;
}
