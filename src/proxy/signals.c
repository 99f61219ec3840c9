/* Knows how signals come to a loop; knows nothing of what they mean. */
#include "proxy/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A descriptor, and not libuv's handlers: those restore the default when they are closed, and a
   second SIGTERM in the last moment would end the process with the status of a crash. */
struct signals {
	uv_poll_t poll;
	int fd;
	void (*fn)(void *owner, int number);
	void *owner;
};

static sigset_t
ours(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	return set;
}

void
signals_block(void)
{
	sigset_t set = ours();
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct signals *s = poll->data;
	struct signalfd_siginfo info;

	(void)status;
	(void)events;
	while (s->fd >= 0 && read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->fn(s->owner, (int)info.ssi_signo);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct signals *
signals_new(uv_loop_t *loop, void (*fn)(void *owner, int number), void *owner)
{
	struct signals *s = calloc(1, sizeof(*s));
	sigset_t set = ours();

	if (!s)
		return NULL;
	s->fn = fn;
	s->owner = owner;
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0 || uv_poll_init(loop, &s->poll, s->fd) != 0) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return NULL;
	}
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_readable);
	return s;
}

void
signals_free(struct signals *s)
{
	if (!s)
		return;
	uv_poll_stop(&s->poll);
	close(s->fd);
	s->fd = -1;
	uv_close((uv_handle_t *)&s->poll, on_closed);
}
