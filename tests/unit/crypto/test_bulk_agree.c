/* Tests the implementations of crypto/bulk_*.c against each other: the same records whole and in
   pieces, in a row. */
#include "unit.h"

#include "crypto/bulk.h"

#define RECORD_MAX 65535
#define ROUNDS     4
#define RECORDS    12

struct buffers {
	uint8_t plain[RECORD_MAX + 64], whole[RECORD_MAX + 64], pieces[RECORD_MAX + 64];
};

static void *
context_new(const struct bulk_impl *impl)
{
	void *context = malloc(impl->context_size);
	assert_non_null(context);
	assert_int_equal(impl->init(context), 0);
	return context;
}

static void
context_free(const struct bulk_impl *impl, void *context)
{
	impl->fini(context);
	free(context);
}

/* Small, middling and large records alike, among them whole numbers of blocks. */
static size_t
some_size(struct seeded_random *r)
{
	static const size_t limits[] = {9, 64, 300, 2000, RECORD_MAX + 1};
	size_t n = seeded_random_below(r, limits[seeded_random_below(r, ARRAY_SIZE(limits))]);
	return seeded_random_below(r, 3) == 0 ? n - n % 64 : n;
}

/* In place, or from src to dst; dst and src at odd addresses. */
static void
seal_in_pieces(const struct bulk_impl *impl, void *context, struct seeded_random *r,
	const uint8_t *aad, struct span src, uint8_t *dst, uint8_t *tag)
{
	size_t done = 0;
	bool in_place = seeded_random_below(r, 2) == 0;

	if (in_place)
		memcpy(dst, src.data, src.size);
	const uint8_t *from = in_place ? dst : src.data;
	impl->seal_begin(context, aad);
	while (seeded_random_below(r, 4) != 0) {
		size_t n = seeded_random_below(r, src.size - done + 1);
		n -= n % impl->granularity;
		if (n == 0)
			continue;
		impl->seal_update(context, n, dst + done, from + done);
		done += n;
	}
	size_t left = src.size - done;
	assert_int_equal(impl->seal_final(context, left, dst + done, from + done, tag), 0);
}

struct pair {
	const struct bulk_impl *a, *b;
	void *seal_a, *seal_b, *open_b;
};

static void
one_record(const struct pair *p, struct seeded_random *r, struct buffers *buffers)
{
	uint8_t aad[BULK_AAD_SIZE], tag[BULK_TAG_SIZE], tag_pieces[BULK_TAG_SIZE];
	size_t n = some_size(r), at = seeded_random_below(r, 64);
	uint8_t *plain = buffers->plain + at, *whole = buffers->whole + (at * 7 + 1) % 64;
	uint8_t *pieces = buffers->pieces + (at * 5 + 3) % 64;

	random_fill(&r->source, aad, sizeof(aad));
	random_fill(&r->source, plain, n);
	p->a->seal_begin(p->seal_a, aad);
	assert_int_equal(p->a->seal_final(p->seal_a, n, whole, plain, tag), 0);
	seal_in_pieces(p->b, p->seal_b, r, aad, (struct span){plain, n}, pieces, tag_pieces);
	assert_memory_equal(whole, pieces, n);
	assert_memory_equal(tag, tag_pieces, BULK_TAG_SIZE);
	assert_int_equal(p->b->open(p->open_b, aad, n, whole, tag), 0);
	assert_memory_equal(whole, plain, n);
}

/* A changed record is refused. It ends a link, so what follows is under new keys. */
static void
one_forgery(const struct pair *p, struct seeded_random *r, struct buffers *buffers)
{
	uint8_t aad[BULK_AAD_SIZE] = {0}, tag[BULK_TAG_SIZE];
	size_t n = some_size(r) % 1000 + 1;

	random_fill(&r->source, buffers->plain, n);
	p->a->seal_begin(p->seal_a, aad);
	assert_int_equal(p->a->seal_final(p->seal_a, n, buffers->whole, buffers->plain, tag), 0);
	uint8_t bit = (uint8_t)(1u << seeded_random_below(r, 8));
	switch (seeded_random_below(r, 3)) {
	case 0:
		tag[seeded_random_below(r, sizeof(tag))] ^= bit;
		break;
	case 1:
		aad[seeded_random_below(r, sizeof(aad))] ^= bit;
		break;
	default:
		buffers->whole[seeded_random_below(r, n)] ^= bit;
	}
	assert_int_equal(p->b->open(p->open_b, aad, n, buffers->whole, tag), -1);
}

static void
hold_against(const struct bulk_impl *a, const struct bulk_impl *b, struct buffers *buffers)
{
	struct pair p = {a, b, context_new(a), context_new(b), context_new(b)};
	struct seeded_random r;
	struct bulk_keys keys;

	seeded_random_init(&r, 20);
	for (size_t round = 0; round < ROUNDS; round++) {
		random_fill(&r.source, (uint8_t *)&keys, sizeof(keys));
		if (round % 2 == 0) /* CAST-128's counter wraps soon */
			memset(keys.iv, 0xff, sizeof(keys.iv) - 5);
		assert_int_equal(a->set_keys(p.seal_a, &keys), 0);
		assert_int_equal(b->set_keys(p.seal_b, &keys), 0);
		assert_int_equal(b->set_keys(p.open_b, &keys), 0);
		for (size_t i = 0; i < RECORDS; i++)
			one_record(&p, &r, buffers);
		one_forgery(&p, &r, buffers);
	}
	context_free(a, p.seal_a);
	context_free(b, p.seal_b);
	context_free(b, p.open_b);
}

static void
test_all_pairs(void **state)
{
	struct buffers *buffers = malloc(sizeof(*buffers));
	(void)state;
	assert_non_null(buffers);
	for (size_t i = 0; bulk_impls[i]; i++)
		for (size_t k = 0; bulk_impls[k]; k++)
			if (bulk_impls[i]->algorithm == bulk_impls[k]->algorithm)
				hold_against(bulk_impls[i], bulk_impls[k], buffers);
	free(buffers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pairs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
