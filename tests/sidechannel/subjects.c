/* Knows the pieces of src/crypto that secrets go through, and inputs of each class for them. */
#include "subjects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/elgamal_groups.h"
#include "crypto/elgamal_limbs.h"
#include "crypto/hash.h"
#include "crypto/oaep.h"
#include "crypto/random.h"

#define EM_MAX       1024
#define SAMPLES      64 /* inputs in a pool */
#define MESSAGE      32 /* key and salt of a 128-bit cipher */
#define COMPARED     256
#define RECORD       64
#define SUBJECTS_MAX 64

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void
random_bytes(uint8_t *dst, size_t n)
{
	random_fill(&random_system, dst, n);
}

/* ---- ElGamal: from M' to the verdict ---- */

/* The first ones open; each of the others has one error. */
enum {
	EM_FIXED,
	EM_GOOD,
	EM_SMALL, /* M' <= q */
	EM_LARGE,
	EM_FIRST_BYTE,
	EM_LABEL,
	EM_NO_01,
	EM_PADDING_EARLY,
	EM_PADDING_LATE,
	EM_RANDOM, /* this one has all of them */
	EM_POOLS
};

static struct {
	struct modulus modulus;
	struct number pools[EM_POOLS][SAMPLES], m_prime, m;
	uint8_t em[EM_MAX], message[MESSAGE];
	int verdict;
} elgamal;

static const struct span label_span = {(const uint8_t *)"label", 5};
static const struct span other_span = {(const uint8_t *)"other", 5};

/* How long a message has to be for the errors of its padding. */
static size_t
message_size(unsigned pool)
{
	switch (pool) {
	case EM_NO_01:
		return MESSAGE - 1;
	case EM_PADDING_EARLY:
		return elgamal.modulus.size - OAEP_OVERHEAD;
	case EM_PADDING_LATE:
		return MESSAGE + 2;
	default:
		return MESSAGE;
	}
}

/* M' of an EM of that pool: M itself or p - M, by chance where the pool does not say. */
static void
make_em(unsigned pool, struct number *m_prime)
{
	struct modulus *m = &elgamal.modulus;
	uint8_t seed[OAEP_SEED_SIZE], message[EM_MAX] = {0}, em[EM_MAX], coin;
	const struct oaep_label label = {pool == EM_LABEL ? &other_span : &label_span, 1};
	size_t size = message_size(pool);

	random_bytes(seed, sizeof(seed));
	random_bytes(&coin, 1);
	random_bytes(message + (size < MESSAGE ? 0 : size - MESSAGE), MESSAGE);
	if (size > MESSAGE)
		message[size - MESSAGE - 1] = 1; /* it has its place, but is not the first */
	CHECK(oaep_encode(em, m->size, label, (struct span){message, size}, seed) == 0);
	if (pool == EM_RANDOM)
		random_bytes(em + 1, m->size - 1);
	if (pool == EM_FIRST_BYTE)
		em[0] = (uint8_t)(1 + coin / 4);
	number_read(m_prime, m, em, m->size);
	if (pool == EM_LARGE || (pool != EM_SMALL && coin & 1))
		number_negate(m_prime, m, m_prime);
}

static void
prepare_em(const struct subject *subject, unsigned pool, size_t sample)
{
	(void)subject;
	elgamal.m_prime = elgamal.pools[pool][sample % SAMPLES];
}

/* What decrypt in elgamal.c does after the last multiplication. */
static void
run_em(const struct subject *subject)
{
	struct modulus *m = &elgamal.modulus;

	(void)subject;
	number_smaller(&elgamal.m, m, &elgamal.m_prime);
	number_write(elgamal.em, m, &elgamal.m);
	elgamal.verdict = oaep_decode(
		elgamal.em, m->size, (struct oaep_label){&label_span, 1}, elgamal.message, MESSAGE);
}

static void
make_elgamal(void)
{
	CHECK(modulus_init(&elgamal.modulus, &elgamal_group_3072) == 0);
	for (unsigned pool = 0; pool < EM_POOLS; pool++)
		for (size_t i = 0; i < SAMPLES; i++) {
			if (pool == EM_FIXED && i > 0)
				elgamal.pools[pool][i] = elgamal.pools[pool][0];
			else
				make_em(pool, &elgamal.pools[pool][i]);
			/* The classes are what they are called. */
			prepare_em(NULL, pool, i);
			run_em(NULL);
			CHECK((elgamal.verdict == 0) == (pool <= EM_LARGE));
		}
}

/* ---- comparing ---- */

enum { DIFFER_FIRST, DIFFER_LAST, DIFFER_NOT };

static struct {
	uint8_t a[COMPARED], b[COMPARED];
	volatile bool equal;
} compared;

static void
prepare_compared(const struct subject *subject, unsigned pool, size_t sample)
{
	(void)subject;
	memset(compared.a, (int)sample, COMPARED);
	memset(compared.b, (int)sample, COMPARED);
	compared.b[0] ^= pool == DIFFER_FIRST;
	compared.b[COMPARED - 1] ^= pool == DIFFER_LAST;
}

static void
run_equal(const struct subject *subject)
{
	(void)subject;
	compared.equal = equal_constant_time(compared.a, compared.b, COMPARED);
}

/* As memcmp does it: ends at the first difference. */
static void
run_early_exit(const struct subject *subject)
{
	volatile const uint8_t *a = compared.a, *b = compared.b;
	size_t i = 0;

	(void)subject;
	while (i < COMPARED && a[i] == b[i])
		i++;
	compared.equal = i == COMPARED;
}

/* ---- tags of records ---- */

struct opener {
	void *context; /* of the implementation */
	uint8_t aad[BULK_AAD_SIZE], sealed[RECORD], right[BULK_TAG_SIZE];
};

static struct {
	uint8_t tag[BULK_TAG_SIZE], data[RECORD];
	int verdict;
} record;

static void
prepare_tag(const struct subject *subject, unsigned pool, size_t sample)
{
	const struct opener *o = subject->opener;

	(void)sample;
	memcpy(record.data, o->sealed, RECORD);
	memcpy(record.tag, o->right, BULK_TAG_SIZE);
	record.tag[0] ^= pool == DIFFER_FIRST;
	record.tag[BULK_TAG_SIZE - 1] ^= pool == DIFFER_LAST;
}

static void
run_open(const struct subject *subject)
{
	const struct opener *o = subject->opener;

	record.verdict = subject->impl->open(o->context, o->aad, RECORD, record.data, record.tag);
}

/* ---- the list ---- */

static struct subject subjects[SUBJECTS_MAX];
static size_t n_subjects;
static char names[SUBJECTS_MAX][48];

static void
add_em(enum subject_kind kind, const char *first, unsigned first_pool, const char *second,
	unsigned second_pool)
{
	subjects[n_subjects++] = (struct subject){kind, "ElGamal 3072 from M'", {first, second},
		{first_pool, second_pool}, .prepare = prepare_em, .run = run_em};
}

static void
add_compare(enum subject_kind kind, const char *name, void (*run)(const struct subject *),
	const char *second, unsigned second_pool)
{
	subjects[n_subjects++] = (struct subject){kind, name, {"first byte differs", second},
		{DIFFER_FIRST, second_pool}, .prepare = prepare_compared, .run = run};
}

static void *
new_context(const struct bulk_impl *impl)
{
	void *context = calloc(1, impl->context_size);
	struct bulk_keys keys;

	memset(&keys, 0x17, sizeof(keys));
	CHECK(context && impl->init(context) == 0 && impl->set_keys(context, &keys) == 0);
	return context;
}

static void
free_context(const struct bulk_impl *impl, void *context)
{
	impl->fini(context);
	free(context);
}

/* The right tag comes from the implementation itself. */
static void
add_tag(const struct bulk_impl *impl)
{
	struct subject *s = &subjects[n_subjects];
	struct opener *o = calloc(1, sizeof(*o));
	void *sealing = new_context(impl);

	CHECK(o);
	o->context = new_context(impl);
	impl->seal_begin(sealing, o->aad);
	CHECK(impl->seal_final(sealing, RECORD, o->sealed, o->sealed, o->right) == 0);
	free_context(impl, sealing);
	snprintf(names[n_subjects], sizeof(names[0]), "tag of %s, %s", impl->algorithm->name,
		impl->name);
	*s = (struct subject){SUBJECT_SECRET, names[n_subjects],
		{"first byte wrong", "last byte wrong"}, {DIFFER_FIRST, DIFFER_LAST}, prepare_tag,
		run_open, impl, o};
	n_subjects++;
	for (unsigned pool = DIFFER_FIRST; pool <= DIFFER_NOT; pool++) {
		prepare_tag(s, pool, 0);
		run_open(s);
		CHECK((record.verdict == 0) == (pool == DIFFER_NOT));
	}
}

const struct subject *
subjects_make(size_t *n)
{
	make_elgamal();
	add_compare(SUBJECT_CONTROL, "compare that ends early", run_early_exit, "last byte differs",
		DIFFER_LAST);
	add_compare(
		SUBJECT_SECRET, "equal_constant_time", run_equal, "last byte differs", DIFFER_LAST);
	add_compare(SUBJECT_SECRET, "equal_constant_time", run_equal, "equal", DIFFER_NOT);
	add_em(SUBJECT_SECRET, "one good EM", EM_FIXED, "random good EMs", EM_GOOD);
	add_em(SUBJECT_SECRET, "M' up to q", EM_SMALL, "M' above q", EM_LARGE);
	add_em(SUBJECT_SECRET, "first byte not 0", EM_FIRST_BYTE, "wrong lHash", EM_LABEL);
	add_em(SUBJECT_SECRET, "first byte not 0", EM_FIRST_BYTE, "padding without 01", EM_NO_01);
	add_em(SUBJECT_SECRET, "wrong lHash", EM_LABEL, "padding without 01", EM_NO_01);
	add_em(SUBJECT_SECRET, "wrong lHash", EM_LABEL, "padding not zeros", EM_PADDING_EARLY);
	add_em(SUBJECT_SECRET, "padding wrong early", EM_PADDING_EARLY, "padding wrong late",
		EM_PADDING_LATE);
	add_em(SUBJECT_SECRET, "padding without 01", EM_NO_01, "random EMs", EM_RANDOM);
	add_em(SUBJECT_VERDICT, "random good EMs", EM_GOOD, "first byte not 0", EM_FIRST_BYTE);
	add_em(SUBJECT_VERDICT, "random good EMs", EM_GOOD, "wrong lHash", EM_LABEL);
	add_em(SUBJECT_VERDICT, "random good EMs", EM_GOOD, "padding without 01", EM_NO_01);
	for (size_t i = 0; bulk_impls[i]; i++)
		add_tag(bulk_impls[i]);
	CHECK(n_subjects <= SUBJECTS_MAX);
	*n = n_subjects;
	return subjects;
}

void
subjects_free(void)
{
	for (size_t i = 0; i < n_subjects; i++)
		if (subjects[i].opener) {
			free_context(subjects[i].impl, subjects[i].opener->context);
			free(subjects[i].opener);
		}
	modulus_fini(&elgamal.modulus);
	n_subjects = 0;
}
