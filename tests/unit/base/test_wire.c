/* Tests base/wire.h: numbers there and back, and running out of room. */
#include "unit.h"

#include "base/wire.h"

static void
test_round_trip(void **state)
{
	uint8_t b[15];
	(void)state;
	struct wire_writer w = wire_writer(b, sizeof(b));
	wire_put_u8(&w, 0x01);
	wire_put_u16(&w, 0x0203);
	wire_put_u32(&w, 0x04050607);
	wire_put_u64(&w, 0x08090a0b0c0d0e0f);
	assert_false(w.failed);
	assert_int_equal(wire_written(&w), 15);
	for (uint8_t i = 0; i < 15; i++)
		assert_int_equal(b[i], i + 1);
	struct wire_reader r = wire_reader(b, sizeof(b));
	assert_int_equal(wire_u8(&r), 0x01);
	assert_int_equal(wire_u16(&r), 0x0203);
	assert_int_equal(wire_u32(&r), 0x04050607);
	assert_true(wire_u64(&r) == 0x08090a0b0c0d0e0f);
	assert_false(r.failed);
	assert_int_equal(wire_left(&r), 0);
}

static void
test_running_out_sticks(void **state)
{
	uint8_t b[3] = {1, 2, 3};
	(void)state;
	struct wire_reader r = wire_reader(b, sizeof(b));
	assert_int_equal(wire_u32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(wire_u8(&r), 0);
	struct wire_writer w = wire_writer(b, sizeof(b));
	wire_put_u16(&w, 7);
	wire_put_u16(&w, 7);
	assert_true(w.failed);
	wire_put_u8(&w, 9);
	assert_int_equal(wire_written(&w), 2);
	assert_int_equal(b[2], 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_running_out_sticks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
