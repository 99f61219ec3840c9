/* Tests proxy/notify.c with a socket in the service manager's place. */
#include "unit.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/notify.h"
#include "scratch.h"

static int
manager(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(a.sun_path, name, n);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
		0);
	return fd;
}

static void
assert_told(int fd, const char *expected)
{
	char text[600] = "";
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_int_equal(n, strlen(expected));
	assert_string_equal(text, expected);
}

static void
test_paths_and_abstract_names(void **state)
{
	struct scratch s;
	char name[64];
	(void)state;
	scratch_init(&s);
	snprintf(name, sizeof(name), "@secureconn-test-%d", (int)getpid());
	const char *names[] = {scratch_path(&s, "notify"), name};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = manager(names[i]);
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_send("READY=1\nSTATUS=%d links", 7);
		assert_told(fd, "READY=1\nSTATUS=7 links");
		notify_reloading();
		char text[100] = "";
		long long at = 0;
		assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
		assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld", &at), 1);
		assert_true(at > 0);
		close(fd);
		notify_send("READY=1"); /* nobody is there: no matter */
	}
	scratch_fini(&s);
}

/* None of these is an address; none does any harm. */
static void
test_no_manager(void **state)
{
	char longest[200];
	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[199] = '\0';
	const char *names[] = {"", "/", "@", "relative", "/nowhere/at/all", longest};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_send("READY=1");
	}
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
}

static void
test_a_long_one_is_cut(void **state)
{
	struct scratch s;
	char text[600];
	(void)state;
	scratch_init(&s);
	int fd = manager(scratch_path(&s, "notify"));
	setenv("NOTIFY_SOCKET", scratch_path(&s, "notify"), 1);
	memset(text, 'x', sizeof(text));
	text[599] = '\0';
	notify_send("%s", text);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 511);
	close(fd);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_and_abstract_names),
		cmocka_unit_test(test_no_manager),
		cmocka_unit_test(test_a_long_one_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
