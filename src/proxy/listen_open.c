/* Knows how sockets are opened for listening, or taken over; uses no loop, so any thread may. */
#include "proxy/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/inherit.h"
#include "proxy/sock.h"

#define BACKLOG 1024

static enum sc_error
fail(struct errmsg *err, const char *text, int error)
{
	const char *advice = "";
	if (error == EADDRINUSE)
		advice = "; another program has it: stop that, or change `listen`";
	if (error == EACCES)
		advice = "; the system does not allow it to this user: choose a port above 1023 or "
			 "another path (a node that root starts with `user` set gets such ports "
			 "only then: restart it)";
	if (error == EADDRNOTAVAIL)
		advice = "; no interface of this host has that address";
	return errmsg_set(
		err, SC_ERR_IO, "cannot listen on %s: %s%s", text, strerror(error), advice);
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
add(struct list *list, const struct endpoint *endpoint, int fd, struct errmsg *err)
{
	if (listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		return fail(err, endpoint->text, error);
	}
	struct listener *l = calloc(1, sizeof(*l));
	if (!l) {
		close(fd);
		return errmsg_set(
			err, SC_ERR_MEMORY, "cannot listen on %s: out of memory", endpoint->text);
	}
	const int off = 0; /* only for the moment of binding and listening */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &off, sizeof(off));
	l->fd = fd;
	l->endpoint = *endpoint;
	l->is_unix = endpoint->is_unix;
	snprintf(l->path, sizeof(l->path), "%s", endpoint->path);
	bound_text(l, endpoint);
	list_insert_tail(list, &l->node);
	return SC_OK;
}

/* The bound descriptor, or -1 and errno. */
static int
bind_tcp(const struct addrinfo *a, bool share)
{
	const int on = 1, sharing = share;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &sharing, sizeof(sharing));
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
open_tcp(struct list *list, const struct endpoint *endpoint, struct inherited *inherited,
	bool share, struct errmsg *err)
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
		int fd = inherited_take(inherited, a->ai_addr, a->ai_addrlen);
		if (fd < 0)
			fd = bind_tcp(a, share);
		if (fd >= 0) {
			sock_unpaced(fd, a->ai_addr); /* those that it accepts are so, too */
			result = add(list, endpoint, fd, err);
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

/* So that nobody else's is removed in the end. */
static void
note_file(struct listener *l)
{
	struct stat st;

	if (lstat(l->path, &st) != 0)
		return;
	l->device = st.st_dev;
	l->inode = st.st_ino;
}

static int
bind_unix(const struct sockaddr_un *address)
{
	const struct sockaddr *bare = (const struct sockaddr *)address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	int r = bind(fd, bare, sizeof(*address));
	if (r != 0 && errno == EADDRINUSE && stale(address) && unlink(address->sun_path) == 0)
		r = bind(fd, bare, sizeof(*address));
	if (r == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static enum sc_error
open_unix(struct list *list, const struct endpoint *endpoint, struct inherited *inherited,
	struct errmsg *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, endpoint->path, sizeof(address.sun_path));
	int fd = inherited_take(inherited, (const struct sockaddr *)&address, sizeof(address));
	bool ours = fd < 0 || inherited->owned;
	if (fd < 0)
		fd = bind_unix(&address);
	if (fd < 0)
		return fail(err, endpoint->path, errno);
	enum sc_error result = add(list, endpoint, fd, err);
	if (result == SC_OK && ours)
		note_file(container_of(list->prev, struct listener, node));
	return result;
}

enum sc_error
listeners_open(struct list *list, const struct endpoint *endpoint, struct inherited *inherited,
	bool share, struct errmsg *err)
{
	return endpoint->is_unix ? open_unix(list, endpoint, inherited, err)
				 : open_tcp(list, endpoint, inherited, share, err);
}
