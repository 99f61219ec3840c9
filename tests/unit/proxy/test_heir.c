/* Tests proxy/handover.c: what becomes of the channel to a process before, when this one has been
   replaced itself. */
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "node_parts.h"
#include "proxy/handover.h"
#include "proxy/pass.h"
#include "proxy/workers.h"

static const char text[] = "[node]\nname = a\nstate = state\nworkers = 1\n";

struct sites {
	struct node_parts parts;
	struct node *n;
	int to_heir;     /* a copy of the node's end of the channel to it */
	int heir, elder; /* the other processes' ends; -1: ended */
};

/* Two ends of a channel; *other is the other process's. */
static int
channel(int *other)
{
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	*other = fds[1];
	return fds[0];
}

/* The node has an heir. */
static void
sites_init(struct sites *s)
{
	struct errmsg err;

	node_parts_init(&s->parts, text);
	assert_non_null(s->n = node_new(&s->parts.setup, &err));
	workers_start(s->n);
	int fd = channel(&s->heir);
	assert_true((s->to_heir = dup(fd)) >= 0);
	handover_heir(s->n->handover, fd);
	s->elder = -1;
}

static void
sites_fini(struct sites *s)
{
	node_free(s->n);
	close(s->to_heir);
	if (s->heir >= 0)
		close(s->heir);
	if (s->elder >= 0)
		close(s->elder);
	node_parts_fini(&s->parts);
}

/* What comes next at a process's end: above 0, a message and perhaps a descriptor with it; 0, its
   end; -1, nothing, though the node had many turns. */
static ssize_t
hear(struct sites *s, int at, uint8_t *byte, int *fd)
{
	static uint8_t data[1024 * 1024];
	ssize_t r = -1;

	*fd = -1;
	for (int turns = 0; r < 0 && turns < 50; turns++) {
		r = pass_hear(at, data, sizeof(data), fd);
		assert_true(r >= 0 || errno == EAGAIN);
		if (r < 0)
			uv_run(&node_main(s->n)->loop, UV_RUN_NOWAIT);
	}
	*byte = data[0];
	return r;
}

static void
test_to_the_heir(void **state)
{
	struct sites s;
	uint8_t byte;
	int fd;
	(void)state;

	sites_init(&s);
	handover_elder(s.n->handover, channel(&s.elder));
	assert_int_equal(hear(&s, s.heir, &byte, &fd), 1);
	assert_int_equal(byte, 'e');
	assert_true(pass_byte(fd, 'x', -1)); /* the two have each other now */
	close(fd);
	assert_int_equal(hear(&s, s.elder, &byte, &fd), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(hear(&s, s.elder, &byte, &fd), 0);
	sites_fini(&s);
}

/* Clients and news fill the way to it: it gets the channel when it has read some. */
static void
test_the_heir_has_no_room(void **state)
{
	struct sites s;
	uint8_t byte;
	int fd, full = 0, elders[3];
	(void)state;

	sites_init(&s);
	while (pass_byte(s.to_heir, 'q', -1))
		full++;
	for (int i = 0; i < 3; i++)
		handover_elder(s.n->handover, channel(&elders[i]));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hear(&s, elders[i], &byte, &fd), -1); /* nobody has hung up */
		assert_true(pass_byte(elders[i], (char)('A' + i), -1));
	}
	for (int i = 0; i < full; i++) {
		assert_int_equal(hear(&s, s.heir, &byte, &fd), 1);
		assert_int_equal(byte, 'q');
	}
	for (int i = 0; i < 3; i++) {
		int passed;
		assert_int_equal(hear(&s, s.heir, &byte, &passed), 1);
		assert_int_equal(byte, 'e');
		assert_int_equal(hear(&s, passed, &byte, &fd), 1);
		assert_int_equal(byte, 'A' + i); /* which was for the heir, too */
		close(passed);
		close(elders[i]);
	}
	sites_fini(&s);
}

/* An elder is told by the end of its channel that there is no process any more that would take its
   clients; whether this one has noticed its heir's end yet or not. */
static void
test_the_heir_has_died(void **state)
{
	(void)state;

	for (int noticed = 0; noticed < 2; noticed++) {
		struct sites s;
		uint8_t byte;
		int fd;

		sites_init(&s);
		close(s.heir);
		s.heir = -1;
		for (int i = 0; noticed && i < 50 && handover_has_heir(s.n); i++)
			uv_run(&node_main(s.n)->loop, UV_RUN_NOWAIT);
		assert_int_equal(handover_has_heir(s.n), !noticed);
		handover_elder(s.n->handover, channel(&s.elder));
		assert_int_equal(hear(&s, s.elder, &byte, &fd), 0);
		sites_fini(&s);
	}
}

/* The same for those that still wait to be passed on. */
static void
test_the_heir_dies_meanwhile(void **state)
{
	struct sites s;
	uint8_t byte;
	int fd;
	(void)state;

	sites_init(&s);
	while (pass_byte(s.to_heir, 'q', -1))
		;
	handover_elder(s.n->handover, channel(&s.elder));
	assert_int_equal(hear(&s, s.elder, &byte, &fd), -1);
	close(s.heir);
	s.heir = -1;
	assert_int_equal(hear(&s, s.elder, &byte, &fd), 0);
	sites_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_the_heir),
		cmocka_unit_test(test_the_heir_has_no_room),
		cmocka_unit_test(test_the_heir_has_died),
		cmocka_unit_test(test_the_heir_dies_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
