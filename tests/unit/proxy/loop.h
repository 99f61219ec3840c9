/* A libuv loop for tests of what hangs on one: it must be left empty. */
#ifndef SC_TESTS_PROXY_LOOP_H
#define SC_TESTS_PROXY_LOOP_H

#include "unit.h"

#include <uv.h>

/* A name that nobody has, and that no server is asked for: its label is too long for one. */
#define NAME_OF_NOBODY \
	"a-label-that-is-longer-than-the-sixty-three-characters-it-may-be-.invalid"

static inline int
loop_setup(void **state)
{
	uv_loop_t *loop = calloc(1, sizeof(*loop));
	assert_non_null(loop);
	assert_int_equal(uv_loop_init(loop), 0);
	*state = loop;
	return 0;
}

/* Fails if a handle is still there: somebody forgot to close it. */
static inline int
loop_teardown(void **state)
{
	uv_loop_t *loop = *state;
	assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(loop), 0);
	free(loop);
	return 0;
}

/* Turns until *flag, at most ten seconds. */
static inline void
loop_until(uv_loop_t *loop, const bool *flag)
{
	uint64_t end = uv_hrtime() + 10 * NS_PER_S;
	while (!*flag && uv_hrtime() < end)
		if (uv_run(loop, UV_RUN_NOWAIT) == 0 || !*flag)
			uv_sleep(1);
	assert_true(*flag);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

#endif
