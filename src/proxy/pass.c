/* Knows how a descriptor goes along with a message; knows nothing of what the messages say. */
#include "proxy/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool
pass_say(int to, const struct iovec *parts, size_t n, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = n};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

bool
pass_byte(int to, char byte, int fd)
{
	return pass_say(to, &(struct iovec){&byte, 1}, 1, fd);
}

/* The descriptor of a message, -1: it has none. */
static int
descriptor_of(struct msghdr *message)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
			c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

ssize_t
pass_hear(int from, uint8_t *data, size_t size, int *fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {data, size};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	ssize_t r = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = r < 0 ? -1 : descriptor_of(&message);
	if (r < 0 || !(message.msg_flags & MSG_TRUNC))
		return r;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = EMSGSIZE;
	return -1;
}
