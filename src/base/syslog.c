/* Knows how a line reaches the system's log daemon; knows nothing of what is in it. */
#include "base/syslog.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FACILITY_DAEMON 3

/* Made at the first line and kept. It is not connected: the daemon may start later, and again. The
   C library's syslog() would wait where the daemon does not read, and an event loop with it. */
static atomic_int shared = -1;

static int
socket_of_all(void)
{
	int fd = atomic_load(&shared), none = -1;

	if (fd >= 0)
		return fd;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || atomic_compare_exchange_strong(&shared, &none, fd))
		return fd;
	close(fd); /* another thread was quicker */
	return none;
}

/* "<30>Nov  5 07:00:00 secureconn[812]: " */
static size_t
write_header(char out[80], enum syslog_severity severity)
{
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm local;

	if (localtime_r(&now, &local))
		strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &local);
	return (size_t)snprintf(out, 80,
		"<%u>%s secureconn[%ld]: ", FACILITY_DAEMON * 8u + severity, stamp, (long)getpid());
}

bool
syslog_send(const char *path, enum syslog_severity severity, const char *text, size_t n)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char header[80];
	int fd = socket_of_all();

	if (fd < 0 || strlen(path) >= sizeof(to.sun_path))
		return false;
	strcpy(to.sun_path, path);
	struct iovec parts[] = {{header, write_header(header, severity)}, {(void *)text, n}};
	const struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = parts, .msg_iovlen = 2};
	return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}
