/* Knows which descriptors may be listened on, and for which address; knows nothing of who
   listens. */
#include "proxy/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "proxy/address.h"

#define SYSTEMD_FIRST 3

static int
option_of(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* NULL: it can be listened on. */
static const char *
wrong_with(int fd)
{
	int domain = option_of(fd, SO_DOMAIN);

	if (option_of(fd, SO_TYPE) != SOCK_STREAM)
		return "it is no stream socket";
	if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
		return "it is of another address family";
	if (option_of(fd, SO_ACCEPTCONN) != 1)
		return "it does not listen";
	return NULL;
}

static void
log_ignored(int fd, const char *reason)
{
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "inherited_ignored");
	log_u64(&line, "descriptor", (uint64_t)fd);
	log_str(&line, "reason", reason);
	log_end(&line);
}

bool
inherited_init(struct inherited *in, int first, size_t n, bool owned)
{
	*in = (struct inherited){.owned = owned};
	if (n == 0)
		return true;
	in->fds = calloc(n, sizeof(*in->fds));
	for (size_t i = 0; in->fds && i < n; i++) {
		int fd = first + (int)i;
		const char *wrong = wrong_with(fd);
		if (wrong) {
			log_ignored(fd, wrong);
			continue;
		}
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		in->fds[in->n++] = fd;
	}
	return in->fds != NULL;
}

/* A number without sign or blanks, at most max; 0: it is none. */
static unsigned long
parse(const char *text, unsigned long max)
{
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && value <= max ? value : 0;
}

bool
inherited_from_systemd(struct inherited *in)
{
	bool mine = parse(getenv("LISTEN_PID"), INT32_MAX) == (unsigned long)getpid();
	unsigned long n = mine ? parse(getenv("LISTEN_FDS"), INHERIT_MAX) : 0;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return inherited_init(in, SYSTEMD_FIRST, n, false);
}

static bool
same(const struct sockaddr_storage *a, socklen_t a_size, const struct sockaddr *b, socklen_t b_size)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_un *au = (const void *)a, *bu = (const void *)b;

	if (a->ss_family != b->sa_family)
		return false;
	switch (b->sa_family) {
	case AF_INET:
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	case AF_INET6:
		return a6->sin6_port == b6->sin6_port &&
		       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
	default: /* a name of the abstract kind begins with a NUL */
		return a_size > offsetof(struct sockaddr_un, sun_path) &&
		       b_size > offsetof(struct sockaddr_un, sun_path) && au->sun_path[0] != '\0' &&
		       strncmp(au->sun_path, bu->sun_path, sizeof(au->sun_path)) == 0;
	}
}

int
inherited_take(struct inherited *in, const struct sockaddr *address, socklen_t size)
{
	for (size_t i = 0; in && i < in->n; i++) {
		struct sockaddr_storage bound = {0};
		socklen_t bound_size = sizeof(bound);
		int fd = in->fds[i];

		if (getsockname(fd, (struct sockaddr *)&bound, &bound_size) != 0 ||
			!same(&bound, bound_size, address, size))
			continue;
		in->fds[i] = in->fds[--in->n];
		return fd;
	}
	return -1;
}

bool
inherited_add(struct inherited *in, int fd)
{
	int *fds = reallocarray(in->fds, in->n + 1, sizeof(*fds));

	if (!fds) {
		close(fd);
		return false;
	}
	in->fds = fds;
	in->fds[in->n++] = fd;
	return true;
}

static void
log_unused(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	char text[ADDRESS_TEXT_SIZE];
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "inherited_unused");

	getsockname(fd, (struct sockaddr *)&bound, &size);
	address_text(text, (struct sockaddr *)&bound);
	log_str(&line, "address",
		bound.ss_family == AF_UNIX ? ((struct sockaddr_un *)&bound)->sun_path : text);
	log_str(&line, "hint", "no `listen` of the configuration names it: it is closed");
	log_end(&line);
}

void
inherited_fini(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++)
		log_unused(in->fds[i]);
	inherited_drop(in);
}

void
inherited_drop(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++)
		close(in->fds[i]);
	free(in->fds);
	*in = (struct inherited){.fds = NULL};
}
