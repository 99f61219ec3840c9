/* Tests proxy/tcp_state.c on a pair of sockets on loopback. */
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tcp_state.h"

/* A connection on loopback, both of whose ends are the caller's. */
static void
connect_pair(int *one, int *two)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	*one = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	assert_int_equal(connect(*one, (struct sockaddr *)&a, size), 0);
	*two = accept(listener, NULL, NULL);
	assert_true(*two >= 0);
	close(listener);
}

static void
test_progress(void **state)
{
	struct tcp_state before, after;
	int one, two, pipes[2];
	char byte;
	(void)state;

	connect_pair(&one, &two);
	assert_true(tcp_state_get(one, &before));
	assert_int_equal(send(one, "hello", 5, 0), 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(recv(two, &byte, 1, 0), 1);
	bool arrived = false;
	for (int i = 0; i < 5000 && !arrived; i++) {
		assert_true(tcp_state_get(one, &after));
		arrived = after.acknowledged == before.acknowledged + 5;
		usleep(1000);
	}
	assert_true(arrived);
	assert_true(after.since_last_ms < 10000);

	assert_int_equal(pipe(pipes), 0);
	assert_false(tcp_state_get(pipes[0], &after));
	close(pipes[0]);
	close(pipes[1]);
	close(one);
	close(two);
}

static int
received_most(int fd)
{
	int bytes;
	socklen_t size = sizeof(bytes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size), 0);
	return bytes;
}

static void
test_bound_on_a_short_way(void **state)
{
	int one, two;
	bool bounded = false;
	(void)state;

	/* The way is found to be short unless this process has to wait at just that moment. */
	for (int i = 0; i < 100 && !bounded; i++) {
		connect_pair(&one, &two);
		bounded = tcp_bound_received(two, 20000);
		assert_true(received_most(one) != 40000);
		if (bounded)
			assert_int_equal(received_most(two), 40000);
		close(one);
		close(two);
	}
	assert_true(bounded);
}

static void
test_no_bound_elsewhere(void **state)
{
	int pipes[2], fresh = socket(AF_INET, SOCK_STREAM, 0), before = received_most(fresh);
	(void)state;

	assert_int_equal(pipe(pipes), 0);
	assert_false(tcp_bound_received(pipes[0], 20000));
	assert_false(tcp_bound_received(fresh, 20000)); /* no way is known */
	assert_int_equal(received_most(fresh), before);
	assert_false(tcp_bound_received(-1, 20000));
	close(pipes[0]);
	close(pipes[1]);
	close(fresh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_bound_on_a_short_way),
		cmocka_unit_test(test_no_bound_elsewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
