/* Tests proxy/tcp_state.c on a pair of sockets on loopback. */
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tcp_state.h"

static void
test_progress(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	struct tcp_state before, after;
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = socket(AF_INET, SOCK_STREAM, 0),
	    pipes[2];
	char byte;
	(void)state;

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	assert_int_equal(connect(one, (struct sockaddr *)&a, size), 0);
	int two = accept(listener, NULL, NULL);
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
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_progress)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
