/* Tests proxy/handover.c: with a process at the other end that says what it likes, which is the
   test, and where memory and the system fail, at each place where they can. */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "faults.h"
#include "node_parts.h"
#include "proxy/handover.h"
#include "proxy/pass.h"
#include "proxy/workers.h"

#define WORD_MAX 64

static const char text[] = "[node]\nname = a\nstate = state\nworkers = 1\n"
			   "[peer hq]\n[route db]\nlisten = %s/db.sock\npeer = hq\n";

static const uint8_t session[TRUNK_SESSION_SIZE] = {1, 2, 3};
static const struct source source = {4, {192, 0, 2, 1}};

/* A node, and the far end of its channel to another process. */
struct pair {
	struct node_parts parts;
	struct node *n;
	uv_idle_t turning; /* the loop of a node that does not run would not turn for a channel */
	int far;
};

static void
on_idle(uv_idle_t *idle)
{
	(void)idle;
}

/* Returns the node's end of the channel. */
static int
begin(struct pair *p)
{
	struct errmsg err;
	int fds[2];

	p->n = node_new(&p->parts.setup, &err);
	assert_non_null(p->n);
	assert_int_equal(uv_idle_init(&node_main(p->n)->loop, &p->turning), 0);
	assert_int_equal(uv_idle_start(&p->turning, on_idle), 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	p->far = fds[1];
	return fds[0];
}

static void
end(struct pair *p)
{
	uv_close((uv_handle_t *)&p->turning, NULL);
	node_free(p->n);
	close(p->far);
}

static void
turn(struct pair *p)
{
	for (int i = 0; i < 4; i++)
		uv_run(&node_main(p->n)->loop, UV_RUN_NOWAIT);
}

/* A word about the session from the far end; last: a byte behind it, -1: none. False: nobody hears
   it. */
static bool
say(const struct pair *p, char word, int last)
{
	uint8_t answer = (uint8_t)last;
	const struct iovec parts[] = {
		{&word, 1}, {(void *)session, TRUNK_SESSION_SIZE}, {&answer, 1}};

	return pass_say(p->far, parts, last < 0 ? 2 : 3, -1);
}

/* The next message at the far end: its size, 0: the channel has ended. */
static ssize_t
hear(const struct pair *p, uint8_t word[WORD_MAX], int *fd)
{
	ssize_t n = pass_hear(p->far, word, WORD_MAX, fd);

	assert_true(n >= 0);
	return n;
}

/* A link goes to the far end, and is closed here. */
static void
check_link(struct pair *p)
{
	uint8_t word[WORD_MAX];
	int fd, link = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(handover_link(p->n, &source, link));
	assert_int_equal(fcntl(link, F_GETFD), -1);
	assert_int_equal(hear(p, word, &fd), 1);
	assert_int_equal(word[0], 'l');
	assert_true(fd >= 0);
	close(fd);
}

/* A process before this one is asked for a session, says that it has it, and gets the link; or its
   end of the channel is told that there is nobody. */
static void
try_elder(void *arg)
{
	struct pair *p = arg;
	uint8_t word[WORD_MAX];
	int fd, own = begin(p);

	faults_begin();
	handover_elder(p->n->handover, own);
	bool there = handover_elsewhere(p->n, session);
	handover_note(p->n, &source, session);
	assert_int_equal(say(p, 'a', 1), there);
	turn(p);
	bool failed = faults_end();
	turn(p); /* for what there was no memory is some now */
	assert_true(there || failed);
	if (there) {
		assert_int_equal(hear(p, word, &fd), 1 + TRUNK_SESSION_SIZE);
		assert_int_equal(word[0], 'q');
		check_link(p);
	} else {
		assert_int_equal(hear(p, word, &fd), 0);
	}
	end(p);
}

static void
test_elder(void **state)
{
	struct pair p;
	(void)state;

	node_parts_init(&p.parts, text);
	faults_each(FAULT_MEMORY, try_elder, &p);
	faults_each(FAULT_SYSTEM, try_elder, &p);
	node_parts_fini(&p.parts);
}

/* The new process asks for a session, which this one has not. */
static void
try_heir(void *arg)
{
	struct pair *p = arg;
	uint8_t word[WORD_MAX];
	int fd, own = begin(p);

	faults_begin();
	handover_heir(p->n->handover, own);
	bool there = handover_has_heir(p->n);
	assert_int_equal(say(p, 'q', -1), there);
	turn(p);
	bool failed = faults_end();
	turn(p);
	assert_true(there || failed);
	if (there) {
		assert_int_equal(hear(p, word, &fd), 1 + TRUNK_SESSION_SIZE + 1);
		assert_int_equal(word[0], 'a');
		assert_int_equal(word[1 + TRUNK_SESSION_SIZE], 0);
		assert_true(handover_elsewhere(p->n, session)); /* that one is to say so */
	} else {
		assert_int_equal(hear(p, word, &fd), 0);
	}
	end(p);
}

static void
test_heir(void **state)
{
	struct pair p;
	(void)state;

	node_parts_init(&p.parts, text);
	faults_each(FAULT_MEMORY, try_heir, &p);
	faults_each(FAULT_SYSTEM, try_heir, &p);
	node_parts_fini(&p.parts);
}

/* Any bytes, but no whole letter, with a descriptor or none. Each descriptor that comes is closed
   in the end. */
static void
hear_anything(struct pair *p, bool heir)
{
	static const char first[] = {'r', 'c', 'l', 'q', 'e', 'a', 'x'};
	struct seeded_random random;
	uint8_t bytes[WORD_MAX];
	int own = begin(p), ends[2];

	(heir ? handover_heir : handover_elder)(p->n->handover, own);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	seeded_random_init(&random, 11);
	for (int i = 0; i < 2000; i++) {
		size_t n = 1 + seeded_random_below(&random, sizeof(bytes));
		random_fill(&random.source, bytes, n);
		bytes[0] = (uint8_t)first[seeded_random_below(&random, sizeof(first))];
		bool with = seeded_random_below(&random, 2) == 1;
		pass_say(p->far, &(struct iovec){bytes, n}, 1, with ? ends[1] : -1);
		turn(p);
	}
	end(p);
	close(ends[1]);
	assert_int_equal(read(ends[0], bytes, 1), 0); /* nobody has its other end any more */
	close(ends[0]);
}

static void
test_anything(void **state)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct pair p;
	(void)state;

	node_parts_init(&p.parts, text);
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, nowhere);
	hear_anything(&p, false);
	hear_anything(&p, true);
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
	node_parts_fini(&p.parts);
	close(nowhere);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elder),
		cmocka_unit_test(test_heir),
		cmocka_unit_test(test_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
