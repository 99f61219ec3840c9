/* Tests proxy/carry.c against a stream that is played here: the real ones are in
   tests/unit/tunnel. */
#include "unit.h"

#include "proxy/carry.h"
#include "tunnel/trunk.h"

struct stream {
	uint8_t bytes[64 * 1024];
	size_t n, limit;
	bool counted;
};

bool
stream_send_whole(const struct stream *s)
{
	return !s->counted;
}

/* In pieces of 1000. */
const uint8_t *
stream_send_kept(const struct stream *s, size_t from, size_t *n)
{
	*n = from < s->n ? min_size(1000, s->n - from) : 0;
	return *n > 0 ? s->bytes + from : NULL;
}

uint8_t *
stream_send_buf(struct stream *s, size_t *n)
{
	*n = min_size(700, s->limit - s->n);
	return *n > 0 ? s->bytes + s->n : NULL;
}

void
stream_send_ack(struct stream *s, size_t n)
{
	s->n += n;
}

static void
fill(struct carry *c, size_t n, uint8_t *next)
{
	size_t room;
	uint8_t *p = carry_room(c, &room);

	assert_non_null(p);
	assert_true(room >= n);
	for (size_t i = 0; i < n; i++)
		p[i] = (*next)++;
	carry_added(c, n);
}

static void
expect(const struct stream *s, size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s->bytes[i], (uint8_t)i);
}

static void
test_said_while_it_waited(void **state)
{
	static struct stream s;
	struct carry c = {.data = NULL};
	uint8_t next = 0;
	size_t n;
	(void)state;

	assert_true(carry_empty(&c));
	fill(&c, 5000, &next);
	fill(&c, CARRY_WAITING - 5000, &next);
	assert_null(carry_room(&c, &n)); /* the rest stays in the kernel */
	assert_int_equal(n, 0);
	s = (struct stream){.limit = 6000};
	carry_give(&c, &s);
	assert_false(carry_empty(&c));
	expect(&s, 6000);
	s.limit = sizeof(s.bytes);
	carry_give(&c, &s);
	assert_true(carry_empty(&c));
	assert_null(c.data);
	expect(&s, CARRY_WAITING);
}

static void
test_no_memory_for_nothing(void **state)
{
	struct carry c = {.data = NULL};
	size_t n;
	(void)state;

	assert_non_null(carry_room(&c, &n));
	carry_added(&c, 0); /* nothing came */
	assert_null(c.data);
}

/* Half given to a stream that is refused then: all of it goes to the next one, in order. */
static void
test_refused_on_the_way(void **state)
{
	static struct stream first, second;
	struct carry c = {.data = NULL};
	uint8_t next = 0;
	(void)state;

	fill(&c, 10000, &next);
	first = (struct stream){.limit = 4096};
	carry_give(&c, &first);
	assert_true(carry_take(&c, &first));
	second = (struct stream){.limit = 100};
	carry_give(&c, &second);
	assert_true(carry_take(&c, &second));
	second = (struct stream){.limit = sizeof(second.bytes)};
	carry_give(&c, &second);
	assert_true(carry_empty(&c));
	expect(&second, 10000);
}

static void
test_what_was_passed_on_is_not_taken_back(void **state)
{
	static struct stream s;
	struct carry c = {.data = NULL};
	(void)state;

	s = (struct stream){.n = 10, .counted = true};
	assert_false(carry_take(&c, &s));
	s = (struct stream){.n = 0};
	assert_true(carry_take(&c, &s));
	assert_true(carry_empty(&c));
	carry_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said_while_it_waited),
		cmocka_unit_test(test_no_memory_for_nothing),
		cmocka_unit_test(test_refused_on_the_way),
		cmocka_unit_test(test_what_was_passed_on_is_not_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
