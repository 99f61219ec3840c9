/* Tests proxy/early.c. */
#include "unit.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/early.h"

/* A port that was free a moment ago. */
static uint16_t
some_port(int *fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &size), 0);
	return ntohs(a.sin_port);
}

static struct endpoint
endpoint(const char *format, unsigned port)
{
	struct endpoint e;
	struct errmsg err;
	char text[64];

	snprintf(text, sizeof(text), format, port);
	assert_int_equal(endpoint_parse(&e, text, true, &err), SC_OK);
	return e;
}

static void
test_ports(void **state)
{
	int fds[3];
	uint16_t ports[3];
	struct inherited in = {.fds = NULL};
	struct errmsg err;
	struct stat st;
	(void)state;

	for (size_t i = 0; i < 3; i++)
		ports[i] = some_port(&fds[i]);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	struct endpoint node = endpoint("127.0.0.1:%u", ports[0]);
	struct endpoint route[] = {endpoint("127.0.0.1:%u", ports[1]), endpoint("/no/such/%u", 1)};
	struct endpoint metrics = endpoint("127.0.0.1:%u", ports[2]);
	struct config_route r = {.listen = {.at = route, .n = 2}};
	const struct config c = {.node = {.listen = {.at = &node, .n = 1},
		.metrics = {.at = &metrics, .n = 1}}, .routes = &r, .n_routes = 1};

	assert_int_equal(early_ports(&in, &c, getuid(), getgid(), &err), SC_OK);
	assert_int_equal(in.n, 3);
	/* Again: they are there already. */
	assert_int_equal(
		early_ports(&in, &c, geteuid() == 0 ? 1234 : getuid(), getgid(), &err), SC_OK);
	assert_int_equal(in.n, 3);
	for (size_t i = 0; i < 3; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(ports[i]),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int caller = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(caller, (struct sockaddr *)&a, sizeof(a)), 0);
		close(caller);
		int fd = inherited_take(&in, (struct sockaddr *)&a, sizeof(a));
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		if (geteuid() == 0)
			assert_int_equal(st.st_uid, 1234);
		close(fd);
	}
	inherited_drop(&in);
}

static void
test_a_port_that_is_taken(void **state)
{
	int fd;
	struct endpoint node[] = {
		endpoint("127.0.0.1:%u", some_port(&fd)), endpoint("127.0.0.1:%u", 1)};
	const struct config c = {.node = {.listen = {.at = node, .n = 1}}};
	struct inherited in = {.fds = NULL};
	struct errmsg err;
	(void)state;

	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(early_ports(&in, &c, getuid(), getgid(), &err), SC_ERR_IO);
	assert_non_null(strstr(err.text, "another program has it"));
	assert_int_equal(in.n, 0);
	inherited_drop(&in);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_a_port_that_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
