/* Tests tunnel/bytes.c: bytes in, a mark behind what is sent, bytes out; and when memory is
   released. */
#include "unit.h"

#include "tunnel/bytes.h"

struct fixture {
	struct chunk_pool *pool;
	struct bytes b;
	uint8_t in, sent, out; /* the next byte of the pattern that goes in, is sent, comes out */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->pool = chunk_pool_new(1 << 20);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	bytes_fini(&f->b, f->pool);
	assert_int_equal(chunk_pool_used(f->pool), 0);
	chunk_pool_free(f->pool);
	free(f);
	return 0;
}

static void
append(struct fixture *f, size_t n)
{
	uint8_t *data = malloc(n);
	for (size_t i = 0; i < n; i++)
		data[i] = f->in++;
	assert_int_equal(bytes_append(&f->b, f->pool, data, n), 0);
	free(data);
}

static void
take(struct fixture *f, size_t n)
{
	while (n > 0) {
		size_t size;
		const uint8_t *p = bytes_front(&f->b, &size);
		assert_true(size > 0);
		size = min_size(size, n);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], f->out++);
		bytes_drop(&f->b, f->pool, size);
		n -= size;
	}
}

/* Sends n bytes with at most `max` spans. Returns how many were taken. */
static size_t
send_bytes(struct fixture *f, size_t n, size_t max)
{
	struct span spans[16];
	size_t taken, sum = 0;
	size_t count = bytes_send(&f->b, n, spans, max, &taken);
	assert_true(count <= max);
	for (size_t i = 0; i < count; i++) {
		sum += spans[i].size;
		assert_true(spans[i].size > 0);
		for (size_t k = 0; k < spans[i].size; k++)
			assert_int_equal(spans[i].data[k], f->sent++);
	}
	assert_int_equal(sum, taken);
	return taken;
}

static void
test_bytes_come_out_in_order(void **state)
{
	struct fixture *f = *state;
	append(f, 5000);
	take(f, 100);
	append(f, 70000);
	append(f, 1);
	take(f, 74901);
	size_t n;
	assert_null(bytes_front(&f->b, &n));
	assert_int_equal(n, 0);
	bytes_settle(&f->b, f->pool);
	assert_int_equal(chunk_pool_used(f->pool), 0);
	append(f, 10);
	assert_int_equal(chunk_pool_used(f->pool), 4096);
	take(f, 10);
}

static void
test_settle_keeps_what_is_in_use(void **state)
{
	struct fixture *f = *state;
	append(f, 10);
	bytes_settle(&f->b, f->pool);
	take(f, 9);
	bytes_settle(&f->b, f->pool);
	take(f, 1);
	assert_int_equal(chunk_pool_used(f->pool), 4096);
	bytes_settle(&f->b, f->pool);
	assert_int_equal(chunk_pool_used(f->pool), 0);
}

static void
test_room(void **state)
{
	struct fixture *f = *state;
	size_t n;
	uint8_t *p = bytes_room(&f->b, f->pool, false, &n);
	assert_int_equal(n, CHUNK_SMALL);
	assert_ptr_equal(bytes_room(&f->b, f->pool, true, &n), p);
	for (size_t i = 0; i < n - 1023; i++)
		p[i] = f->in++;
	bytes_added(&f->b, n - 1023);
	/* What is left of the chunk is too short for a read: the next is as big as was asked
	   for. */
	p = bytes_room(&f->b, f->pool, true, &n);
	assert_int_equal(n, CHUNK_BIG);
	*p = f->in++;
	bytes_added(&f->b, 1);
	assert_int_equal(send_bytes(f, CHUNK_SMALL - 1022, 16), CHUNK_SMALL - 1022);
	take(f, CHUNK_SMALL - 1022);
}

static void
test_mark_survives_dropping(void **state)
{
	struct fixture *f = *state;
	append(f, CHUNK_SMALL);
	/* The mark stands at the end of the first chunk when that goes. */
	assert_int_equal(send_bytes(f, CHUNK_SMALL, 16), CHUNK_SMALL);
	append(f, 100);
	take(f, CHUNK_SMALL);
	assert_int_equal(send_bytes(f, 40, 16), 40);
	take(f, 30);
	assert_int_equal(send_bytes(f, 60, 16), 60);
	take(f, 70);
	bytes_settle(&f->b, f->pool);
	append(f, 5);
	assert_int_equal(send_bytes(f, 5, 16), 5);
	take(f, 5);
}

static void
test_send_with_few_spans(void **state)
{
	struct fixture *f = *state;
	append(f, CHUNK_SMALL);
	append(f, CHUNK_BIG);
	append(f, 10);
	assert_int_equal(send_bytes(f, CHUNK_SMALL + CHUNK_BIG + 10, 2), CHUNK_SMALL + CHUNK_BIG);
	assert_int_equal(send_bytes(f, 10, 2), 10);
}

static void
test_random_use(void **state)
{
	struct fixture *f = *state;
	struct seeded_random r;
	size_t in = 0, sent = 0, out = 0;
	seeded_random_init(&r, 1);
	for (int i = 0; i < 3000; i++) {
		size_t n, big = seeded_random_below(&r, 4) == 0 ? 40000 : 300;
		switch (seeded_random_below(&r, 4)) {
		case 0:
			n = 1 + seeded_random_below(&r, big);
			append(f, n);
			in += n;
			break;
		case 1: {
			uint8_t *p = bytes_room(&f->b, f->pool, big > 300, &n);
			n = seeded_random_below(&r, n + 1);
			for (size_t k = 0; k < n; k++)
				p[k] = f->in++;
			bytes_added(&f->b, n);
			in += n;
			break;
		}
		case 2:
			sent += send_bytes(f, seeded_random_below(&r, in - sent + 1), 16);
			break;
		default:
			n = seeded_random_below(&r, sent - out + 1);
			bytes_drop(&f->b, f->pool, n);
			out += n;
			bytes_settle(&f->b, f->pool);
			/* Chunks that are not full at their end waste at most a quarter. */
			assert_true(chunk_pool_used(f->pool) <= (in - out) * 2 + 3 * 65536);
		}
	}
	send_bytes(f, in - sent, 16);
	assert_true(in > 1000000);
}

/* A part of the first chunk, two whole ones, and none of an empty last one. */
static void
test_spans(void **state)
{
	struct fixture *f = *state;
	struct span spans[8];
	assert_int_equal(bytes_spans(&f->b, spans, 8), 0);
	append(f, CHUNK_SMALL + 2 * CHUNK_BIG);
	take(f, 100);
	assert_int_equal(bytes_spans(&f->b, spans, 2), 2);
	assert_int_equal(bytes_spans(&f->b, spans, 8), bytes_spans(&f->b, spans, 7));
	size_t count = bytes_spans(&f->b, spans, 8), n = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < spans[i].size; k++, n++)
			assert_int_equal(spans[i].data[k], (uint8_t)(f->out + n));
	assert_int_equal(n, CHUNK_SMALL + 2 * CHUNK_BIG - 100);
	take(f, n);
	assert_int_equal(bytes_spans(&f->b, spans, 8), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_come_out_in_order),
		TEST(test_settle_keeps_what_is_in_use),
		TEST(test_room),
		TEST(test_mark_survives_dropping),
		TEST(test_spans),
		TEST(test_send_with_few_spans),
		TEST(test_random_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
