/* What the load programs share: loopback sockets, the time, and an end when something fails. */
#ifndef SC_TESTS_BENCH_NET_H
#define SC_TESTS_BENCH_NET_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

_Noreturn static inline void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* A number of the command line, from least to most. */
static inline long
number(const char *text, long least, long most)
{
	char *end;

	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < least || n > most) {
		fprintf(stderr, "%s: not a number from %ld to %ld\n", text, least, most);
		exit(2);
	}
	return n;
}

static inline void
set_option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) != 0)
		die("setsockopt");
}

/* A TCP socket and the address of a port on loopback. */
static inline int
new_socket(struct sockaddr_in *a, long port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return fd;
}

/* Does not block. */
static inline int
listen_on(long port)
{
	struct sockaddr_in a;
	int fd = new_socket(&a, port);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 4096) != 0)
		die("listen");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		die("fcntl");
	return fd;
}

/* Blocks, as does the socket that it returns. -1: nobody is there. */
static inline int
try_dial(long port)
{
	struct sockaddr_in a;
	int fd = new_socket(&a, port);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

static inline int
dial(long port)
{
	int fd = try_dial(port);
	if (fd < 0)
		die("connect");
	return fd;
}

/* For the start of a program: it ends with whoever started it, and has as many descriptors as it
   may. */
static inline void
load_setup(void)
{
	struct rlimit files;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

#endif
