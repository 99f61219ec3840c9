/* Tests proxy/inherit.c: descriptors that are of use, and what else a process may be given. */
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/inherit.h"

static struct sockaddr_storage
address_of(int fd, socklen_t *size)
{
	struct sockaddr_storage a = {0};
	*size = sizeof(a);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, size), 0);
	return a;
}

static int
listening(int family)
{
	struct sockaddr_storage a = {.ss_family = (sa_family_t)family};
	int fd = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&a)->sin6_addr = in6addr_loopback;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Puts descriptors in a row, from a free number on. */
static int
in_a_row(const int *fds, size_t n)
{
	const int first = 200;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(dup2(fds[i], first + (int)i), first + (int)i);
		close(fds[i]);
	}
	return first;
}

static void
test_only_what_listens(void **state)
{
	struct inherited in;
	socklen_t size;
	int fds[] = {listening(AF_INET), socket(AF_INET, SOCK_STREAM, 0),
		socket(AF_INET, SOCK_DGRAM, 0), open("/dev/null", O_RDONLY), listening(AF_INET6)};
	(void)state;
	struct sockaddr_storage a = address_of(fds[0], &size), other = a;
	int first = in_a_row(fds, ARRAY_SIZE(fds));

	assert_true(inherited_init(&in, first, ARRAY_SIZE(fds) + 1, true)); /* the last is closed */
	assert_int_equal(in.n, 2);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(first, F_GETFL) & O_NONBLOCK);
	((struct sockaddr_in *)&other)->sin_addr.s_addr = htonl(INADDR_ANY);
	assert_int_equal(inherited_take(&in, (struct sockaddr *)&other, size), -1);
	assert_int_equal(inherited_take(&in, (struct sockaddr *)&a, size), first);
	assert_int_equal(inherited_take(&in, (struct sockaddr *)&a, size), -1);
	inherited_fini(&in);
	assert_int_equal(fcntl(first + 4, F_GETFD), -1); /* nobody took it: closed */
	for (int i = 0; i < 4; i++)
		assert_int_equal(close(first + i), 0);
}

static void
test_unix_names(void **state)
{
	struct inherited in;
	struct sockaddr_un a = {.sun_family = AF_UNIX}, none = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)state;

	/* An abstract name is no path, whatever it looks like. */
	snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "/secureconn-test-%d", (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_true(inherited_init(&in, fd, 1, true));
	assert_int_equal(inherited_take(&in, (struct sockaddr *)&none, sizeof(none)), -1);
	assert_int_equal(inherited_take(&in, (struct sockaddr *)&a, sizeof(sa_family_t)), -1);
	inherited_fini(&in);
	assert_int_equal(inherited_take(NULL, (struct sockaddr *)&a, sizeof(a)), -1);
}

static void
expect_from_systemd(const char *pid, const char *n, size_t expected)
{
	struct inherited in;

	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", n, 1);
	setenv("LISTEN_FDNAMES", "a:b", 1);
	assert_true(inherited_from_systemd(&in));
	assert_int_equal(in.n, expected);
	assert_false(in.owned);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
	inherited_fini(&in);
}

static void
test_systemd(void **state)
{
	char me[32], other[32];
	int fd = listening(AF_INET);
	(void)state;

	snprintf(me, sizeof(me), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getppid());
	assert_int_equal(dup2(fd, 3), 3); /* where they begin; nothing else is there */
	if (fd != 3)
		close(fd);
	expect_from_systemd(other, "1", 0);
	expect_from_systemd(me, "", 0);
	expect_from_systemd(me, "-1", 0);
	expect_from_systemd(me, " 1", 0);
	expect_from_systemd(me, "1x", 0);
	expect_from_systemd(me, "99999999999999999999", 0);
	expect_from_systemd(me, "1025", 0);
	assert_int_not_equal(fcntl(3, F_GETFD), -1);
	expect_from_systemd(me, "1", 1);
	assert_int_equal(fcntl(3, F_GETFD), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_listens),
		cmocka_unit_test(test_unix_names),
		cmocka_unit_test(test_systemd),
	};
	int null = open("/dev/null", O_WRONLY);
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, null);
	if (null == 3)
		dup2(null, 9);
	close(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
