/* Tests tunnel/state_list.c. */
#include "unit.h"

#include "tunnel/state_list.h"

static void
test_found_in_any_order(void **state)
{
	struct state_list list = {0};
	(void)state;
	assert_null(state_list_find(&list, 1));
	assert_true(state_list_sort(&list));
	for (uint32_t i = 0; i < 1000; i++) {
		const struct state s = {.id = (i * 7919) % 1000 + 1, .received = i};
		assert_int_equal(state_list_add(&list, &s), 0);
	}
	assert_true(state_list_sort(&list));
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(state_list_find(&list, (i * 7919) % 1000 + 1)->received, i);
	assert_null(state_list_find(&list, 0));
	assert_null(state_list_find(&list, 1001));
	state_list_fini(&list);
	assert_null(state_list_find(&list, 1));
}

static void
test_twice(void **state)
{
	struct state_list list = {0};
	(void)state;
	for (uint32_t id = 0xfffffffd; id > 0xfffffff0; id -= 2)
		assert_int_equal(state_list_add(&list, &(struct state){.id = id}), 0);
	assert_true(state_list_sort(&list));
	assert_int_equal(state_list_add(&list, &(struct state){.id = 0xfffffff9}), 0);
	assert_false(state_list_sort(&list));
	state_list_fini(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_in_any_order),
		cmocka_unit_test(test_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
