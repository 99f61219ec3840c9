/* Knows how files are locked, replaced and read; knows nothing of what is in them. */
#include "keyring/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/program.h"

#define LOCK_NAME      "lock"
#define NEW_NAME       ".new" /* at most one at a time: writers hold the lock */
#define LOCK_WAIT_MS   5000

const char *const store_folder_names[STORE_FOLDERS] = {"keys", "peers", "pending", "callers",
	"answers"};

static enum sc_error
io_error(struct errmsg *err, const char *what, const char *path)
{
	int reason = errno;
	return errmsg_set(err, reason == ENOENT ? SC_ERR_NOT_FOUND : SC_ERR_IO, "%s: %s: %s", path,
		what, strerror(reason));
}

/* "belongs to user alice: do this" */
static enum sc_error
another_users(struct errmsg *err, const char *path, uid_t uid)
{
	const struct passwd *owner = getpwuid(uid);
	char number[24];

	snprintf(number, sizeof(number), "#%lu", (unsigned long)uid);
	const char *name = owner ? owner->pw_name : number;
	return errmsg_set(err, SC_ERR_PERMISSION,
		"%s: belongs to user %s; run the same command as that user: sudo -u %s %s ...",
		path, name, name, program_name());
}

/* A folder that others may look into, where nothing was yet to be seen, becomes this user's alone:
   somebody has made it beforehand. */
static void
close_empty(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	struct stat st;
	bool empty = folder != NULL && fstat(dirfd(folder), &st) == 0 &&
		     st.st_uid == geteuid() && (st.st_mode & 022) == 0;

	while (empty && (entry = readdir(folder)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (empty)
		fchmod(dirfd(folder), 0700); /* if not: check_folder says what is wrong */
	if (folder)
		closedir(folder);
}

/* A folder that holds keys must be this user's alone. */
static enum sc_error
check_folder(int fd, const char *path, struct errmsg *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return io_error(err, "cannot be read", path);
	if (st.st_uid != geteuid())
		return another_users(err, path, st.st_uid);
	if (st.st_mode & 077)
		return errmsg_set(err, SC_ERR_PERMISSION,
			"%s: is open to other users (mode %03o); see who has used it, then: chmod "
			"700 %s",
			path, (unsigned)st.st_mode & 0777, path);
	return SC_OK;
}

static enum sc_error
make_parents(const char *path, struct errmsg *err)
{
	char *copy = strdup(path);
	enum sc_error error = SC_OK;

	if (!copy)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	for (char *slash = copy + 1; error == SC_OK && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST)
			error = io_error(err, "cannot be created", copy);
		*slash = '/';
	}
	free(copy);
	return error;
}

/* Opens a folder, relative to at. SC_OK with *fd, which passes check_folder; otherwise *fd is
   -1. */
static enum sc_error
open_folder(int *fd, int at, const char *name, const char *path, struct errmsg *err)
{
	struct stat st;

	*fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return errmsg_set(err, SC_ERR_NOT_FOUND, "%s: there is no such folder", path);
	if (*fd < 0 && errno == ENOTDIR)
		return errmsg_set(err, SC_ERR_IO,
			"%s: is not a folder; correct `state` in [node]", path);
	if (*fd < 0 && errno == EACCES && fstatat(at, name, &st, 0) == 0 && st.st_uid != geteuid())
		return another_users(err, path, st.st_uid);
	if (*fd < 0)
		return io_error(err, "cannot be opened", path);
	enum sc_error error = check_folder(*fd, path, err);
	if (error != SC_OK) {
		close(*fd);
		*fd = -1;
	}
	return error;
}

enum sc_error
store_create(const char *path, struct errmsg *err)
{
	enum sc_error error = make_parents(path, err);
	int fd = -1;

	if (error != SC_OK)
		return error;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return io_error(err, "cannot be created", path);
	close_empty(path);
	error = open_folder(&fd, AT_FDCWD, path, path, err);
	if (error != SC_OK)
		return error;
	for (size_t i = 0; error == SC_OK && i < STORE_FOLDERS; i++)
		if (mkdirat(fd, store_folder_names[i], 0700) != 0 && errno != EEXIST)
			error = io_error(err, "a folder in it cannot be created", path);
	if (error == SC_OK && fsync(fd) != 0)
		error = io_error(err, "cannot be written to disk", path);
	close(fd);
	return error;
}

enum sc_error
store_open(struct store *s, const char *path, struct errmsg *err)
{
	char sub_path[600];
	enum sc_error error;

	*s = (struct store){.folder = -1, .lock = -1};
	for (size_t i = 0; i < STORE_FOLDERS; i++)
		s->sub[i] = -1;
	if (!(s->path = strdup(path)))
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	error = open_folder(&s->folder, AT_FDCWD, path, path, err);
	for (size_t i = 0; error == SC_OK && i < STORE_FOLDERS; i++) {
		/* A backup may have left out what was empty, an older version did not know it. */
		if (i != STORE_KEYS && mkdirat(s->folder, store_folder_names[i], 0700) != 0 &&
			errno != EEXIST)
			error = io_error(err, "a folder in it cannot be created", path);
		if (error != SC_OK)
			break;
		snprintf(sub_path, sizeof(sub_path), "%s/%s", path, store_folder_names[i]);
		error = open_folder(&s->sub[i], s->folder, store_folder_names[i], sub_path, err);
	}
	if (error != SC_OK)
		store_close(s);
	return error;
}

static void
close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
store_close(struct store *s)
{
	store_unlock(s);
	for (size_t i = 0; i < STORE_FOLDERS; i++)
		close_if_open(s->sub[i]);
	close_if_open(s->folder);
	free(s->path);
	s->path = NULL;
}

enum sc_error
store_lock(struct store *s, struct errmsg *err)
{
	const struct timespec pause = {0, 5000000};

	s->lock = openat(s->folder, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return io_error(err, "the lock in it cannot be opened", s->path);
	for (int waited = 0; flock(s->lock, LOCK_EX | LOCK_NB) != 0; waited += 5) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			enum sc_error error = io_error(err, "cannot be locked", s->path);
			store_unlock(s);
			return error;
		}
		if (waited >= LOCK_WAIT_MS) {
			store_unlock(s);
			return errmsg_set(err, SC_ERR_TIMEOUT,
				"%s: another secureconn keeps it locked; see what that one does, "
				"and try again",
				s->path);
		}
		nanosleep(&pause, NULL);
	}
	return SC_OK;
}

void
store_unlock(struct store *s)
{
	close_if_open(s->lock);
	s->lock = -1;
}

static bool
write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);
		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			text += done;
			n -= (size_t)done;
		}
	}
	return true;
}

enum sc_error
store_write(struct store *s, enum store_folder in, const char *name, const char *text, size_t n,
	struct errmsg *err)
{
	int folder = s->sub[in];
	char path[600];

	snprintf(path, sizeof(path), "%s/%s/%s", s->path, store_folder_names[in], name);
	unlinkat(folder, NEW_NAME, 0); /* of a process that was killed */
	int fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error(err, "cannot be written", path);
	bool ok = write_all(fd, text, n) && fsync(fd) == 0;
	int reason = errno;
	close(fd);
	if (ok) {
		ok = renameat(folder, NEW_NAME, folder, name) == 0 && fsync(folder) == 0;
		reason = errno;
	}
	if (ok)
		return SC_OK;
	unlinkat(folder, NEW_NAME, 0);
	errno = reason;
	return io_error(err, "cannot be written", path);
}

/* As far as the file system writes where it wrote before. */
static void
overwrite(int fd)
{
	const char zeros[512] = {0};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return;
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(zeros))
		if (pwrite(fd, zeros, sizeof(zeros), at) < 0)
			return;
	fsync(fd);
}

enum sc_error
store_write_over(struct store *s, enum store_folder in, const char *name, const char *text,
	size_t n, struct errmsg *err)
{
	int old = openat(s->sub[in], name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	enum sc_error error = store_write(s, in, name, text, n, err);

	if (error == SC_OK && old >= 0)
		overwrite(old);
	close_if_open(old);
	return error;
}

enum sc_error
store_remove(struct store *s, enum store_folder in, const char *name, struct errmsg *err)
{
	char path[600];

	if ((unlinkat(s->sub[in], name, 0) == 0 || errno == ENOENT) && fsync(s->sub[in]) == 0)
		return SC_OK;
	snprintf(path, sizeof(path), "%s/%s/%s", s->path, store_folder_names[in], name);
	return io_error(err, "cannot be removed", path);
}

/* A key file must be a plain one of this user that nobody else can read or write. */
static enum sc_error
check_file(int fd, size_t size, struct errmsg *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errmsg_set(err, SC_ERR_IO, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return errmsg_set(err, SC_ERR_FORMAT, "is not a file");
	if (st.st_uid != geteuid())
		return errmsg_set(err, SC_ERR_PERMISSION,
			"belongs to another user (of number %lu); if it is yours: chown %lu",
			(unsigned long)st.st_uid, (unsigned long)geteuid());
	if ((st.st_mode & 077) != 0)
		return errmsg_set(err, SC_ERR_PERMISSION,
			"is open to other users (mode %03o); if it is yours: chmod 600",
			(unsigned)st.st_mode & 0777);
	if ((uint64_t)st.st_size > size)
		return errmsg_set(err, SC_ERR_FORMAT, "is too long for a key file (%lld bytes)",
			(long long)st.st_size);
	return SC_OK;
}

enum sc_error
store_read(const struct store *s, enum store_folder in, const char *name, char *out, size_t size,
	size_t *n, struct errmsg *err)
{
	int fd = openat(s->sub[in], name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*n = 0;
	if (fd < 0 && errno == ELOOP)
		return errmsg_set(err, SC_ERR_FORMAT, "is a symbolic link, not a file; remove it");
	if (fd < 0 && errno == EACCES)
		return errmsg_set(err, SC_ERR_PERMISSION,
			"may not be read by this user; give it to the one that the node runs as, "
			"mode 600");
	if (fd < 0)
		return errmsg_set(err, errno == ENOENT ? SC_ERR_NOT_FOUND : SC_ERR_IO,
			"cannot be opened: %s", strerror(errno));
	enum sc_error error = check_file(fd, size, err);
	while (error == SC_OK && *n < size) {
		ssize_t got = read(fd, out + *n, size - *n);
		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			error = errmsg_set(err, SC_ERR_IO, "cannot be read: %s", strerror(errno));
		if (got > 0)
			*n += (size_t)got;
	}
	close(fd);
	return error;
}
