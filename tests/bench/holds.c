/* Put in front of a program of libuv (LD_PRELOAD): how long its event loops were away from epoll,
   at most, between two of its calls. Writes into the file that HOLDS names, which is this: the
   longest hold and how many turns there were, both of all threads; whoever measures sets them to
   0. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct holds {
	_Atomic uint64_t longest; /* nanoseconds of the thread's processor time: what others on the
				     machine do is not in it */
	_Atomic uint64_t turns;
};

static struct holds *shared;
static _Thread_local uint64_t since;

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *name = getenv("HOLDS");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *memory =
		fd >= 0 ? mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			: MAP_FAILED;

	if (fd >= 0)
		close(fd);
	shared = memory == MAP_FAILED ? NULL : memory;
}

static void
note(void)
{
	uint64_t held = since ? now() - since : 0;

	if (!shared)
		return;
	atomic_fetch_add(&shared->turns, 1);
	uint64_t longest = atomic_load(&shared->longest);
	while (held > longest && !atomic_compare_exchange_weak(&shared->longest, &longest, held))
		;
}

typedef int
wait_fn(int fd, struct epoll_event *events, int n, int timeout, const sigset_t *signals);

int
epoll_pwait(int fd, struct epoll_event *events, int n, int timeout, const sigset_t *signals)
{
	static wait_fn *next;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "epoll_pwait");
	note();
	int got = next(fd, events, n, timeout, signals);
	since = now();
	return got;
}

int
epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	return epoll_pwait(fd, events, n, timeout, NULL);
}
