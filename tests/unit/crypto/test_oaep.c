/* Tests crypto/oaep.c with the encodings of asymmetric.ini, and with everything that must not
   decode. */
#include "unit.h"

#include "crypto/asym.h"
#include "crypto/oaep.h"

#define K 256

static const struct span label_parts[] = {{(const uint8_t *)"la", 2}, {(const uint8_t *)"bel", 3}};
static const struct oaep_label label = {label_parts, 2};

/* The label of a case: L of protocol.md 5 and c1. */
static void
check_vector(const struct vector_section *s, size_t k)
{
	uint8_t em[ASYM_PUBLIC_MAX], digest[HASH_SIZE], m[ASYM_MESSAGE_MAX];
	size_t size;
	char prefix[32];
	struct span parts[4], message;

	parts[0].data = (const uint8_t *)prefix;
	parts[0].size = (size_t)snprintf(prefix, sizeof(prefix), "SecureConn SYM-KEY-%lu",
		vector_number(s, "index")) + 1;
	parts[1].data = vector_bytes(s, "sender_public", &parts[1].size);
	parts[2].data = vector_bytes(s, "public", &parts[2].size);
	parts[3].data = vector_bytes(s, "ciphertext", &size);
	parts[3].size = k;
	message.data = vector_bytes(s, "m", &message.size);
	const struct oaep_label whole = {parts, 4};

	const uint8_t *seed = vector_bytes(s, "oaep_seed", &size);
	assert_int_equal(oaep_encode(em, k, whole, message, seed), 0);
	const struct span all = {em, k};
	hash_parts(digest, &all, 1);
	assert_memory_equal(digest, vector_bytes(s, "em_sha256", &size), HASH_SIZE);
	assert_int_equal(oaep_decode(em, k, whole, m, message.size), 0);
	assert_memory_equal(m, message.data, message.size);
}

static void
test_vectors(void **state)
{
	struct vectors *v = vectors_open("asymmetric.ini");
	const struct vector_section *s;
	size_t cases = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		unsigned bits;
		if (sscanf(vector_name(s), "ElGamal %u case", &bits) != 1 ||
			!vector_text(s, "em_sha256"))
			continue;
		check_vector(s, bits / 8);
		cases++;
	}
	assert_int_equal(cases, 11);
	vectors_close(v);
}

static void
encode_some(uint8_t *em, size_t m_size)
{
	uint8_t m[K], seed[OAEP_SEED_SIZE];
	memset(m, 0x6d, sizeof(m));
	memset(seed, 0x5e, sizeof(seed));
	assert_int_equal(oaep_encode(em, K, label, (struct span){m, m_size}, seed), 0);
}

static void
test_sizes(void **state)
{
	uint8_t em[K + 1], m[K], seed[OAEP_SEED_SIZE] = {0};
	(void)state;
	for (size_t n = 0; n <= K - OAEP_OVERHEAD; n++) {
		em[K] = 0x77;
		encode_some(em, n);
		assert_int_equal(em[0], 0);
		assert_int_equal(em[K], 0x77);
		memset(m, 0, sizeof(m));
		assert_int_equal(oaep_decode(em, K, label, m, n), 0);
		for (size_t i = 0; i < sizeof(m); i++)
			assert_int_equal(m[i], i < n ? 0x6d : 0);
	}
	size_t too_long = K - OAEP_OVERHEAD + 1;
	assert_int_equal(oaep_encode(em, K, label, (struct span){m, too_long}, seed), -1);
	assert_int_equal(oaep_encode(em, OAEP_OVERHEAD - 1, label, (struct span){m, 0}, seed), -1);
	encode_some(em, K - OAEP_OVERHEAD);
	m[0] = 1;
	assert_int_equal(oaep_decode(em, K, label, m, too_long), -1);
	assert_int_equal(m[0], 0);
	assert_int_equal(oaep_decode(em, OAEP_OVERHEAD - 1, label, m, 0), -1);
}

/* m is wiped, whatever is wrong. */
static void
assert_refused(uint8_t *em, struct oaep_label l, size_t m_size)
{
	uint8_t m[K];
	memset(m, 0xee, sizeof(m));
	assert_int_equal(oaep_decode(em, K, l, m, m_size), -1);
	for (size_t i = 0; i < sizeof(m); i++)
		assert_int_equal(m[i], i < m_size ? 0 : 0xee);
}

static void
test_every_bit_matters(void **state)
{
	uint8_t em[K];
	(void)state;
	for (size_t bit = 0; bit < 8 * K; bit += bit < 16 ? 1 : 5) {
		encode_some(em, 32);
		em[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_refused(em, label, 32);
	}
}

static void
test_other_label_or_length(void **state)
{
	uint8_t em[K];
	const struct span other[] = {{(const uint8_t *)"labem", 5}};
	const struct span same[] = {{(const uint8_t *)"label", 5}};
	uint8_t m[32];
	(void)state;
	encode_some(em, 32);
	assert_refused(em, (struct oaep_label){other, 1}, 32);
	encode_some(em, 32);
	assert_int_equal(oaep_decode(em, K, (struct oaep_label){same, 1}, m, 32), 0);
	for (size_t n = 0; n < 64; n++) {
		encode_some(em, 32);
		if (n != 32)
			assert_refused(em, label, n);
	}
}

/* MGF1 once more, to change one byte of the padding alone: takes a mask off, and puts it on. */
static void
mask_with(uint8_t *target, size_t n, const uint8_t *seed, size_t seed_size)
{
	for (uint8_t i = 0; HASH_SIZE * i < n; i++) {
		const uint8_t counter[4] = {0, 0, 0, i};
		const struct span parts[] = {{seed, seed_size}, {counter, 4}};
		uint8_t block[HASH_SIZE];
		hash_parts(block, parts, 2);
		for (size_t k = 0; k < HASH_SIZE && HASH_SIZE * i + k < n; k++)
			target[HASH_SIZE * i + k] ^= block[k];
	}
}

static void
test_every_byte_of_padding(void **state)
{
	uint8_t em[K], *seed = em + 1, *db = em + 1 + OAEP_SEED_SIZE;
	size_t db_size = K - 1 - OAEP_SEED_SIZE;
	(void)state;
	for (size_t at = 0; at < db_size - 32; at++) {
		encode_some(em, 32);
		mask_with(seed, OAEP_SEED_SIZE, db, db_size);
		mask_with(db, db_size, seed, OAEP_SEED_SIZE);
		assert_int_equal(db[db_size - 33], 1);
		db[at] ^= at % 2 == 0 ? 1 : 0x80;
		mask_with(db, db_size, seed, OAEP_SEED_SIZE);
		mask_with(seed, OAEP_SEED_SIZE, db, db_size);
		assert_refused(em, label, 32);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_every_bit_matters),
		cmocka_unit_test(test_other_label_or_length),
		cmocka_unit_test(test_every_byte_of_padding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
