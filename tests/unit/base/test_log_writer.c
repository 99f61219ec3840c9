/* Tests base/log_writer.c: readers that do not read, that come back, that never do. */
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_writer.h"
#include "faults.h"

static int ends[2];
static struct {
	ssize_t n, at;
	char bytes[65536];
} taken; /* from the pipe */

static void
open_pipe(int flags, enum log_format format)
{
	assert_int_equal(pipe2(ends, flags), 0);
	taken.n = taken.at = 0;
	log_setup(LOG_LEVEL_INFO, format, ends[1]);
	assert_true(log_writer_start(ends[1]));
}

static void
say(unsigned i)
{
	struct log_line l = log_begin(LOG_LEVEL_INFO, "line");
	log_u64(&l, "i", i);
	log_end(&l);
}

/* The next byte of the pipe. */
static char
next_byte(void)
{
	struct pollfd in = {.fd = ends[0], .events = POLLIN};

	if (taken.at == taken.n) {
		assert_int_equal(poll(&in, 1, 10000), 1);
		taken.n = read(ends[0], taken.bytes, sizeof(taken.bytes));
		taken.at = 0;
		assert_true(taken.n > 0);
	}
	return taken.bytes[taken.at++];
}

/* A line of the pipe, without its newline. */
static const char *
next_line(void)
{
	static char line[4096];
	size_t n = 0;

	while ((line[n] = next_byte()) != '\n')
		n++;
	line[n] = '\0';
	return line;
}

static unsigned
number_in(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	assert_non_null(at);
	return (unsigned)strtoul(at + strlen(key), NULL, 10);
}

static void
close_pipe(void)
{
	close(ends[0]);
	close(ends[1]);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
}

/* Lines come in their order, and all of them before the end. */
static void
test_order(void **state)
{
	(void)state;
	open_pipe(0, LOG_FORMAT_TEXT);
	for (unsigned i = 0; i < 500; i++)
		say(i);
	log_writer_stop(10000);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(number_in(next_line(), "i="), i);
	say(500); /* by whoever says it, now that the thread has ended */
	assert_int_equal(number_in(next_line(), "i="), 500);
	close_pipe();
}

/* While somebody reads, a line is there when it has been said: a program that sees what happened
   finds it in the log, and so does whoever looks after a crash. */
static void
test_at_once(void **state)
{
	(void)state;
	open_pipe(0, LOG_FORMAT_TEXT);
	for (unsigned i = 0; i < 1000; i++) {
		struct pollfd in = {.fd = ends[0], .events = POLLIN};
		say(i);
		assert_int_equal(poll(&in, 1, 0), 1);
		assert_int_equal(number_in(next_line(), "i="), i);
	}
	log_writer_stop(10000);
	close_pipe();
}

/* Far more than the pipe and the room take, and nobody reads. Each line is there or counted, and
   what was dropped is said at its place. */
static void
fill(int flags, enum log_format format, const char *i_key, const char *lines_key)
{
	unsigned total = 200000, expected = 0, dropped = 0;

	open_pipe(flags, format);
	for (unsigned i = 0; i < total; i++)
		say(i);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, flags & O_NONBLOCK);
	while (expected < total) {
		const char *line = next_line();
		if (strstr(line, "log_dropped")) {
			dropped = number_in(line, lines_key);
			expected += dropped;
		} else {
			assert_int_equal(number_in(line, i_key), expected++);
		}
	}
	assert_true(dropped > total / 2);
	assert_int_equal(log_writer_dropped(), dropped);
	say(total); /* it goes on */
	assert_int_equal(number_in(next_line(), i_key), total);
	log_writer_stop(10000);
	close_pipe();
}

static void
test_nobody_reads_for_a_while(void **state)
{
	(void)state;
	fill(0, LOG_FORMAT_TEXT, "i=", "lines=");
	fill(0, LOG_FORMAT_JSON, "\"i\":", "\"lines\":");
}

/* Where another process has made the descriptor one that does not wait, nothing is lost for that.
 */
static void
test_a_descriptor_that_does_not_wait(void **state)
{
	(void)state;
	fill(O_NONBLOCK, LOG_FORMAT_TEXT, "i=", "lines=");
}

/* The end comes all the same, and what is said after it waits for nobody either. */
static void
test_nobody_reads_at_the_end(void **state)
{
	(void)state;
	open_pipe(0, LOG_FORMAT_TEXT);
	for (unsigned i = 0; i < 10000; i++)
		say(i);
	log_writer_stop(50);
	for (unsigned i = 0; i < 10000; i++)
		say(i);
	/* The thread's write ends with the pipe. */
	close(ends[0]);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
}

/* The lines that are in the pipe, without those that tell of lost ones: whole, and in their
   order. */
static unsigned
count_lines(void)
{
	unsigned n = 0;
	int last = -1;
	ssize_t size = read(ends[0], taken.bytes, sizeof(taken.bytes) - 1);

	assert_true(size >= 0);
	taken.bytes[size] = '\0';
	for (char *line = taken.bytes, *lf; (lf = strchr(line, '\n')); line = lf + 1) {
		*lf = '\0';
		if (strstr(line, "log_dropped"))
			continue;
		n++;
		int i = (int)number_in(line, "i=");
		assert_true(i > last);
		last = i;
	}
	return n;
}

/* lossy: a line may be lost. None is where there is only no thread: it is written as before. */
static void
try_to_log(void *lossy)
{
	assert_int_equal(pipe2(ends, 0), 0);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
	faults_begin();
	bool started = log_writer_start(ends[1]);
	for (unsigned i = 0; i < 3; i++)
		say(i);
	bool failed = faults_end();
	log_writer_stop(10000);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	close(ends[1]);
	assert_true(started || failed);
	unsigned n = count_lines();
	assert_true(n == 3 || (failed && *(bool *)lossy));
	close(ends[0]);
}

static void
test_no_thread_and_no_writing(void **state)
{
	bool lossy = false;
	(void)state;

	faults_each(FAULT_SYSTEM, try_to_log, &lossy);
	lossy = true;
	faults_each(FAULT_FILES, try_to_log, &lossy);
}

/* A disk that is full: what is lost is counted, and said, on a line of its own, once there is room
   again. */
static void
test_no_room(void **state)
{
	const struct rlimit some = {100, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
	char path[] = "/tmp/log_writer.XXXXXX", text[4096];
	int fd = mkostemp(path, O_APPEND);
	(void)state;

	assert_true(fd >= 0);
	signal(SIGXFSZ, SIG_IGN);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, fd);
	assert_true(log_writer_start(fd));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &some), 0);
	for (unsigned i = 0; i < 10; i++)
		say(i); /* 39 bytes each: half of the third is written */
	for (unsigned ms = 0; ms < 10000 && log_writer_dropped() < 8; ms++)
		usleep(1000);
	assert_int_equal(log_writer_dropped(), 8);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	say(10);
	say(11);
	log_writer_stop(10000);
	assert_int_equal(log_writer_dropped(), 8);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 100);
	text[n] = '\0';
	assert_int_equal(text[100], '\n'); /* behind the half of a line */
	assert_non_null(strstr(text + 101, "Z error log_dropped lines=8 "));
	assert_non_null(strstr(text + 101, "File too large"));
	const char *after = strstr(text + 101, "line i=10\n");
	assert_true(after && strstr(after, "line i=11\n"));
	assert_null(strstr(text, "i=3"));
	unlink(path);
	close(fd);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
}

/* Nobody will ever read it: that is no reason not to go on. */
static void
test_the_reader_is_gone(void **state)
{
	(void)state;
	open_pipe(0, LOG_FORMAT_TEXT);
	say(0);
	close(ends[0]);
	for (unsigned i = 1; i <= 1000; i++)
		say(i);
	log_writer_stop(10000);
	assert_int_equal(log_writer_dropped(), 1000);
	ends[0] = open("/dev/null", O_RDONLY);
	close_pipe();
}

static void
test_never_started(void **state)
{
	(void)state;
	assert_false(log_writer_put("x\n", 2));
	log_writer_stop(1000);
	assert_false(log_writer_put("x\n", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_started), cmocka_unit_test(test_order),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_nobody_reads_for_a_while),
		cmocka_unit_test(test_a_descriptor_that_does_not_wait),
		cmocka_unit_test(test_no_thread_and_no_writing),
		cmocka_unit_test(test_no_room), cmocka_unit_test(test_the_reader_is_gone),
		cmocka_unit_test(test_nobody_reads_at_the_end), /* the last: its thread may live on
								   for a moment */
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
