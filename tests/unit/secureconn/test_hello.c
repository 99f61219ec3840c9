/* Tests secureconn/hello.c: there and back, and every HELLO that is to be refused. */
#include "unit.h"

#include "secureconn/frame.h"
#include "secureconn/hello.h"

static struct hello sample = {.window = 65536, .max_streams = 7, .name = "store-7",
	.has_instance = true, .hold = 60, .instance = "0123456789abcde"};
static uint8_t frame[HELLO_RECORD_MAX + 300];
static size_t size;

static int
setup(void **state)
{
	(void)state;
	memset(sample.key, 9, sizeof(sample.key));
	size = hello_encode(frame, &sample);
	return 0;
}

/* Adds bytes behind the payload and corrects the length. */
static void
extend(const void *more, size_t n)
{
	memcpy(frame + size, more, n);
	size += n;
	put_u16(frame + 2, (uint16_t)(size - FRAME_HEAD_SIZE));
}

static void
assert_refused(void)
{
	struct hello h;
	assert_int_equal(hello_decode(&h, frame, size), SC_ERR_HELLO);
}

static void
test_round_trip(void **state)
{
	struct hello h;
	(void)state;
	assert_int_equal(size, 8 + 1 + 32 + 4 + 4 + 1 + 7 + 20);
	assert_int_equal(hello_decode(&h, frame, size), SC_OK);
	assert_memory_equal(h.key, sample.key, 32);
	assert_int_equal(h.window, 65536);
	assert_int_equal(h.max_streams, 7);
	assert_string_equal(h.name, "store-7");
	assert_true(h.has_instance);
	assert_int_equal(h.hold, 60);
	assert_memory_equal(h.instance, sample.instance, 16);
}

static void
test_newer_version_and_unknown_tags_pass(void **state)
{
	struct hello h;
	(void)state;
	frame[8] = 200;
	extend("\x63\x02xy\x64\x00", 6);
	assert_int_equal(hello_decode(&h, frame, size), SC_OK);
}

static void
test_every_truncation_is_refused(void **state)
{
	(void)state;
	size_t whole = size;
	for (size_t n = 0; n < whole; n++) {
		struct hello h;
		assert_int_equal(hello_decode(&h, frame, n), SC_ERR_HELLO);
	}
	/* The same with a length that fits: shorter only where a TLV ends. */
	for (size_t n = FRAME_HEAD_SIZE; n < whole; n++) {
		struct hello h;
		put_u16(frame + 2, (uint16_t)(n - FRAME_HEAD_SIZE));
		enum sc_error expected = n == whole - 20 ? SC_OK : SC_ERR_HELLO;
		assert_int_equal(hello_decode(&h, frame, n), expected);
	}
}

static void
test_refused(void **state)
{
	(void)state;
	frame[8] = 0; /* version */
	assert_refused();
	setup(NULL);
	frame[0] = FRAME_PING;
	assert_refused();
	setup(NULL);
	frame[1] = 1;
	assert_refused();
	setup(NULL);
	frame[7] = 1; /* stream */
	assert_refused();
	setup(NULL);
	put_u32(frame + 41, HELLO_WINDOW_MIN - 1);
	assert_refused();
	setup(NULL);
	frame[size++] = 0; /* after the frame */
	assert_refused();
	setup(NULL);
	extend("\x01\x11" "0123456789abcdefg", 19); /* tag 1 of 17 */
	assert_refused();
	setup(NULL);
	extend("\x01\x12" "0123456789abcdefgh", 20); /* tag 1 again */
	assert_refused();
	setup(NULL);
	size -= 20; /* tag 1 of 19, alone */
	extend("\x01\x13" "0123456789abcdefghi", 21);
	assert_refused();
	setup(NULL);
	memcpy(frame + size, "\x63\x00", 2); /* after the frame, and would be good in it */
	size += 2;
	assert_refused();
	setup(NULL);
	extend("\x63", 1);
	assert_refused();
}

static void
test_name_without_nul(void **state)
{
	struct hello h;
	(void)state;
	frame[8 + 41 + 3] = '\0';
	assert_int_equal(hello_decode(&h, frame, size), SC_OK);
	assert_int_equal(strlen(h.name), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_round_trip, setup),
		cmocka_unit_test_setup(test_newer_version_and_unknown_tags_pass, setup),
		cmocka_unit_test_setup(test_every_truncation_is_refused, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_name_without_nul, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
