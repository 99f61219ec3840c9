/* Tests base/util.c and base/list.h. */
#include "unit.h"

#include "base/error.h"
#include "base/list.h"

static void
test_hex(void **state)
{
	uint8_t bytes[3];
	char text[7];
	(void)state;
	assert_int_equal(hex_decode(bytes, 3, "00aBfF", 6), 0);
	hex_encode(text, bytes, 3);
	assert_string_equal(text, "00abff");
	assert_int_equal(hex_decode(bytes, 3, "00abf", 5), -1);
	assert_int_equal(hex_decode(bytes, 3, "00ab f", 6), -1);
	assert_int_equal(hex_decode(bytes, 3, "00abfg", 6), -1);
}

static void
test_escape(void **state)
{
	char out[10];
	(void)state;
	escape_text(out, sizeof(out), "a\\b\n", 4);
	assert_string_equal(out, "a\\x5cb"); /* the last escape would not fit */
	escape_text(out, sizeof(out), "\x7f", 1);
	assert_string_equal(out, "\\x7f");
	escape_text(out, 1, "abc", 3);
	assert_string_equal(out, "");
}

static void
test_list(void **state)
{
	struct list head, a, b;
	(void)state;
	list_init(&head);
	assert_null(list_first(&head));
	list_insert_tail(&head, &a);
	list_insert_tail(&head, &b);
	assert_ptr_equal(list_first(&head), &a);
	list_remove(&a);
	list_remove(&a);
	assert_ptr_equal(list_first(&head), &b);
	list_remove(&b);
	assert_true(list_empty(&head));
}

static void
test_errors_all_have_names(void **state)
{
	(void)state;
	for (enum sc_error e = SC_OK; e < SC_ERROR_COUNT; e++)
		assert_true(sc_error_name(e)[0] && sc_error_text(e)[0]);
	assert_string_equal(sc_error_name(SC_ERROR_COUNT), "internal");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_errors_all_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
