/* Tests admin/dialog.c where memory runs out: who asks is answered, or sees the end; whole dialogs
   are test_control.py's. */
#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "admin/dialog.h"
#include "admin/request.h"
#include "faults.h"
#include "node_parts.h"
#include "proxy/worker.h"

#define WAIT (2 * NS_PER_S)

/* json-c has its own memory. */
static bool no_objects;

struct json_object *__real_json_object_new_object(void);
struct json_object *__wrap_json_object_new_object(void);

struct json_object *
__wrap_json_object_new_object(void)
{
	return no_objects ? NULL : __real_json_object_new_object();
}

/* What comes of a request within a while; its size, 0: the end, -1: nothing. */
static ssize_t
ask(struct node *n, struct dialogs *all, const char *request, char *answer, size_t size)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	uint64_t end = uv_hrtime() + WAIT;
	ssize_t got = -1;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, type, 0, fds), 0);
	assert_int_equal(send(fds[0], request, strlen(request), 0), strlen(request));
	faults_begin();
	dialogs_accept(all, fds[1], true);
	while (got < 0 && uv_hrtime() < end) {
		uv_run(&node_main(n)->loop, UV_RUN_NOWAIT);
		got = recv(fds[0], answer, size - 1, 0);
	}
	faults_end();
	answer[got < 0 ? 0 : got] = '\0';
	close(fds[0]);
	return got;
}

struct trial {
	struct node *n;
	const char *request, *begins;
};

static void
try_request(void *arg)
{
	const struct trial *t = arg;
	struct dialogs all;
	char answer[4096];

	dialogs_init(&all, t->n);
	ssize_t got = ask(t->n, &all, t->request, answer, sizeof(answer));
	if (got < 0)
		fail_msg("no answer to %s", t->request);
	if (got > 0 && strncmp(answer, t->begins, strlen(t->begins)) != 0)
		assert_int_equal(strncmp(answer, "{\"ok\":false,", 12), 0);
	dialogs_fini(&all);
}

static void
test_every_request_has_an_end(void **state)
{
	struct node_parts parts;
	struct errmsg err;
	struct trial trials[] = {
		{.request = "{\"request\":\"version\"}\n", .begins = "{\"ok\":true,\"version\""},
		{.request = "{\"request\":\"status\"}\n", .begins = "{\"ok\":true,\"status\""},
		{.request = "nonsense\n", .begins = "{\"ok\":false,\"error\""},
	};
	(void)state;

	node_parts_init(&parts, "[node]\nname = a\nstate = state\nworkers = 1\n[peer hq]\n");
	struct node *n = node_new(&parts.setup, &err);
	assert_non_null(n);
	worker_start(node_main(n));
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		trials[i].n = n;
		faults_each(FAULT_MEMORY, try_request, &trials[i]);
		no_objects = true;
		try_request(&trials[i]);
		no_objects = false;
	}
	node_free(n);
	node_parts_fini(&parts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_request_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
