/* Tests proxy/lookups.c: names on threads, with a function that hangs, and with the system's; and
   where there is no memory and no thread. */
#include "loop.h"

#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>

#include "faults.h"
#include "proxy/lookups.h"

/* Answers "a" and "b"; holds "hang" until it is let go. */
struct fake {
	pthread_mutex_t mutex;
	pthread_cond_t go;
	bool free;
	unsigned inside, most;
};

static int
fake_lookup(void *arg, const char *host, struct sockaddr_storage *addresses, size_t *n)
{
	struct fake *f = arg;

	pthread_mutex_lock(&f->mutex);
	f->inside++;
	if (f->inside > f->most)
		f->most = f->inside;
	while (strncmp(host, "hang", 4) == 0 && !f->free)
		pthread_cond_wait(&f->go, &f->mutex);
	f->inside--;
	pthread_mutex_unlock(&f->mutex);
	*n = strcmp(host, "none") == 0 ? 0 : 1;
	addresses[0].ss_family = AF_INET;
	return *n ? 0 : UV_EAI_NONAME;
}

static void
let_go(struct fake *f)
{
	pthread_mutex_lock(&f->mutex);
	f->free = true;
	pthread_cond_broadcast(&f->go);
	pthread_mutex_unlock(&f->mutex);
}

/* With the directory's own "." and "..". */
static unsigned
count_threads(void)
{
	unsigned n = 0;
	DIR *tasks = opendir("/proc/self/task");

	assert_non_null(tasks);
	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n;
}

/* Ends the lookups, and waits until their threads are gone with what they hold: the test's own
   memory, and what the system's resolver keeps for each thread. */
static void
end(struct lookups *l, unsigned threads_before)
{
	uint64_t deadline = uv_hrtime() + 10 * NS_PER_S;

	lookups_free(l);
	while (count_threads() > threads_before && uv_hrtime() < deadline)
		uv_sleep(1);
	assert_true(count_threads() <= threads_before);
}

/* Of each test its own, and for good: threads that came too late for the end may still look. */
#define FAKE {.mutex = PTHREAD_MUTEX_INITIALIZER, .go = PTHREAD_COND_INITIALIZER}

struct result {
	unsigned count;
	bool all;
	unsigned wanted;
	char hosts[512];
	int error;
	size_t n;
	struct sockaddr_storage address;
};

static void
on_done(void *owner, const char *host, int error, const struct sockaddr_storage *addresses,
	size_t n)
{
	struct result *r = owner;
	size_t used = strlen(r->hosts);

	snprintf(r->hosts + used, sizeof(r->hosts) - used, "%s ", host);
	r->error = error;
	r->n = n;
	if (n > 0)
		r->address = addresses[0];
	r->all = ++r->count == r->wanted;
}

static void
test_answers(void **state)
{
	static struct fake f = FAKE;
	struct result r = {.wanted = 1};
	unsigned threads = count_threads();
	struct lookups *l = lookups_new(*state, fake_lookup, &f, on_done, &r);

	assert_int_equal(lookups_start(l, "a"), 0);
	assert_int_equal(r.count, 0);
	loop_until(*state, &r.all);
	assert_string_equal(r.hosts, "a ");
	assert_int_equal(r.error, 0);
	assert_int_equal(r.n, 1);
	r = (struct result){.wanted = 1};
	assert_int_equal(lookups_start(l, "none"), 0);
	loop_until(*state, &r.all);
	assert_int_equal(r.error, UV_EAI_NONAME);
	assert_int_equal(r.n, 0);
	end(l, threads);
}

/* Some hang: the others are answered meanwhile, with no more threads than may be. */
static void
test_hanging(void **state)
{
	static struct fake f = FAKE;
	struct result r = {.wanted = 20};
	unsigned threads = count_threads();
	struct lookups *l = lookups_new(*state, fake_lookup, &f, on_done, &r);

	for (int i = 0; i < LOOKUP_THREADS_MAX - 1; i++)
		assert_int_equal(lookups_start(l, "hang"), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(lookups_start(l, "a"), 0);
	loop_until(*state, &r.all);
	assert_null(strstr(r.hosts, "hang"));
	r.all = false;
	r.wanted += LOOKUP_THREADS_MAX - 1 + 5;
	for (int i = 0; i < 5; i++)
		assert_int_equal(lookups_start(l, "hang"), 0);
	let_go(&f);
	loop_until(*state, &r.all);
	assert_true(f.most <= LOOKUP_THREADS_MAX);
	end(l, threads);
}

/* The end does not wait for a thread that hangs, and what that finds later is nobody's. */
static void
test_the_end(void **state)
{
	static struct fake f = FAKE;
	struct result r = {.wanted = 1};
	unsigned threads = count_threads();
	struct lookups *l = lookups_new(*state, fake_lookup, &f, on_done, &r);
	uint64_t start = uv_hrtime();

	for (int i = 0; i < 2 * LOOKUP_THREADS_MAX; i++)
		assert_int_equal(lookups_start(l, "hang"), 0);
	lookups_free(l);
	uv_run(*state, UV_RUN_DEFAULT);
	assert_true(uv_hrtime() - start < 5 * NS_PER_S);
	let_go(&f);
	end(NULL, threads);
	assert_int_equal(r.count, 0);
}

static void
test_the_system(void **state)
{
	struct result r = {.wanted = 2};
	unsigned threads = count_threads();
	struct lookups *l = lookups_new(*state, NULL, NULL, on_done, &r);

	assert_int_equal(lookups_start(l, NAME_OF_NOBODY), 0);
	assert_int_equal(lookups_start(l, "localhost"), 0);
	loop_until(*state, &r.all);
	assert_non_null(strstr(r.hosts, "localhost"));
	assert_true(r.address.ss_family == AF_INET || r.address.ss_family == AF_INET6);
	end(l, threads);
}

/* Each that could be asked for is answered, be it by one thread for all. */
static void
try_to_ask(void *arg)
{
	static struct fake f = FAKE;
	uv_loop_t *loop = arg;
	struct result r = {.wanted = 0};
	unsigned threads = count_threads();

	faults_begin();
	struct lookups *l = lookups_new(loop, fake_lookup, &f, on_done, &r);
	for (int i = 0; l && i < 3; i++) {
		int error = lookups_start(l, "a");
		assert_true(error == 0 || error == UV_ENOMEM);
		r.wanted += error == 0;
	}
	bool failed = faults_end();
	assert_true(failed || r.wanted == 3);
	r.all = r.wanted == 0;
	loop_until(loop, &r.all);
	end(l, threads);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(r.count, r.wanted);
}

static void
test_no_memory_and_no_threads(void **state)
{
	faults_each(FAULT_MEMORY, try_to_ask, *state);
	faults_each(FAULT_SYSTEM, try_to_ask, *state);
}

static void *
no_work(void *arg)
{
	return arg;
}

/* With the first thread the thread sanitizer starts one of its own, which stays. */
static void
test_words(void **state)
{
	static const int of_names[] = {UV_EAI_AGAIN, UV_EAI_NONAME, UV_EAI_NODATA,
		UV_EAI_ADDRFAMILY, UV_EAI_FAIL};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(of_names); i++)
		assert_true(strncmp(lookup_error_text(of_names[i]), "the name ", 9) == 0);
	assert_string_equal(lookup_error_text(UV_ECONNREFUSED), uv_strerror(UV_ECONNREFUSED));
}

static int
setup(void **state)
{
	pthread_t thread;
	(void)state;
	return pthread_create(&thread, NULL, no_work, NULL) || pthread_join(thread, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_answers),
		LOOP_TEST(test_hanging),
		LOOP_TEST(test_the_end),
		LOOP_TEST(test_the_system),
		LOOP_TEST(test_no_memory_and_no_threads),
		cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
