/* Tests cli/entry.c: what each key does to a fingerprint that is being typed. */
#include "cli/entry.h"
#include "unit.h"

static enum entry_result
type(struct entry *e, const char *text)
{
	enum entry_result result = ENTRY_GOES_ON;
	for (; *text && result == ENTRY_GOES_ON; text++)
		result = entry_byte(e, (unsigned char)*text);
	return result;
}

static void
shows(const struct entry *e, const char *expected)
{
	char out[FINGERPRINT_SIZE];
	size_t cursor;
	entry_show(e, out, &cursor);
	assert_string_equal(out, expected);
	entry_text(e, out);
	assert_int_equal(strlen(out), cursor);
	assert_memory_equal(out, expected, cursor);
}

static void
test_groups(void **state)
{
	struct entry e;
	(void)state;

	entry_init(&e);
	shows(&e, "____-____-____-____-____-____-____-____");
	type(&e, "7q2");
	shows(&e, "7Q2_-____-____-____-____-____-____-____");
	type(&e, "m");
	shows(&e, "7Q2M-____-____-____-____-____-____-____");
	/* As people write: other cases, letters that look alike, separators of their own or
	   none. */
	type(&e, " oI-lO\t0 1");
	shows(&e, "7Q2M-0110-01__-____-____-____-____-____");
	assert_string_equal(e.note, "");
	assert_int_equal(type(&e, "\r"), ENTRY_DONE);
}

static void
test_pasted(void **state)
{
	struct entry e;
	(void)state;

	entry_init(&e);
	assert_int_equal(type(&e, "\033[200~7Q2M\342\200\22301XK\302\240abcd-0123-4567-89ab-cdef-"
				  "ghjk\033[201~\n"),
		ENTRY_DONE);
	shows(&e, "7Q2M-01XK-ABCD-0123-4567-89AB-CDEF-GHJK");
	assert_int_equal(e.n, ENTRY_LETTERS);
}

static void
test_taken_back(void **state)
{
	struct entry e;
	(void)state;

	entry_init(&e);
	type(&e, "7q2m01");
	type(&e, "\177");
	shows(&e, "7Q2M-0___-____-____-____-____-____-____");
	type(&e, "\b\b");
	shows(&e, "7Q2_-____-____-____-____-____-____-____");
	type(&e, "m01\027"); /* ^W: a group */
	shows(&e, "7Q2M-____-____-____-____-____-____-____");
	type(&e, "\027");
	shows(&e, "____-____-____-____-____-____-____-____");
	type(&e, "\177\027");
	type(&e, "7q2m01\025"); /* ^U: all */
	shows(&e, "____-____-____-____-____-____-____-____");
}

static void
test_refused(void **state)
{
	struct entry e;
	(void)state;

	entry_init(&e);
	type(&e, "7u");
	assert_string_equal(e.note, "\"u\" is in no fingerprint");
	type(&e, "q");
	assert_string_equal(e.note, "");
	type(&e, "\303\244");
	assert_string_equal(e.note, "only letters and digits count");
	type(&e, "\001");
	assert_string_equal(e.note, "only letters and digits count");
	type(&e, "\033[D\033OA\033x"); /* keys that move the cursor */
	assert_string_equal(e.note, "");
	shows(&e, "7Q__-____-____-____-____-____-____-____");
	for (size_t i = 2; i < ENTRY_LETTERS; i++)
		type(&e, "z");
	assert_string_equal(e.note, "");
	type(&e, "a");
	assert_string_equal(e.note, "that is the whole of it: press Enter");
	shows(&e, "7QZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ");
	type(&e, "\004"); /* ^D ends an empty entry only */
	assert_int_equal(type(&e, "\025\004"), ENTRY_END);
}

/* Enter before anything was typed, or the second half of CR LF behind a paste, is no answer. */
static void
test_nothing_is_no_answer(void **state)
{
	struct entry e;
	(void)state;

	entry_init(&e);
	assert_int_equal(type(&e, "\r"), ENTRY_GOES_ON);
	assert_int_equal(type(&e, " -\n"), ENTRY_GOES_ON);
	assert_string_equal(e.note, "nothing is typed yet");
	assert_int_equal(type(&e, "7"), ENTRY_GOES_ON);
	assert_string_equal(e.note, "");
	assert_int_equal(type(&e, "\r"), ENTRY_DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_pasted),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nothing_is_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
