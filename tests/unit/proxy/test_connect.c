/* Tests proxy/connect.c against listeners on loopback that answer, refuse, or do neither. */
#include "loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/connect.h"
#include "proxy/transparent.h"
#include "scratch.h"

struct outcome {
	bool called;
	int count;
	bool connected;
	int error;
	char address[300];
};

static void
on_done(void *owner, struct sock *sock, int error, const char *address)
{
	struct outcome *o = owner;
	o->called = true;
	o->count++;
	o->connected = sock != NULL;
	o->error = error;
	snprintf(o->address, sizeof(o->address), "%s", address);
	sock_close(sock);
}

/* A TCP socket on loopback; backlog < 0: bound, but not listening. */
static int
tcp_listener(int backlog, char text[64])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	snprintf(text, 64, "127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

struct targets {
	struct endpoint at[4];
	struct endpoint_list list;
	uint64_t next;
	const struct dead_ends *last;
	struct stream_address source;
};

static void
add_target(struct targets *t, const char *text)
{
	struct errmsg err;
	t->list.at = t->at;
	assert_int_equal(endpoint_parse(&t->at[t->list.n++], text, true, &err), SC_OK);
}

static struct connector *
start(uv_loop_t *loop, struct targets *t, struct resolver *resolver, uint64_t deadline,
	struct outcome *o)
{
	const struct connect_plan plan = {
		.resolver = resolver,
		.endpoints = &t->list,
		.next = t->next ? t->next : CONNECT_STAGGER,
		.deadline = deadline,
		.last = t->last,
		.source = t->source,
	};
	struct connector *c = connect_start(loop, &plan, on_done, o);
	assert_non_null(c);
	assert_false(o->called);
	return c;
}

static struct outcome
connect_with(uv_loop_t *loop, struct targets *t, struct resolver *resolver, uint64_t ms)
{
	struct outcome o = {0};
	start(loop, t, resolver, uv_hrtime() + ms * NS_PER_MS, &o);
	loop_until(loop, &o.called);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(o.count, 1);
	return o;
}

static struct outcome
connect_all(uv_loop_t *loop, struct targets *t, uint64_t ms)
{
	struct resolver *resolver = resolver_new(loop, NULL, NULL);
	struct outcome o = connect_with(loop, t, resolver, ms);
	resolver_free(resolver);
	return o;
}

static void
test_the_first_that_answers(void **state)
{
	struct targets t = {0};
	char dead[64], alive[64];
	int refuses = tcp_listener(-1, dead), answers = tcp_listener(5, alive);
	add_target(&t, dead);
	add_target(&t, alive);
	struct outcome o = connect_all(*state, &t, 5000);
	assert_true(o.connected);
	assert_string_equal(o.address, alive);
	close(refuses);
	close(answers);
}

static void
test_names(void **state)
{
	struct targets t = {0};
	char alive[64], named[80];
	int answers = tcp_listener(5, alive);
	snprintf(named, sizeof(named), "localhost:%s", strchr(alive, ':') + 1);
	add_target(&t, NAME_OF_NOBODY ":1");
	add_target(&t, named);
	struct outcome o = connect_all(*state, &t, 20000);
	assert_true(o.connected);
	assert_string_equal(o.address, alive);
	close(answers);
}

static void
test_nobody_answers(void **state)
{
	struct targets t = {0};
	char dead[64];
	int refuses = tcp_listener(-1, dead);
	add_target(&t, dead);
	struct outcome o = connect_all(*state, &t, 5000);
	assert_false(o.connected);
	assert_int_equal(o.error, UV_ECONNREFUSED);
	assert_string_equal(o.address, dead);
	close(refuses);
}

static void
test_no_such_name(void **state)
{
	struct targets t = {0};
	add_target(&t, NAME_OF_NOBODY ":1");
	struct outcome o = connect_all(*state, &t, 20000);
	assert_false(o.connected);
	assert_true(o.error == UV_EAI_NONAME || o.error == UV_EAI_AGAIN);
}

/* A listener whose queue is full: the system drops what comes. */
static int
full_listener(char text[64], int fillers[4])
{
	int fd = tcp_listener(0, text);
	struct sockaddr_in a;
	socklen_t size = sizeof(a);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&a, size);
	}
	return fd;
}

static void
close_full(int fd, const int fillers[4])
{
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(fd);
}

static void
test_the_deadline(void **state)
{
	struct targets t = {0};
	char text[64];
	int fillers[4], fd = full_listener(text, fillers);
	uint64_t start = uv_hrtime();
	add_target(&t, text);
	struct outcome o = connect_all(*state, &t, 300);
	assert_false(o.connected);
	assert_int_equal(o.error, UV_ETIMEDOUT);
	assert_in_range((uv_hrtime() - start) / NS_PER_MS, 290, 3000);
	close_full(fd, fillers);
}

/* The first address says nothing: the second one is tried beside it, and wins. */
static void
test_a_silent_address_is_overtaken(void **state)
{
	struct targets t = {0};
	char silent[64], alive[64];
	int fillers[4], fd = full_listener(silent, fillers), answers = tcp_listener(5, alive);
	uint64_t begin = uv_hrtime();
	add_target(&t, silent);
	add_target(&t, alive);
	struct outcome o = connect_all(*state, &t, 20000);
	assert_true(o.connected);
	assert_string_equal(o.address, alive);
	assert_in_range((uv_hrtime() - begin) / NS_PER_MS, CONNECT_STAGGER / NS_PER_MS, 2000);

	/* Where the order counts it takes longer. */
	t.next = 700 * NS_PER_MS;
	begin = uv_hrtime();
	assert_true(connect_all(*state, &t, 20000).connected);
	assert_in_range((uv_hrtime() - begin) / NS_PER_MS, 700, 4000);
	close_full(fd, fillers);
	close(answers);
}

/* An address where nobody could be authenticated comes last, and is tried when it is the only
   one. */
static void
test_dead_ends(void **state)
{
	struct targets t = {0};
	struct dead_ends dead = {.n = 0};
	struct sockaddr_storage a = {0}, b = {0};
	char first[64], second[64];
	int one = tcp_listener(5, first), two = tcp_listener(5, second);
	socklen_t size = sizeof(a);

	assert_int_equal(getsockname(one, (struct sockaddr *)&a, &size), 0);
	add_target(&t, first);
	add_target(&t, second);
	t.last = &dead;
	assert_string_equal(connect_all(*state, &t, 5000).address, first);
	dead_ends_add(&dead, &a);
	dead_ends_add(&dead, &a);
	assert_int_equal(dead.n, 1);
	assert_string_equal(connect_all(*state, &t, 5000).address, second);
	/* Both: the one that led nowhere longer ago goes first. */
	assert_int_equal(getsockname(two, (struct sockaddr *)&b, &size), 0);
	dead_ends_add(&dead, &b);
	assert_string_equal(connect_all(*state, &t, 5000).address, first);
	dead_ends_add(&dead, &a);
	assert_string_equal(connect_all(*state, &t, 5000).address, second);
	dead_ends_remove(&dead, &b);
	t.list.n = 1;
	assert_string_equal(connect_all(*state, &t, 5000).address, first);
	t.list.n = 2;
	dead_ends_remove(&dead, &a);
	assert_string_equal(connect_all(*state, &t, 5000).address, first);
	for (uint16_t i = 1; i < 40; i++) {
		address_set_port(&a, i);
		dead_ends_add(&dead, &a);
	}
	assert_int_equal(dead.n, ARRAY_SIZE(dead.at));
	close(one);
	close(two);
}

static int
two_addresses(void *arg, const char *host, struct sockaddr_storage *addresses, size_t *n)
{
	(void)arg;
	if (strcmp(host, "both") != 0)
		return UV_EAI_NONAME;
	uv_ip6_addr("::1", 0, (struct sockaddr_in6 *)&addresses[0]);
	uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&addresses[1]);
	*n = 2;
	return 0;
}

/* A name with an address that refuses and one that answers: the port is the endpoint's. */
static void
test_all_addresses_of_a_name(void **state)
{
	struct targets t = {0};
	struct resolver *resolver = resolver_new(*state, two_addresses, NULL);
	char alive[64], named[80];
	int answers = tcp_listener(5, alive);
	snprintf(named, sizeof(named), "both:%s", strchr(alive, ':') + 1);
	add_target(&t, named);
	struct outcome o = connect_with(*state, &t, resolver, 5000);
	assert_true(o.connected);
	assert_string_equal(o.address, alive);
	close(answers);
	o = connect_with(*state, &t, resolver, 5000);
	assert_false(o.connected);
	assert_int_equal(o.error, UV_ECONNREFUSED);
	t.list.n = 0;
	add_target(&t, "neither:1");
	o = connect_with(*state, &t, resolver, 5000);
	assert_int_equal(o.error, UV_EAI_NONAME);
	assert_string_equal(o.address, "neither:1");
	resolver_free(resolver);
}

static void
test_cancel(void **state)
{
	struct targets t = {0}, named = {0};
	struct outcome o = {0}, p = {0};
	char text[64];
	int fillers[4], fd = full_listener(text, fillers);
	add_target(&t, text);
	add_target(&named, NAME_OF_NOBODY ":1");
	struct resolver *resolver = resolver_new(*state, NULL, NULL);
	struct connector *c = start(*state, &t, resolver, UINT64_MAX, &o);
	struct connector *d = start(*state, &named, resolver, UINT64_MAX, &p);
	uv_run(*state, UV_RUN_NOWAIT);
	connect_cancel(c);
	connect_cancel(c);
	connect_cancel(d);
	assert_false(o.called);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(o.count, 1);
	assert_int_equal(o.error, UV_ECANCELED);
	assert_int_equal(p.count, 1);
	assert_int_equal(p.error, UV_ECANCELED);
	resolver_free(resolver);
	close_full(fd, fillers);
}

/* On loopback the system has connected before anybody is told. */
static void
test_a_connection_that_is_not_wanted_any_more_is_reset(void **state)
{
	struct targets t = {0};
	struct outcome o = {0};
	char text[64], byte;
	int fd = tcp_listener(5, text);
	add_target(&t, text);
	struct connector *c = start(*state, &t, NULL, UINT64_MAX, &o);
	int accepted = accept(fd, NULL, NULL);
	assert_true(accepted >= 0);
	connect_cancel(c);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_int_equal(o.count, 1);
	assert_int_equal(o.error, UV_ECANCELED);
	assert_int_equal(read(accepted, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(accepted);
	close(fd);
}

static void
test_unix(void **state)
{
	struct targets t = {0};
	struct scratch scratch;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	scratch_init(&scratch);
	add_target(&t, scratch_path(&scratch, "x.sock"));
	struct outcome o = connect_all(*state, &t, 1000);
	assert_int_equal(o.error, UV_ENOENT);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", scratch_path(&scratch, "x.sock"));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	o = connect_all(*state, &t, 1000);
	assert_true(o.connected);
	close(fd);
	scratch_fini(&scratch);
}

/* A Unix socket with a full queue refuses at once, but only for now: it is tried again until the
   deadline. */
static void
test_a_busy_unix_socket(void **state)
{
	struct targets t = {0};
	struct scratch scratch;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct outcome o = {0};
	int fillers[8];
	scratch_init(&scratch);
	add_target(&t, scratch_path(&scratch, "x.sock"));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", t.at[0].path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&a, sizeof(a));
	}
	o = connect_all(*state, &t, 200);
	assert_false(o.connected);
	assert_int_equal(o.error, UV_EAGAIN);

	o = (struct outcome){0};
	start(*state, &t, NULL, uv_hrtime() + 5 * NS_PER_S, &o);
	for (int i = 0; i < 50; i++) {
		uv_run(*state, UV_RUN_NOWAIT);
		uv_sleep(1);
	}
	assert_false(o.called);
	close(accept(fd, NULL, NULL));
	loop_until(*state, &o.called);
	assert_true(o.connected);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		close(fillers[i]);
	close(fd);
	scratch_fini(&scratch);
}

/* The other side sees the address that it was given, and targets of another family do not count. */
static void
test_a_source(void **state)
{
	struct targets t = {.source = {4, {127, 0, 0, 77}, 4242}};
	struct sockaddr_in from = {0};
	socklen_t size = sizeof(from);
	char alive[64];
	int answers = tcp_listener(5, alive);

	if (transparent_possible() != 0)
		skip();
	add_target(&t, "[::1]:9");
	add_target(&t, alive);
	struct outcome o = connect_all(*state, &t, 5000);
	assert_true(o.connected);
	assert_string_equal(o.address, alive);
	int fd = accept(answers, (struct sockaddr *)&from, &size);
	assert_true(fd >= 0);
	assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f00004d);
	assert_int_not_equal(ntohs(from.sin_port), 0);
	close(fd);
	close(answers);
}

static void
test_a_source_of_another_family(void **state)
{
	struct targets t = {.source = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 4242}};
	char alive[64];
	int answers = tcp_listener(5, alive);

	add_target(&t, alive);
	struct outcome o = connect_all(*state, &t, 5000);
	assert_false(o.connected);
	assert_int_equal(o.error, UV_EAFNOSUPPORT);
	close(answers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_the_first_that_answers),
		LOOP_TEST(test_names),
		LOOP_TEST(test_nobody_answers),
		LOOP_TEST(test_no_such_name),
		LOOP_TEST(test_the_deadline),
		LOOP_TEST(test_a_silent_address_is_overtaken),
		LOOP_TEST(test_dead_ends),
		LOOP_TEST(test_all_addresses_of_a_name),
		LOOP_TEST(test_cancel),
		LOOP_TEST(test_a_connection_that_is_not_wanted_any_more_is_reset),
		LOOP_TEST(test_unix),
		LOOP_TEST(test_a_busy_unix_socket),
		LOOP_TEST(test_a_source),
		LOOP_TEST(test_a_source_of_another_family),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
