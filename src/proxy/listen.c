/* Knows how sockets are opened for listening and what may go wrong in accepting; knows nothing
   of who calls. */
#include "proxy/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/alarm.h"

#define BACKLOG      1024
#define ACCEPTS_MAX  64 /* in one turn of the loop */
#define ACCEPT_PAUSE (100 * NS_PER_MS)

static enum sc_error
fail(struct errmsg *err, const char *text, int error)
{
	const char *advice = "";
	if (error == EADDRINUSE)
		advice = "; another program has it: stop that, or change `listen`";
	if (error == EACCES)
		advice = "; the system does not allow it to this user: choose a port above 1023 or "
			 "another path";
	if (error == EADDRNOTAVAIL)
		advice = "; no interface of this host has that address";
	return errmsg_set(err, SC_ERR_IO, "cannot listen on %s: %s%s", text, strerror(error),
		advice);
}

static void
bound_text(struct listener *l, const struct endpoint *endpoint)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (l->is_unix || getsockname(l->fd, (struct sockaddr *)&address, &size) != 0)
		snprintf(l->text, sizeof(l->text), "%s", l->is_unix ? l->path : endpoint->text);
	else
		address_text(l->text, (struct sockaddr *)&address);
}

/* Puts a bound descriptor on the list, which has it from then on. */
static enum sc_error
add(struct list *list, uv_loop_t *loop, const struct endpoint *endpoint, int fd,
	struct errmsg *err)
{
	struct listener *l;

	if (listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		return fail(err, endpoint->text, error);
	}
	l = calloc(1, sizeof(*l));
	if (!l || uv_poll_init(loop, &l->poll, fd) != 0) {
		free(l);
		close(fd);
		return errmsg_set(err, SC_ERR_MEMORY, "cannot listen on %s: out of memory",
			endpoint->text);
	}
	l->poll.data = l;
	l->fd = fd;
	l->is_unix = endpoint->is_unix;
	snprintf(l->path, sizeof(l->path), "%s", endpoint->path);
	bound_text(l, endpoint);
	list_insert_tail(list, &l->node);
	return SC_OK;
}

/* The bound descriptor, or -1 and errno. */
static int
bind_tcp(const struct addrinfo *a)
{
	const int on = 1;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ai_family == AF_INET6) /* so that "0.0.0.0" may be there beside "[::]" */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static enum sc_error
open_tcp(struct list *list, uv_loop_t *loop, const struct endpoint *endpoint, struct errmsg *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	enum sc_error result = SC_OK;
	char port[8];
	int error = EADDRNOTAVAIL;
	bool any = false;

	snprintf(port, sizeof(port), "%u", endpoint->port);
	int r = getaddrinfo(endpoint->host, port, &hints, &found);
	if (r != 0)
		return errmsg_set(err, SC_ERR_NOT_FOUND, "cannot listen on %s: %s", endpoint->text,
			gai_strerror(r));
	for (struct addrinfo *a = found; a && result == SC_OK; a = a->ai_next) {
		int fd = bind_tcp(a);
		if (fd >= 0) {
			result = add(list, loop, endpoint, fd, err);
			any = true;
		} else if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT) {
			error = errno; /* a name may have an address that this host has not */
		} else {
			result = fail(err, endpoint->text, errno);
		}
	}
	freeaddrinfo(found);
	return any || result != SC_OK ? result : fail(err, endpoint->text, error);
}

/* True if the path is a socket that nobody listens on any more. */
static bool
stale(const struct sockaddr_un *address)
{
	struct stat st;
	if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static enum sc_error
open_unix(struct list *list, uv_loop_t *loop, const struct endpoint *endpoint, struct errmsg *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct sockaddr *bare = (const struct sockaddr *)&address;
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fail(err, endpoint->path, errno);
	memcpy(address.sun_path, endpoint->path, sizeof(address.sun_path));
	int r = bind(fd, bare, sizeof(address));
	if (r != 0 && errno == EADDRINUSE && stale(&address) && unlink(endpoint->path) == 0)
		r = bind(fd, bare, sizeof(address));
	if (r != 0) {
		int error = errno;
		close(fd);
		return fail(err, endpoint->path, error);
	}
	enum sc_error result = add(list, loop, endpoint, fd, err);
	if (result == SC_OK && lstat(endpoint->path, &st) == 0) {
		struct listener *l = container_of(list->prev, struct listener, node);
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	return result;
}

enum sc_error
listeners_open(struct list *list, uv_loop_t *loop, const struct endpoint *endpoint,
	struct flood *errors, struct errmsg *err)
{
	struct list *last = list->prev;
	enum sc_error result = endpoint->is_unix ? open_unix(list, loop, endpoint, err)
						 : open_tcp(list, loop, endpoint, err);

	for (struct list *it = last->next; it != list; it = it->next)
		container_of(it, struct listener, node)->errors = errors;
	return result;
}

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

void
listener_start(struct listener *l, accept_fn *fn, void *owner)
{
	l->fn = fn;
	l->owner = owner;
	l->pause = alarm_new(l->poll.loop, resume, l);
	if (l->pause)
		uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
listener_close(struct listener *l)
{
	struct stat st;

	if (l->is_unix && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
		st.st_ino == l->inode)
		unlink(l->path);
	uv_poll_stop(&l->poll);
	close(l->fd);
	l->fd = -1;
	alarm_free(l->pause);
	list_remove(&l->node);
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
