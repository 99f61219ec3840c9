/* Tests secureconn/negotiate.c: two ends with any lists agree on one name and one client, or both
   fail. */
#include "unit.h"

#include "secureconn/negotiate.h"

#define NAMES 4

static const char *const all_names[NAMES] = {"a", "b", "c", "d"};

static struct span
span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static void
test_refuses_and_repeats(void **state)
{
	const char *own[] = {"SecureConn 1.0"}, *reply;
	struct negotiation n;
	(void)state;
	negotiation_init(&n, own, 1);
	assert_int_equal(
		negotiation_receive(&n, span_of("SecureConn 9.9"), &reply), NEGOTIATION_GOES_ON);
	assert_string_equal(reply, "SecureConn 1.0");
	assert_int_equal(negotiation_receive(&n, span_of("SecureConn 8.8"), &reply),
		NEGOTIATION_FAILED_TELL);
	assert_string_equal(reply, "NONE");

	negotiation_init(&n, own, 1);
	assert_int_equal(
		negotiation_receive(&n, span_of("SecureConn 1.0"), &reply), NEGOTIATION_THEIRS);
	assert_ptr_equal(reply, own[0]);
}

static void
test_twice_is_an_error(void **state)
{
	const char *reply;
	struct negotiation n;
	(void)state;
	negotiation_init(&n, all_names, NAMES);
	assert_int_equal(negotiation_receive(&n, span_of("x"), &reply), NEGOTIATION_GOES_ON);
	assert_int_equal(negotiation_receive(&n, span_of("y"), &reply), NEGOTIATION_GOES_ON);
	assert_string_equal(reply, "b");
	/* Their own again, and one that this side suggested before the last. */
	struct negotiation other = n;
	assert_int_equal(negotiation_receive(&n, span_of("x"), &reply), NEGOTIATION_TWICE);
	assert_int_equal(negotiation_receive(&other, span_of("a"), &reply), NEGOTIATION_TWICE);
}

static void
test_none_and_empty_list(void **state)
{
	const char *reply;
	struct negotiation n;
	(void)state;
	negotiation_init(&n, all_names, 0);
	assert_int_equal(negotiation_open(&n, &reply), NEGOTIATION_FAILED_TELL);
	negotiation_init(&n, all_names, NAMES);
	assert_int_equal(negotiation_open(&n, &reply), NEGOTIATION_GOES_ON);
	assert_int_equal(negotiation_receive(&n, span_of("NONE"), &reply), NEGOTIATION_FAILED);
}

/* The code-th list of up to four different names, in every order; returns its length, or SIZE_MAX
   for a code that names none. */
static size_t
nth_list(unsigned code, const char *list[NAMES])
{
	size_t n = 0;
	for (; code > 0; code /= NAMES + 1) {
		unsigned digit = code % (NAMES + 1);
		if (digit == 0 || n == NAMES)
			return SIZE_MAX;
		for (size_t i = 0; i < n; i++)
			if (list[i] == all_names[digit - 1])
				return SIZE_MAX;
		list[n++] = all_names[digit - 1];
	}
	return n;
}

static bool
have_common(const char **a, size_t n_a, const char **b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t k = 0; k < n_b; k++)
			if (a[i] == b[k])
				return true;
	return false;
}

/* Lets two ends talk until both are done; true if they agreed. */
static bool
converse(struct negotiation ends[2], int *client)
{
	const char *said = NULL;
	enum negotiation_outcome outcome[2] = {NEGOTIATION_GOES_ON, NEGOTIATION_GOES_ON};
	int turn = 0, lines = 0;

	outcome[0] = negotiation_open(&ends[0], &said);
	while (said) {
		assert_true(++lines <= 2 * NAMES + 1);
		turn = 1 - turn;
		outcome[turn] = negotiation_receive(&ends[turn], span_of(said), &said);
	}
	for (int i = 0; i < 2; i++)
		if (outcome[i] == NEGOTIATION_OURS)
			*client = i;
	if (outcome[*client] == NEGOTIATION_OURS) {
		assert_int_equal(outcome[1 - *client], NEGOTIATION_THEIRS);
		return true;
	}
	assert_true((outcome[0] == NEGOTIATION_FAILED && outcome[1] == NEGOTIATION_FAILED_TELL) ||
		(outcome[1] == NEGOTIATION_FAILED && outcome[0] == NEGOTIATION_FAILED_TELL));
	return false;
}

static void
test_all_pairs_of_lists(void **state)
{
	const char *a[NAMES], *b[NAMES];
	unsigned pairs = 0;
	(void)state;
	for (unsigned i = 0; i < 625; i++) {
		size_t n_a = nth_list(i, a);
		for (unsigned k = 0; n_a != SIZE_MAX && k < 625; k++) {
			size_t n_b = nth_list(k, b);
			if (n_b == SIZE_MAX)
				continue;
			struct negotiation ends[2];
			int client = 0;
			negotiation_init(&ends[0], a, n_a);
			negotiation_init(&ends[1], b, n_b);
			bool agreed = converse(ends, &client);
			assert_int_equal(agreed, have_common(a, n_a, b, n_b));
			if (agreed)
				assert_ptr_equal(ends[0].agreed, ends[1].agreed);
			pairs++;
		}
	}
	assert_int_equal(pairs, 65 * 65); /* 1 + 4 + 12 + 24 + 24 lists */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_and_repeats),
		cmocka_unit_test(test_twice_is_an_error),
		cmocka_unit_test(test_none_and_empty_list),
		cmocka_unit_test(test_all_pairs_of_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
