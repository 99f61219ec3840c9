/* Tests base/text.c. */
#include "unit.h"

#include "base/text.h"

static void
test_grows(void **state)
{
	struct text t;
	char expected[20000];
	size_t n = 0;
	(void)state;

	text_init(&t);
	for (int i = 0; n < sizeof(expected) - 100; i++) {
		text_print(&t, "%d,", i);
		n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%d,", i);
		text_add(&t, "\0x", 2);
		memcpy(expected + n, "\0x", 2);
		n += 2;
	}
	assert_false(t.failed);
	assert_int_equal(t.size, n);
	assert_memory_equal(t.data, expected, n);
	text_clear(&t);
	assert_int_equal(t.size, 0);
	text_print(&t, "%s", "");
	text_add(&t, NULL, 0);
	assert_int_equal(t.size, 0);
	text_print(&t, "again");
	assert_memory_equal(t.data, "again", 5);
	text_fini(&t);
	text_fini(&t);
}

/* Of every length around the sizes at which it grows. */
static void
test_edges(void **state)
{
	char much[1100];
	(void)state;

	memset(much, 'x', sizeof(much));
	for (int n = 0; n < (int)sizeof(much); n++) {
		struct text t;
		text_init(&t);
		text_print(&t, "%.*s", n, much);
		text_print(&t, "y");
		assert_int_equal(t.size, n + 1);
		assert_memory_equal(t.data, much, (size_t)n);
		assert_int_equal(t.data[n], 'y');
		text_fini(&t);
	}
}

/* One that has failed stays as it was. */
static void
test_failed(void **state)
{
	struct text t;
	(void)state;

	text_init(&t);
	text_print(&t, "kept");
	t.failed = true;
	text_print(&t, "%0300d", 1);
	text_add(&t, "more", 4);
	assert_int_equal(t.size, 4);
	text_fini(&t);
	text_init(&t);
	text_add(&t, "x", 1);
	text_add(&t, "", SIZE_MAX - 100); /* never read: there is no room */
	assert_true(t.failed);
	text_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
