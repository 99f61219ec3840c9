/* Knows what may go wrong in accepting; knows nothing of who calls. How sockets are opened is
   listen_open.c's. */
#include "proxy/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/alarm.h"

#define ACCEPTS_MAX  64 /* in one turn of the loop */
#define ACCEPT_PAUSE (100 * NS_PER_MS)

static void on_readable(uv_poll_t *poll, int status, int events);

static void
resume(void *owner)
{
	struct listener *l = owner;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

/* Out of descriptors, most likely: a pause, so that others may end. Those who call wait in the
   kernel's queue. */
static void
accept_failed(struct listener *l, int error)
{
	if (flood_pass(l->errors, uv_hrtime())) {
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "accept_failed");
		log_str(&line, "address", l->text);
		log_str(&line, "error", strerror(error));
		log_str(&line, "hint", error == EMFILE || error == ENFILE
				? "raise the limit of open files (LimitNOFILE)" : "");
		log_end(&line);
	}
	uv_poll_stop(&l->poll);
	alarm_set(l->pause, uv_hrtime() + ACCEPT_PAUSE);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	(void)status; /* accept tells what is wrong */
	(void)events;
	for (int i = 0; i < ACCEPTS_MAX && l->fd >= 0; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		int fd = accept4(l->fd, (struct sockaddr *)&from, &size,
			SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			l->fn(l->owner, fd, l->is_unix, (struct sockaddr *)&from);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) {
			accept_failed(l, errno);
			return;
		}
	}
}

bool
listener_start(struct listener *l, uv_loop_t *loop, struct flood *errors)
{
	if (uv_poll_init(loop, &l->poll, l->fd) != 0)
		return false;
	l->poll.data = l;
	l->started = true;
	l->errors = errors;
	l->pause = alarm_new(loop, resume, l);
	return l->pause && uv_poll_start(&l->poll, UV_READABLE, on_readable) == 0;
}

void
listener_give(struct listener *l, accept_fn *fn, void *owner)
{
	l->fn = fn;
	l->owner = owner;
}

void
listener_release(struct listener *l)
{
	l->inode = 0;
	l->device = 0;
}

int
listener_take(struct listener *l)
{
	int fd = l->fd;

	list_remove(&l->node);
	free(l);
	return fd;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
listener_close(struct listener *l)
{
	struct stat st;

	if (l->is_unix && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
		st.st_ino == l->inode)
		unlink(l->path);
	list_remove(&l->node);
	if (!l->started) {
		close(l->fd);
		free(l);
		return;
	}
	uv_poll_stop(&l->poll);
	close(l->fd);
	l->fd = -1;
	alarm_free(l->pause);
	uv_close((uv_handle_t *)&l->poll, on_closed);
}

void
listeners_close(struct list *list)
{
	list_for_each_safe (it, list)
		listener_close(container_of(it, struct listener, node));
}

void
accepted_reset(int fd)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};
	/* fails on a Unix socket: no matter */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}
