/* Tests proxy/resolver.c against a name service that answers, changes its mind, fails and hangs. */
#include "loop.h"

#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/resolver.h"
#include "scratch.h"

#define AGE (60 * NS_PER_S)

/* What the name service says to everything: one address, 192.0.2.`last`, or an error. */
struct service {
	pthread_mutex_t mutex;
	pthread_cond_t go;
	uint8_t last;
	int error;
	bool hangs;
	unsigned asked, inside;
};

static const struct service service_new = {
	.mutex = PTHREAD_MUTEX_INITIALIZER, .go = PTHREAD_COND_INITIALIZER, .last = 1};

static int
say(void *arg, const char *host, struct sockaddr_storage *addresses, size_t *n)
{
	struct service *s = arg;
	struct sockaddr_in in = {.sin_family = AF_INET};
	(void)host;

	pthread_mutex_lock(&s->mutex);
	s->asked++;
	s->inside++;
	while (s->hangs)
		pthread_cond_wait(&s->go, &s->mutex);
	s->inside--;
	in.sin_addr.s_addr = htonl(0xc0000200u | s->last);
	int error = s->error;
	pthread_mutex_unlock(&s->mutex);
	memcpy(addresses, &in, sizeof(in));
	*n = error ? 0 : 1;
	return error;
}

static void
service_set(struct service *s, uint8_t last, int error, bool hangs)
{
	pthread_mutex_lock(&s->mutex);
	s->last = last;
	s->error = error;
	s->hangs = hangs;
	pthread_cond_broadcast(&s->go);
	pthread_mutex_unlock(&s->mutex);
}

static unsigned
service_asked(struct service *s)
{
	pthread_mutex_lock(&s->mutex);
	unsigned asked = s->asked;
	pthread_mutex_unlock(&s->mutex);
	return asked;
}

struct got {
	bool called;
	int error;
	uint8_t last; /* of the address; 0: there was none */
	bool old;
};

static void
on_answer(void *owner, const struct resolver_answer *answer)
{
	struct got *g = owner;

	assert_false(g->called);
	g->called = true;
	g->error = answer->error;
	g->old = answer->old;
	if (answer->n > 0)
		g->last = (uint8_t)ntohl(
			((const struct sockaddr_in *)answer->addresses)->sin_addr.s_addr);
}

struct fixture {
	uv_loop_t *loop;
	struct service service;
	struct resolver *resolver;
	struct scratch scratch;
	int log;
};

static void
begin(struct fixture *f, void **state)
{
	f->loop = *state;
	f->service = service_new;
	f->resolver = resolver_new(f->loop, say, &f->service);
	assert_non_null(f->resolver);
	scratch_init(&f->scratch);
	scratch_write(&f->scratch, "log", "", 0);
	FILE *log = fopen(scratch_path(&f->scratch, "log"), "w");
	assert_non_null(log);
	f->log = dup(fileno(log));
	fclose(log);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, f->log);
}

static void
expect_log(struct fixture *f, const char *text)
{
	char *log = scratch_read(scratch_path(&f->scratch, "log"), NULL);
	if (!strstr(log, text))
		fail_msg("no \"%s\" in:\n%s", text, log);
	free(log);
}

static unsigned
count_log(struct fixture *f, const char *event)
{
	char *log = scratch_read(scratch_path(&f->scratch, "log"), NULL);
	unsigned count = 0;
	for (char *at = log; (at = strstr(at, event)); at++)
		count++;
	free(log);
	return count;
}

static void
end(struct fixture *f)
{
	service_set(&f->service, 1, 0, false);
	resolver_free(f->resolver);
	for (bool inside = true; inside; uv_sleep(1)) {
		pthread_mutex_lock(&f->service.mutex);
		inside = f->service.inside > 0;
		pthread_mutex_unlock(&f->service.mutex);
	}
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
	close(f->log);
	scratch_fini(&f->scratch);
}

static struct got
ask(struct fixture *f, uint64_t max_age)
{
	struct got g = {0};
	struct question q;

	assert_int_equal(resolver_ask(f->resolver, "peer.example", max_age, &q, on_answer, &g), 0);
	assert_false(g.called);
	loop_until(f->loop, &g.called);
	return g;
}

static void
test_young_answers_are_used_again(void **state)
{
	struct fixture f;
	begin(&f, state);

	struct got g = ask(&f, AGE);
	assert_int_equal(g.last, 1);
	assert_false(g.old);
	service_set(&f.service, 2, 0, false);
	assert_int_equal(ask(&f, AGE).last, 1);
	assert_int_equal(service_asked(&f.service), 1);
	assert_int_equal(ask(&f, 0).last, 2);
	assert_int_equal(service_asked(&f.service), 2);
	expect_log(&f, "address_changed name=peer.example addresses=192.0.2.2 before=192.0.2.1");
	assert_int_equal(ask(&f, 0).last, 2);
	assert_int_equal(count_log(&f, "address_changed"), 1);
	end(&f);
}

static void
test_one_look_up_for_all_who_ask(void **state)
{
	struct fixture f;
	struct got g[5] = {0};
	struct question q[5];
	begin(&f, state);

	service_set(&f.service, 3, 0, true);
	for (int i = 0; i < 5; i++)
		resolver_ask(f.resolver, "peer.example", 0, &q[i], on_answer, &g[i]);
	resolver_cancel(&q[2]);
	resolver_cancel(&q[2]);
	service_set(&f.service, 3, 0, false);
	loop_until(f.loop, &g[4].called);
	for (int i = 0; i < 5; i++)
		assert_int_equal(g[i].last, i == 2 ? 0 : 3);
	assert_int_equal(service_asked(&f.service), 1);
	end(&f);
}

static void
test_the_last_good_answer(void **state)
{
	struct fixture f;
	begin(&f, state);

	service_set(&f.service, 4, UV_EAI_AGAIN, false);
	struct got g = ask(&f, 0); /* the name service is not there yet */
	assert_int_equal(g.error, UV_EAI_AGAIN);
	assert_int_equal(count_log(&f, "resolve_failed"), 0); /* whoever asks will say so */
	service_set(&f.service, 4, 0, false);
	assert_int_equal(ask(&f, 0).last, 4);
	service_set(&f.service, 5, UV_EAI_AGAIN, false);
	for (int i = 0; i < 3; i++) {
		g = ask(&f, 0);
		assert_int_equal(g.last, 4);
		assert_int_equal(g.error, 0);
		assert_true(g.old);
	}
	expect_log(
		&f, "resolve_failed name=peer.example error=\"temporary failure\" using=192.0.2.4");
	assert_int_equal(count_log(&f, "resolve_failed"), 1);
	service_set(&f.service, 5, 0, false);
	g = ask(&f, 0);
	assert_int_equal(g.last, 5);
	assert_false(g.old);
	assert_int_equal(count_log(&f, "resolve_again"), 1);
	end(&f);
}

/* It hangs: whoever asks gets the old answer after a while, and the new one when it has come. */
static void
test_a_name_service_that_hangs(void **state)
{
	struct fixture f;
	begin(&f, state);

	assert_int_equal(ask(&f, 0).last, 1);
	service_set(&f.service, 6, 0, true);
	uint64_t start = uv_hrtime();
	struct got g = ask(&f, 0);
	assert_int_equal(g.last, 1);
	assert_true(g.old);
	assert_in_range((uv_hrtime() - start) / NS_PER_MS, RESOLVER_PATIENCE / NS_PER_MS - 50,
		RESOLVER_PATIENCE / NS_PER_MS + 3000);
	assert_int_equal(count_log(&f, "resolve_failed"), 1);
	/* A young one need not wait for it. */
	start = uv_hrtime();
	assert_int_equal(ask(&f, AGE).last, 1);
	assert_true(uv_hrtime() - start < NS_PER_S);
	service_set(&f.service, 6, 0, false);
	g = ask(&f, 0);
	assert_int_equal(g.last, 6);
	assert_false(g.old);
	end(&f);
}

static void
test_refresh(void **state)
{
	struct fixture f;
	begin(&f, state);

	assert_int_equal(ask(&f, 0).last, 1);
	resolver_refresh(f.resolver, "peer.example", AGE);
	assert_int_equal(service_asked(&f.service), 1);
	service_set(&f.service, 7, 0, false);
	resolver_refresh(f.resolver, "peer.example", 0);
	bool changed = false;
	uint64_t give_up = uv_hrtime() + 10 * NS_PER_S;
	while (!changed && uv_hrtime() < give_up) {
		uv_run(f.loop, UV_RUN_NOWAIT);
		changed = count_log(&f, "address_changed") == 1;
	}
	assert_true(changed);
	assert_int_equal(ask(&f, AGE).last, 7);
	end(&f);
}

static void
test_too_many_names(void **state)
{
	struct fixture f;
	struct got g = {0};
	struct question q;
	char host[32];
	begin(&f, state);

	for (int i = 0; i < RESOLVER_NAMES_MAX; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		resolver_refresh(f.resolver, host, 0);
	}
	assert_int_equal(resolver_ask(f.resolver, "one-more", 0, &q, on_answer, &g), UV_ENOMEM);
	resolver_cancel(&q);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_young_answers_are_used_again),
		LOOP_TEST(test_one_look_up_for_all_who_ask),
		LOOP_TEST(test_the_last_good_answer),
		LOOP_TEST(test_a_name_service_that_hangs),
		LOOP_TEST(test_refresh),
		LOOP_TEST(test_too_many_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
