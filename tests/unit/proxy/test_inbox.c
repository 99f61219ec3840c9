/* Tests proxy/inbox.c with several threads. */
#include "loop.h"

#include <limits.h>

#include "proxy/inbox.h"

#define SENDERS 4
#define EACH    5000

struct numbered {
	struct post post;
	unsigned sender, number;
};

struct sender {
	uv_thread_t thread;
	struct inbox *inbox;
	struct numbered all[EACH];
};

/* What came; only the loop's thread looks at it. */
static struct {
	unsigned next[SENDERS];
	unsigned total;
	struct inbox *close_when_all;
} got;

static void
on_number(struct worker *w, struct post *post)
{
	struct numbered *n = container_of(post, struct numbered, post);

	assert_null(w);
	assert_int_equal(n->number, got.next[n->sender]);
	got.next[n->sender]++;
	if (++got.total == SENDERS * EACH)
		inbox_close(got.close_when_all);
}

static void
send_all(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < EACH; i++)
		inbox_post(s->inbox, &s->all[i].post);
}

static void
test_all_arrive_in_the_order_of_each_sender(void **state)
{
	static struct sender senders[SENDERS];
	struct inbox inbox;

	memset(&got, 0, sizeof(got));
	assert_true(inbox_init(&inbox, *state, NULL));
	got.close_when_all = &inbox;
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i].inbox = &inbox;
		for (unsigned k = 0; k < EACH; k++)
			senders[i].all[k] = (struct numbered){{.fn = on_number}, i, k};
		assert_int_equal(uv_thread_create(&senders[i].thread, send_all, &senders[i]), 0);
	}
	assert_int_equal(uv_run(*state, UV_RUN_DEFAULT), 0);
	for (unsigned i = 0; i < SENDERS; i++) {
		uv_thread_join(&senders[i].thread);
		assert_int_equal(got.next[i], EACH);
	}
	inbox_fini(&inbox);
	assert_int_equal(got.total, SENDERS * EACH);
}

static unsigned calls;

static void
on_news(struct worker *w, struct post *post)
{
	(void)w;
	(void)post;
	calls++;
}

static void
test_news_that_wait_already_are_not_posted_twice(void **state)
{
	struct inbox inbox;
	struct post first = {.fn = on_news}, second = {.fn = on_news};

	calls = 0;
	assert_true(inbox_init(&inbox, *state, NULL));
	inbox_post(&inbox, &first);
	inbox_post(&inbox, &first);
	inbox_post(&inbox, &second);
	inbox_post(&inbox, &first);
	uv_run(*state, UV_RUN_NOWAIT);
	assert_int_equal(calls, 2);
	inbox_post(&inbox, &first); /* it has been done: it may come again */
	uv_run(*state, UV_RUN_NOWAIT);
	assert_int_equal(calls, 3);
	inbox_close(&inbox);
	uv_run(*state, UV_RUN_DEFAULT);
	inbox_fini(&inbox);
}

static struct inbox *again_in;
static unsigned again;

static void
on_again(struct worker *w, struct post *post)
{
	(void)w;
	if (again-- > 0)
		inbox_post(again_in, post);
}

static void
test_work_may_post_itself_and_others_come_between(void **state)
{
	struct inbox inbox;
	struct post post = {.fn = on_again};

	assert_true(inbox_init(&inbox, *state, NULL));
	again_in = &inbox;
	again = 100000;
	inbox_post(&inbox, &post);
	uv_run(*state, UV_RUN_NOWAIT);
	assert_in_range(again, 90000, 100000); /* the loop has had its turn */
	while (again != UINT_MAX)
		uv_run(*state, UV_RUN_NOWAIT);
	inbox_close(&inbox);
	uv_run(*state, UV_RUN_DEFAULT);
	inbox_fini(&inbox);
}

static void
test_what_nobody_has_done_is_done_in_the_end(void **state)
{
	struct inbox inbox;
	struct post first = {.fn = on_news}, second = {.fn = on_news};

	calls = 0;
	assert_true(inbox_init(&inbox, *state, NULL));
	inbox_post(&inbox, &first);
	inbox_close(&inbox);
	assert_int_equal(calls, 1);
	inbox_post(&inbox, &second); /* nobody is woken by it */
	uv_run(*state, UV_RUN_DEFAULT);
	inbox_fini(&inbox);
	assert_int_equal(calls, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_all_arrive_in_the_order_of_each_sender),
		LOOP_TEST(test_news_that_wait_already_are_not_posted_twice),
		LOOP_TEST(test_work_may_post_itself_and_others_come_between),
		LOOP_TEST(test_what_nobody_has_done_is_done_in_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
