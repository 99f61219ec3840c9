/* Tests proxy/signals.c. */
#include "loop.h"

#include <signal.h>
#include <unistd.h>

#include "proxy/signals.h"

static struct {
	struct signals *signals;
	int numbers[8];
	size_t n, enough;
} got;

static void
on_signal(void *owner, int number)
{
	assert_ptr_equal(owner, &got);
	assert_true(got.n < ARRAY_SIZE(got.numbers));
	got.numbers[got.n++] = number;
	if (got.n == got.enough) {
		signals_free(got.signals);
		got.signals = NULL;
	}
}

static bool
has(int number)
{
	for (size_t i = 0; i < got.n; i++)
		if (got.numbers[i] == number)
			return true;
	return false;
}

/* What came before anybody looked is there; freed from within; what comes later does nothing. */
static void
test_early_and_late(void **state)
{
	uv_loop_t loop;
	(void)state;

	assert_int_equal(uv_loop_init(&loop), 0);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGUSR2);
	got.enough = 3;
	got.signals = signals_new(&loop, on_signal, &got);
	assert_non_null(got.signals);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(got.n, 3);
	assert_true(has(SIGTERM) && has(SIGHUP) && has(SIGUSR2));
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(got.n, 3);
}

static void
test_null(void **state)
{
	(void)state;
	signals_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early_and_late),
		cmocka_unit_test(test_null),
	};
	signals_block();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
