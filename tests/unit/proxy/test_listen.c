/* Tests proxy/listen.c: endpoints on loopback and in a folder of their own. */
#include "loop.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/inherit.h"
#include "proxy/listen.h"
#include "scratch.h"

static struct {
	bool came;
	bool is_unix;
	char from[ADDRESS_TEXT_SIZE];
} seen;

static void
on_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	assert_ptr_equal(owner, &seen);
	seen.came = true;
	seen.is_unix = is_unix;
	address_text(seen.from, address);
	accepted_reset(fd);
}

static struct endpoint
endpoint_of(const char *text)
{
	struct endpoint e;
	struct errmsg err;
	/* The parser takes no port 0, which is what a test wants. */
	bool any = strstr(text, ":0") != NULL;
	assert_int_equal(endpoint_parse(&e, any ? "127.0.0.1:1" : text, true, &err), SC_OK);
	if (any) {
		snprintf(e.host, sizeof(e.host), "%.*s", (int)(strrchr(text, ':') - text), text);
		e.port = 0;
	}
	return e;
}

static struct listener *
first(struct list *list)
{
	assert_non_null(list_first(list));
	return container_of(list_first(list), struct listener, node);
}

static struct flood errors;

static void
connect_to(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	in.sin_port = htons((uint16_t)atoi(strrchr(text, ':') + 1));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	close(fd);
}

static void
test_tcp(void **state)
{
	struct list list;
	struct errmsg err;
	struct endpoint e = endpoint_of("127.0.0.1:0");
	list_init(&list);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_OK);
	assert_string_not_equal(first(&list)->text, "127.0.0.1:0"); /* the port that it has got */
	listener_give(first(&list), on_accept, &seen);
	assert_true(listener_start(first(&list), *state, &errors));
	connect_to(first(&list)->text);
	loop_until(*state, &seen.came);
	assert_false(seen.is_unix);
	assert_memory_equal(seen.from, "127.0.0.1:", 10);
	listeners_close(&list);
	assert_true(list_empty(&list));
}

static void
test_a_port_that_is_taken(void **state)
{
	struct list list;
	struct errmsg err;
	struct endpoint e = endpoint_of("127.0.0.1:0");
	(void)state;
	list_init(&list);
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_OK);
	e = endpoint_of(first(&list)->text);
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_ERR_IO);
	assert_non_null(strstr(err.text, e.text));
	assert_non_null(strstr(err.text, "another program"));
	listeners_close(&list);
	/* And free again at once. */
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_OK);
	listeners_close(&list);
}

static void
test_a_name_that_does_not_exist(void **state)
{
	struct list list;
	struct errmsg err;
	struct endpoint e = endpoint_of(NAME_OF_NOBODY ":7400");
	(void)state;
	list_init(&list);
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, NAME_OF_NOBODY));
	assert_true(list_empty(&list));
}

static struct sockaddr_un
unix_address(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static void
test_unix(void **state)
{
	struct scratch scratch;
	struct list list;
	struct errmsg err;
	struct stat st;
	scratch_init(&scratch);
	struct endpoint e = endpoint_of(scratch_path(&scratch, "x.sock"));
	struct sockaddr_un a = unix_address(e.path);
	list_init(&list);
	memset(&seen, 0, sizeof(seen));

	/* A socket that a killed program has left behind. */
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(stale, (struct sockaddr *)&a, sizeof(a)), 0);
	close(stale);
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_OK);
	assert_string_equal(first(&list)->text, e.path);

	/* One that is in use is left alone. */
	struct list second;
	list_init(&second);
	assert_int_equal(listeners_open(&second, &e, NULL, false, &err), SC_ERR_IO);
	assert_true(list_empty(&second));

	listener_give(first(&list), on_accept, &seen);
	assert_true(listener_start(first(&list), *state, &errors));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	loop_until(*state, &seen.came);
	assert_true(seen.is_unix);
	assert_string_equal(seen.from, "unix");
	close(fd);
	listeners_close(&list);
	assert_int_equal(lstat(e.path, &st), -1); /* removed */
	scratch_fini(&scratch);
}

static void
test_only_its_own_unix_socket_is_removed(void **state)
{
	struct scratch scratch;
	struct list list;
	struct errmsg err;
	struct stat st;
	scratch_init(&scratch);
	struct endpoint e = endpoint_of(scratch_path(&scratch, "x.sock"));
	(void)state;
	list_init(&list);
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_OK);
	/* Another one has taken its place; both exist for a moment, so that the inode is
	   another. */
	struct sockaddr_un other = unix_address(scratch_path(&scratch, "y.sock"));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&other, sizeof(other)), 0);
	assert_int_equal(rename(other.sun_path, e.path), 0);
	listeners_close(&list);
	assert_int_equal(lstat(e.path, &st), 0);
	close(fd);
	scratch_fini(&scratch);
}

static void
test_a_file_is_not_replaced(void **state)
{
	struct scratch scratch;
	struct list list;
	struct errmsg err;
	scratch_init(&scratch);
	scratch_write(&scratch, "x.sock", "precious", 8);
	struct endpoint e = endpoint_of(scratch_path(&scratch, "x.sock"));
	(void)state;
	list_init(&list);
	assert_int_equal(listeners_open(&list, &e, NULL, false, &err), SC_ERR_IO);
	char *content = scratch_read(e.path, NULL);
	assert_string_equal(content, "precious");
	free(content);
	scratch_fini(&scratch);
}

/* An address of which a socket came with the process is not bound again; nothing that waits in it
   is lost. */
static void
test_inherited(void **state)
{
	struct list old, list;
	struct errmsg err;
	struct endpoint any = endpoint_of("127.0.0.1:0");
	struct inherited in;
	list_init(&old);
	list_init(&list);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(listeners_open(&old, &any, NULL, false, &err), SC_OK);
	struct endpoint e = endpoint_of(first(&old)->text);
	connect_to(e.text);

	int fd = dup(first(&old)->fd);
	assert_true(inherited_init(&in, fd, 1, true));
	assert_int_equal(in.n, 1);
	assert_int_equal(listeners_open(&list, &e, &in, false, &err), SC_OK);
	assert_int_equal(first(&list)->fd, fd);
	assert_string_equal(first(&list)->endpoint.text, e.text);
	listeners_close(&old);
	inherited_fini(&in);
	listener_give(first(&list), on_accept, &seen);
	assert_true(listener_start(first(&list), *state, &errors));
	loop_until(*state, &seen.came);
	listeners_close(&list);
}

/* The file of a Unix socket that another one has opened is not ours to remove. */
static void
test_inherited_unix(void **state)
{
	struct scratch scratch;
	struct list list;
	struct errmsg err;
	struct stat st;
	struct inherited in;
	(void)state;
	scratch_init(&scratch);
	struct endpoint e = endpoint_of(scratch_path(&scratch, "x.sock"));
	struct sockaddr_un a = unix_address(e.path);

	for (int owned = 0; owned < 2; owned++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_int_equal(listen(fd, 1), 0);
		list_init(&list);
		assert_true(inherited_init(&in, fd, 1, owned));
		assert_int_equal(listeners_open(&list, &e, &in, false, &err), SC_OK);
		assert_int_equal(in.n, 0);
		listeners_close(&list);
		assert_int_equal(lstat(e.path, &st), owned ? -1 : 0);
		inherited_fini(&in);
		unlink(e.path);
	}
	scratch_fini(&scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_tcp),
		LOOP_TEST(test_a_port_that_is_taken),
		LOOP_TEST(test_a_name_that_does_not_exist),
		LOOP_TEST(test_unix),
		LOOP_TEST(test_only_its_own_unix_socket_is_removed),
		LOOP_TEST(test_a_file_is_not_replaced),
		LOOP_TEST(test_inherited),
		LOOP_TEST(test_inherited_unix),
	};
	errors.lines = 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
