/* Tests proxy/sock.c: what the other end of a socket sees. */
#include "loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/sock.h"

/* A connected TCP pair on loopback: [0] non-blocking, as accept4 gives it; [1] blocking. */
static void
tcp_pair(int fd[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[1], (struct sockaddr *)&a, sizeof(a)), 0);
	fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd[0] >= 0);
	close(listener);
}

static void
test_a_close_is_an_end(void **state)
{
	int fd[2];
	char c;
	tcp_pair(fd);
	struct sock *s = sock_open(*state, fd[0], false, NULL);
	sock_close(s);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(read(fd[1], &c, 1), 0);
	close(fd[1]);
	sock_close(NULL);
}

static void
on_shut(void *owner, int status)
{
	(void)owner;
	(void)status;
}

static void
test_a_reset_is_a_reset(void **state)
{
	for (int after_shutdown = 0; after_shutdown < 2; after_shutdown++) {
		int fd[2];
		char c;
		tcp_pair(fd);
		struct sock *s = sock_open(*state, fd[0], false, NULL);
		if (after_shutdown) {
			assert_int_equal(sock_shutdown(s, on_shut), 0);
			uv_run(*state, UV_RUN_DEFAULT);
			assert_int_equal(read(fd[1], &c, 1), 0);
			assert_int_equal(write(fd[1], "x", 1), 1);
		}
		sock_reset(s);
		uv_run(*state, UV_RUN_DEFAULT);
		ssize_t r = after_shutdown ? write(fd[1], "x", 1) : read(fd[1], &c, 1);
		assert_int_equal(r, -1);
		assert_true(errno == ECONNRESET || errno == EPIPE);
		close(fd[1]);
	}
}

static bool called;

static void
on_shut_too_late(void *owner, int status)
{
	*(int *)owner = status;
	called = true;
}

static void
test_the_end_of_what_was_reset(void **state)
{
	const struct linger at_once = {.l_onoff = 1};
	int fd[2], status = 0;

	tcp_pair(fd);
	struct sock *s = sock_open(*state, fd[0], false, &status);
	assert_int_equal(setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd[1]);
	called = false;
	assert_int_equal(sock_shutdown(s, on_shut_too_late), 0);
	loop_until(*state, &called);
	assert_int_equal(status, UV_ECONNRESET);
	sock_close(s);
	uv_run(*state, UV_RUN_DEFAULT);
}

static void
on_written(void *owner, int status)
{
	assert_non_null(owner);
	assert_int_equal(status, 0);
	called = true;
}

static void
test_what_does_not_fit_is_written_later(void **state)
{
	static uint8_t data[4 << 20], got[4 << 20];
	int fd[2], owner = 0;
	size_t n = 0;
	tcp_pair(fd);
	/* Else the system gives it as much as there are data, now and then. */
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &(int){1 << 18}, sizeof(int)), 0);
	struct sock *s = sock_open(*state, fd[0], false, &owner);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 >> 3);
	struct span pieces[] = {{data, 1000}, {data + 1000, sizeof(data) - 1000}};
	int wrote = sock_try_write(s, pieces, 2);
	assert_true(wrote > 0 && (size_t)wrote < sizeof(data));
	while (sock_try_write(s, &(struct span){data + wrote, 1}, 1) == 1)
		wrote++;
	called = false;
	assert_int_equal(sock_write(s, data + wrote, sizeof(data) - (size_t)wrote, on_written), 0);
	assert_int_equal(sock_try_write(s, &(struct span){data, 1}, 1), 0); /* not in front of it */
	while (n < sizeof(got)) {
		uv_run(*state, UV_RUN_NOWAIT);
		ssize_t r = recv(fd[1], got + n, sizeof(got) - n, MSG_DONTWAIT);
		n += r > 0 ? (size_t)r : 0;
	}
	loop_until(*state, &called);
	assert_memory_equal(data, got, sizeof(got));
	sock_close(s);
	close(fd[1]);
}

static void
test_closing_ends_a_write_without_a_word(void **state)
{
	int fd[2], owner = 0;
	tcp_pair(fd);
	struct sock *s = sock_open(*state, fd[0], false, &owner);
	uint8_t *data = calloc(1, 8 << 20);
	called = false;
	assert_int_equal(sock_write(s, data, 8 << 20, on_written), 0);
	sock_close(s);
	free(data);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_false(called);
	close(fd[1]);
}

/* In a turn a socket reads so much, and no more. */
static void
test_a_turn_has_its_ration(void **state)
{
	struct sock s = {.turn = 0};
	(void)state;
	assert_false(sock_is_done(&s, 1));
	assert_int_equal(sock_may_read(&s, 1, 1000, 600), 600);
	assert_false(sock_is_done(&s, 1));
	assert_int_equal(sock_may_read(&s, 1, 1000, 600), 400);
	assert_true(sock_is_done(&s, 1));
	assert_int_equal(sock_may_read(&s, 1, 1000, 600), 0);
	assert_false(sock_is_done(&s, 2));
	assert_int_equal(sock_may_read(&s, 2, 500, 600), 500);
}

static void
on_connected(void *owner, int status)
{
	assert_int_equal(status, 0);
	*(bool *)owner = true;
}

static void
congestion_of(int fd, char name[static 16])
{
	memset(name, 0, 16);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &(socklen_t){15}), 0);
}

/* Within the host bytes are sent at once, whatever the system does on a line. */
static void
test_loopback_is_not_paced(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char usual[16], name[16];
	bool connected = false;
	int plain = socket(AF_INET, SOCK_STREAM, 0), listener = socket(AF_INET, SOCK_STREAM, 0);

	congestion_of(plain, usual);
	sock_unpaced(plain, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc0000201)});
	congestion_of(plain, name);
	assert_string_equal(name, usual);
	close(plain);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	sock_unpaced(listener, (struct sockaddr *)&a);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &(socklen_t){sizeof(a)}), 0);
	struct sock *s = sock_new(*state, false, &connected);
	assert_int_equal(sock_connect(s, (struct sockaddr *)&a, NULL, on_connected), 0);
	loop_until(*state, &connected);
	congestion_of(sock_fd(s), name);
	assert_string_equal(name, "reno");
	int accepted = accept(listener, NULL, NULL);
	congestion_of(accepted, name);
	assert_string_equal(name, "reno");
	sock_close(s);
	close(accepted);
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_a_close_is_an_end),
		LOOP_TEST(test_a_reset_is_a_reset),
		LOOP_TEST(test_the_end_of_what_was_reset),
		LOOP_TEST(test_what_does_not_fit_is_written_later),
		LOOP_TEST(test_closing_ends_a_write_without_a_word),
		cmocka_unit_test(test_a_turn_has_its_ration),
		LOOP_TEST(test_loopback_is_not_paced),
	};
	signal(SIGPIPE, SIG_IGN); /* as a node does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
