/* Tests proxy/transparent.c. What the other side sees is tested in tests/e2e/test_source.py, where
   answers can be led back. */
#include "unit.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <uv.h>

#include "proxy/address.h"
#include "proxy/transparent.h"

static void
expect_bound(const struct stream_address *address)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	int fd = transparent_socket(address);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
	struct stream_address got = address_to_stream((struct sockaddr *)&bound);
	assert_int_equal(got.size, address->size);
	assert_memory_equal(got.bytes, address->bytes, address->size);
	assert_int_equal(got.port, 0);
	close(fd);
}

/* Addresses that no host has. */
static void
test_socket(void **state)
{
	const struct stream_address v4 = {4, {192, 0, 2, 33}, 4242};
	const struct stream_address v6 = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 4242};
	int possible = transparent_possible();
	(void)state;

	if (possible == UV_EPERM) {
		assert_int_equal(transparent_socket(&v4), UV_EPERM);
		skip();
	}
	assert_int_equal(possible, 0);
	expect_bound(&v4);
	expect_bound(&v6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_socket)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
