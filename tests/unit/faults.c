/* Knows which calls can fail and counts them; knows nothing of what is tried. The linker sends what
   the program's own objects call here (--wrap): libraries and their memory are let be. */
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "unit.h"

static struct {
	unsigned kinds; /* 0: nobody tries anything */
	int fail;       /* the call of that number does, from 1 on */
	bool lasting;   /* and all after it */
	atomic_bool on;
	atomic_int calls;
} faults;

static bool
fails(enum fault_kind kind)
{
	if (!atomic_load(&faults.on) || !(faults.kinds & kind))
		return false;
	int call = atomic_fetch_add(&faults.calls, 1) + 1;
	return call == faults.fail || (faults.lasting && call > faults.fail);
}

void
faults_begin(void)
{
	atomic_store(&faults.calls, 0);
	atomic_store(&faults.on, true);
}

bool
faults_end(void)
{
	atomic_store(&faults.on, false);
	return atomic_load(&faults.calls) >= faults.fail;
}

static void
round_of(bool lasting, void (*once)(void *arg), void *arg)
{
	faults.lasting = lasting;
	faults.fail = 0;
	do {
		faults.fail++;
		once(arg);
		assert_false(atomic_load(&faults.on)); /* faults_end was forgotten */
	} while (atomic_load(&faults.calls) >= faults.fail);
	assert_true(faults.fail > 1);
}

void
faults_each(unsigned kinds, void (*once)(void *arg), void *arg)
{
	faults.kinds = kinds;
	atomic_store(&faults.on, false); /* a test may have ended in the middle */
	round_of(false, once, arg);
	round_of(true, once, arg);
	faults.kinds = 0;
}

/* ---- the calls ---- */

/* A function of the C library, and the one that is called in its place. */
#define WRAP(result, name, parameters, arguments, kind, failure, why)                              \
	result __real_##name parameters;                                                           \
	result __wrap_##name parameters;                                                           \
	result __wrap_##name parameters                                                            \
	{                                                                                          \
		if (!fails(kind))                                                                  \
			return __real_##name arguments;                                            \
		errno = why;                                                                       \
		return failure;                                                                    \
	}

#define WRAP_MEMORY(name, parameters, arguments)                                                   \
	WRAP(void *, name, parameters, arguments, FAULT_MEMORY, NULL, ENOMEM)
#define WRAP_FILES(result, name, parameters, arguments)                                            \
	WRAP(result, name, parameters, arguments, FAULT_FILES, -1, EIO)

WRAP_MEMORY(malloc, (size_t size), (size))
WRAP_MEMORY(calloc, (size_t n, size_t size), (n, size))
WRAP_MEMORY(realloc, (void *old, size_t size), (old, size))
WRAP_MEMORY(reallocarray, (void *old, size_t n, size_t size), (old, n, size))
WRAP(char *, strdup, (const char *text), (text), FAULT_MEMORY, NULL, ENOMEM)
WRAP(FILE *, open_memstream, (char **text, size_t *size), (text, size), FAULT_MEMORY, NULL, ENOMEM)

WRAP_FILES(ssize_t, read, (int fd, void *data, size_t n), (fd, data, n))
WRAP_FILES(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))
WRAP_FILES(ssize_t, pwrite64, (int fd, const void *data, size_t n, off64_t at), (fd, data, n, at))
WRAP_FILES(int, renameat, (int from, const char *old, int to, const char *name),
	(from, old, to, name))
WRAP_FILES(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP_FILES(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode))
WRAP_FILES(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WRAP_FILES(int, flock, (int fd, int how), (fd, how))
WRAP_FILES(int, fstat64, (int fd, struct stat64 *st), (fd, st))
WRAP_FILES(int, fstatat64, (int at, const char *path, struct stat64 *st, int flags),
	(at, path, st, flags))
WRAP(DIR *, fdopendir, (int fd), (fd), FAULT_FILES, NULL, EIO)
WRAP(struct dirent64 *, readdir64, (DIR *folder), (folder), FAULT_FILES, NULL, EIO)

#define WRAP_SYSTEM(name, parameters, arguments)                                                   \
	WRAP(int, name, parameters, arguments, FAULT_SYSTEM, UV_ENOMEM, ENOMEM)

WRAP_SYSTEM(uv_loop_init, (uv_loop_t *loop), (loop))
WRAP_SYSTEM(uv_mutex_init, (uv_mutex_t *lock), (lock))
WRAP_SYSTEM(uv_rwlock_init, (uv_rwlock_t *lock), (lock))
WRAP_SYSTEM(uv_cond_init, (uv_cond_t *cond), (cond))
WRAP_SYSTEM(uv_thread_create, (uv_thread_t *thread, uv_thread_cb fn, void *arg), (thread, fn, arg))
WRAP_SYSTEM(uv_async_init, (uv_loop_t *loop, uv_async_t *async, uv_async_cb fn), (loop, async, fn))
WRAP_SYSTEM(uv_poll_init, (uv_loop_t *loop, uv_poll_t *poll, int fd), (loop, poll, fd))
WRAP(int, pthread_create,
	(pthread_t *thread, const pthread_attr_t *how, void *(*start)(void *), void *arg),
	(thread, how, start, arg), FAULT_SYSTEM, EAGAIN, EAGAIN)
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), FAULT_SYSTEM, -1,
	EMFILE)

/* Nothing here has to outlive a power cut, and a disk may take its time. */
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	(void)fd;
	if (!fails(FAULT_FILES))
		return 0;
	errno = EIO;
	return -1;
}

/* These have a mode only where they make a file. */
#define WRAP_OPEN(name, parameters, ...)                                                           \
	int __real_##name parameters;                                                              \
	int __wrap_##name parameters;                                                              \
	int __wrap_##name parameters                                                               \
	{                                                                                          \
		va_list more;                                                                      \
		va_start(more, how);                                                               \
		mode_t mode = how & O_CREAT ? va_arg(more, mode_t) : 0;                            \
		va_end(more);                                                                      \
		if (!fails(FAULT_FILES))                                                           \
			return __real_##name(__VA_ARGS__, mode);                                   \
		errno = EMFILE;                                                                    \
		return -1;                                                                         \
	}

WRAP_OPEN(open64, (const char *path, int how, ...), path, how)
WRAP_OPEN(openat64, (int at, const char *path, int how, ...), at, path, how)
