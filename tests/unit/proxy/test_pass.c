/* Tests proxy/pass.c: messages with descriptors and without, large ones, an end that has gone. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "proxy/pass.h"

static void
pair_of(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void
test_messages(void **state)
{
	int ends[2], pipes[2], fd;
	uint8_t data[16];
	char byte;
	(void)state;

	pair_of(ends);
	assert_int_equal(pipe(pipes), 0);
	assert_true(pass_byte(ends[0], 'a', -1));
	const struct iovec parts[] = {{(char *)"two", 3}, {(char *)"parts", 5}};
	assert_true(pass_say(ends[0], parts, 2, pipes[1]));
	close(pipes[1]);
	assert_int_equal(pass_hear(ends[1], data, sizeof(data), &fd), 1);
	assert_int_equal(data[0], 'a');
	assert_int_equal(fd, -1);
	assert_int_equal(pass_hear(ends[1], data, sizeof(data), &fd), 8);
	assert_memory_equal(data, "twoparts", 8);
	assert_int_equal(write(fd, "x", 1), 1); /* a descriptor of the same pipe */
	close(fd);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	assert_int_equal(pass_hear(ends[1], data, sizeof(data), &fd), -1);
	assert_int_equal(errno, EAGAIN);
	close(pipes[0]);
	close(ends[0]);
	assert_int_equal(pass_hear(ends[1], data, sizeof(data), &fd), 0);
	assert_false(pass_byte(ends[1], 'a', -1));
	close(ends[1]);
}

/* Its descriptor is not lost: the other end of the pipe sees the end. */
static void
test_too_large(void **state)
{
	int ends[2], pipes[2], fd;
	uint8_t data[4];
	char byte;
	(void)state;

	pair_of(ends);
	assert_int_equal(pipe(pipes), 0);
	assert_true(pass_say(ends[0], &(struct iovec){(char *)"12345", 5}, 1, pipes[1]));
	close(pipes[1]);
	assert_int_equal(pass_hear(ends[1], data, sizeof(data), &fd), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(fd, -1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
