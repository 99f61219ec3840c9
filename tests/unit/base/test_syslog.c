/* Tests base/syslog.c with a daemon of its own, and that base/log.c speaks to it. */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/syslog.h"
#include "scratch.h"

static char got[4096];

static int
daemon_start(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The next datagram, or NULL. */
static const char *
next(int fd)
{
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = '\0';
	return n >= 0 ? got : NULL;
}

/* What comes after "<30>Nov  5 07:00:00 secureconn[812]: ", which is looked at. */
static const char *
message(int fd, const char *priority)
{
	char form[100];
	const char *line = next(fd);
	size_t n = strlen(priority);

	assert_non_null(line);
	assert_memory_equal(line, priority, n);
	assert_true(line[n + 3] == ' ' && line[n + 6] == ' ' && line[n + 9] == ':' &&
		    line[n + 12] == ':');
	snprintf(form, sizeof(form), " secureconn[%ld]: ", (long)getpid());
	assert_memory_equal(line + n + 15, form, strlen(form));
	return line + n + 15 + strlen(form);
}

static void
test_comes_and_goes(void **state)
{
	struct scratch s;
	(void)state;

	scratch_init(&s);
	const char *path = scratch_path(&s, "log");
	assert_false(syslog_send(path, SYSLOG_INFO, "early", 5));
	int fd = daemon_start(path);
	assert_true(syslog_send(path, SYSLOG_INFO, "one", 3));
	assert_string_equal(message(fd, "<30>"), "one");
	assert_true(syslog_send(path, SYSLOG_ERROR, "two of it", 3));
	assert_string_equal(message(fd, "<27>"), "two");
	close(fd);
	assert_false(syslog_send(path, SYSLOG_INFO, "nobody", 6));
	unlink(path);
	fd = daemon_start(path);
	assert_true(syslog_send(path, SYSLOG_DEBUG, "again", 5));
	assert_string_equal(message(fd, "<31>"), "again");
	close(fd);
	scratch_fini(&s);
}

/* One that does not read holds nobody up. */
static void
test_a_stuck_daemon(void **state)
{
	struct scratch s;
	size_t sent = 0;
	(void)state;

	scratch_init(&s);
	const char *path = scratch_path(&s, "log");
	int fd = daemon_start(path);
	while (sent < 1000000 && syslog_send(path, SYSLOG_INFO, "line", 4))
		sent++;
	assert_in_range(sent, 1, 999999);
	assert_string_equal(message(fd, "<30>"), "line");
	assert_true(syslog_send(path, SYSLOG_INFO, "line", 4));
	close(fd);
	scratch_fini(&s);
}

static void
write_line(enum log_level level)
{
	struct log_line l = log_begin(level, "some_event");
	log_u64(&l, "n", 42);
	log_end(&l);
}

static void
test_lines_of_the_log(void **state)
{
	struct scratch s;
	int fallback[2];
	(void)state;

	scratch_init(&s);
	const char *path = scratch_path(&s, "log");
	assert_int_equal(pipe2(fallback, O_NONBLOCK), 0);
	int fd = daemon_start(path);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, fallback[1]);
	log_set_target(LOG_TO_SYSLOG, path);
	write_line(LOG_LEVEL_WARNING);
	assert_string_equal(message(fd, "<28>"), "some_event n=42");
	log_set_format(LOG_FORMAT_JSON);
	write_line(LOG_LEVEL_ERROR);
	const char *json = message(fd, "<27>");
	assert_memory_equal(json, "{\"time\":\"", 9);
	assert_non_null(strstr(json, "\"event\":\"some_event\",\"n\":42}"));
	write_line(LOG_LEVEL_DEBUG);
	assert_null(next(fd));
	assert_int_equal(read(fallback[0], got, sizeof(got)), -1);
	/* Without the daemon, whole and with its line end. */
	close(fd);
	log_set_format(LOG_FORMAT_TEXT);
	write_line(LOG_LEVEL_INFO);
	ssize_t n = read(fallback[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(strchr(got, ' '), " info some_event n=42\n");
	log_set_target(LOG_TO_STDERR, NULL);
	close(fallback[0]);
	close(fallback[1]);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_and_goes),
		cmocka_unit_test(test_a_stuck_daemon),
		cmocka_unit_test(test_lines_of_the_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
