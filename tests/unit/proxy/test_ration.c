/* Tests proxy/ration.c. */
#include "unit.h"

#include "base/util.h"
#include "proxy/ration.h"
#include "secureconn/record.h"
#include "tunnel/chunk.h"

#define MS NS_PER_MS

static void
test_nobody_talks(void **state)
{
	struct ration r = {0};
	(void)state;
	assert_false(ration_brisk(&r, 0));
	assert_false(ration_brisk(&r, 123456 * MS));
	assert_true(ration_bytes(&r, 0) > 64 * 1024);
	assert_int_equal(ration_link_bytes(&r, 0), ration_bytes(&r, 0));
}

/* A question every half millisecond, and an answer. */
static void
test_a_conversation(void **state)
{
	struct ration r = {0};
	struct talk talk = {0};
	uint64_t now = 5000 * MS, moved = 0;
	(void)state;
	for (int i = 0; i < 100; i++, now += MS / 2) {
		ration_heard(&r, &talk, 20, moved += 40, now);
		assert_true(ration_brisk(&r, now));
		assert_true(ration_bytes(&r, now) <= 64 * 1024);
	}
	/* A record of the greatest size is read at once from a link; a connection has it full. */
	assert_int_equal(ration_bytes(&r, now), CHUNK_BIG);
	assert_true(ration_link_bytes(&r, now) >= RECORD_PLAINTEXT_MAX + RECORD_OVERHEAD);
	assert_true(ration_link_bytes(&r, now) < 2 * CHUNK_BIG);
	assert_true(ration_brisk(&r, now + 50 * MS));
	assert_false(ration_brisk(&r, now + 200 * MS));
}

/* A transfer is none, also where it now and then reads only a little. */
static void
test_a_transfer(void **state)
{
	struct ration r = {0};
	struct talk talk = {0};
	uint64_t now = 5000 * MS, moved = 0;
	(void)state;
	for (int i = 0; i < 1000; i++, now += MS / 8) {
		size_t n = i % 10 == 9 ? 600 : 128 * 1024;
		ration_heard(&r, &talk, n, moved += n, now);
		assert_false(ration_brisk(&r, now));
	}
	/* nor one that sends small pieces, but many */
	talk = (struct talk){0};
	for (int i = 0; i < 4000; i++, now += MS / 100) {
		ration_heard(&r, &talk, 1400, moved += 1400, now);
		if (i > 3000)
			assert_true(talk.small == false);
	}
}

/* Beside a transfer, one that talks counts; of more than 4 GiB the differences. */
static void
test_both(void **state)
{
	struct ration r = {0};
	struct talk big = {0}, small = {0};
	uint64_t now = 5000 * MS, moved = 3ull << 32, said = 0;
	(void)state;
	for (int i = 0; i < 100; i++, now += MS) {
		ration_heard(&r, &big, 1 << 20, moved += 1 << 20, now);
		ration_heard(&r, &small, 5, said += 5, now);
		assert_true(ration_brisk(&r, now));
	}
	for (int i = 0; i < 300; i++, now += MS)
		ration_heard(&r, &big, 1 << 20, moved += 1 << 20, now);
	assert_false(ration_brisk(&r, now));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_talks),
		cmocka_unit_test(test_a_conversation),
		cmocka_unit_test(test_a_transfer),
		cmocka_unit_test(test_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
