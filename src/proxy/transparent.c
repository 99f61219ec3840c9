/* Knows the system's options for such sockets; knows nothing of who is to be shown to whom. */
#include "proxy/transparent.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

static int
option(int fd, int level, int name)
{
	const int on = 1;
	return setsockopt(fd, level, name, &on, sizeof(on));
}

/* The descriptor, or -1 and errno. */
static int
open_socket(bool v6)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -1;
	if (v6)
		r = option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT) |
		    option(fd, IPPROTO_IPV6, IPV6_FREEBIND);
	else
		r = option(fd, IPPROTO_IP, IP_TRANSPARENT) | option(fd, IPPROTO_IP, IP_FREEBIND);
	/* The port is chosen when it is known where it goes: there are more of them then. */
	option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	if (r == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
bind_to(int fd, const struct stream_address *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (address->size == 4) {
		memcpy(&v4.sin_addr, address->bytes, 4);
		return bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	}
	memcpy(&v6.sin6_addr, address->bytes, 16);
	return bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
}

int
transparent_socket(const struct stream_address *address)
{
	int fd = open_socket(address->size == 16);

	if (fd < 0)
		return uv_translate_sys_error(errno);
	if (bind_to(fd, address) == 0)
		return fd;
	int error = uv_translate_sys_error(errno);
	close(fd);
	return error;
}

int
transparent_possible(void)
{
	int fd = open_socket(false);

	if (fd < 0)
		return uv_translate_sys_error(errno);
	close(fd);
	return 0;
}
