/* Where lines are broken, and where not. */
#include <stdlib.h>

#include "cli/flow.h"
#include "unit.h"

static void
expect(const struct flow *flow, const char *text, const char *lines)
{
	char *got = NULL;
	size_t n;
	FILE *out = open_memstream(&got, &n);

	flow_text(out, flow, text);
	fclose(out);
	assert_string_equal(got, lines);
	free(got);
}

static void
test_words_stay_whole(void **state)
{
	const struct flow flow = {10, 2, 0};
	(void)state;

	expect(&flow, "", "");
	expect(&flow, "to be or not to be\n", "to be or\n  not to\n  be\n");
	expect(&flow, "ten fits.. here", "ten fits..\n  here");
	expect(&flow, "1234567890", "1234567890");
	expect(&flow, "muchlongerthanten is", "muchlongerthanten\n  is");
	expect(&flow, "one\n\ntwo\n", "one\n\ntwo\n");
	expect(&flow, "  in front\n", "  in front\n");
}

static void
test_no_width(void **state)
{
	const struct flow flow = {0, 2, 0};
	(void)state;

	expect(&flow, "to be or not to be, that is", "to be or not to be, that is");
}

static void
test_behind_a_label(void **state)
{
	const struct flow flow = {12, 6, 6};
	(void)state;

	expect(&flow, "ab cd ef gh\n", "ab cd\n      ef gh\n");
	expect(&flow, "toolongforit x\n", "toolongforit\n      x\n");
}

static void
test_what_belongs_together(void **state)
{
	const struct flow flow = {10, 0, 0};
	(void)state;

	expect(&flow, "traffic 3 MiB", "traffic\n3 MiB");
	expect(&flow, "about 2 1.5 x", "about\n2 1.5 x");
	expect(&flow, "it ends 12", "it ends 12");
	expect(&flow, "it's over 12\nx", "it's over\n12\nx");
	expect(&flow, "it ends 3  x", "it ends 3\nx");
	expect(&flow, "cipher AES" FLOW_JOINT "256", "cipher\nAES 256");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_stay_whole),
		cmocka_unit_test(test_no_width),
		cmocka_unit_test(test_behind_a_label),
		cmocka_unit_test(test_what_belongs_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
