/* Tests secureconn/record.c against the vectors, for every implementation, and the limits of a
   key. */
#include "unit.h"

#include "secureconn/record.h"

static struct record_half half;

/* A half under the secrets that follow from base_1 and base_2 of a section (protocol.md 6). */
static void
start_half(const struct vector_section *s, const struct bulk_impl *impl)
{
	char info[] = "SecureConn channel..";
	const size_t n = sizeof(info) - 1;

	assert_int_equal(record_half_init(&half, impl), SC_OK);
	for (uint8_t channel = 1; channel <= 2; channel++) {
		size_t size;
		uint8_t secret[HASH_SIZE];
		info[n - 2] = (char)channel;
		info[n - 1] = vector_text(s, "direction")[0];
		hkdf_expand(secret, HASH_SIZE,
			vector_bytes(s, channel == 1 ? "base_1" : "base_2", &size), info, n);
		assert_int_equal(record_set_secret(&half, channel, secret, 0, 0), SC_OK);
	}
}

static void
assert_secret(const struct vector_section *s, const char *key, uint8_t channel)
{
	size_t size;
	assert_memory_equal(
		half.channels[channel - 1].secret, vector_bytes(s, key, &size), HASH_SIZE);
}

/* "record channel 2": seals the plaintext in one piece and in several, and wants the very bytes. */
static void
do_record(const struct vector_section *s, const char *step, uint8_t channel, bool sealing)
{
	static uint8_t out[RECORD_PLAINTEXT_MAX + RECORD_OVERHEAD];
	char key[32];
	size_t n, size;

	snprintf(key, sizeof(key), "%s_plain", step);
	const uint8_t *plain = vector_bytes(s, key, &n);
	snprintf(key, sizeof(key), "%s_record", step);
	const uint8_t *record = vector_bytes(s, key, &size);
	assert_int_equal(size, n + RECORD_OVERHEAD);
	if (sealing) {
		struct span parts[] = {{plain, n / 3}, {plain + n / 3, n - n / 3}};
		assert_int_equal(record_seal(&half, channel, parts, 2, out), SC_OK);
		assert_memory_equal(out, record, size);
		return;
	}
	struct record_head head;
	memcpy(out, record, size);
	assert_int_equal(record_read_head(&half, out, &head), SC_OK);
	assert_int_equal(head.channel, channel);
	assert_int_equal(head.size, n);
	assert_int_equal(record_open(&half, &head, out), SC_OK);
	assert_memory_equal(out + RECORD_HEAD_SIZE, plain, n);
}

static void
do_extract(const struct vector_section *s, const char *step)
{
	char key[32];
	size_t size;

	snprintf(key, sizeof(key), "%s_ikm", step);
	const uint8_t *ikm = vector_bytes(s, key, &size);
	for (uint8_t channel = 1; channel <= 2; channel++) {
		struct record_channel *ch = &half.channels[channel - 1];
		uint8_t secret[HASH_SIZE];
		struct span part = {ikm, size};
		hkdf_extract(secret, ch->secret, HASH_SIZE, &part, 1);
		assert_int_equal(
			record_set_secret(&half, channel, secret, ch->epoch + 1, 0), SC_OK);
		snprintf(key, sizeof(key), "%s_secret_%u", step, channel);
		assert_secret(s, key, channel);
	}
}

static void
do_steps(const struct vector_section *s, const struct bulk_impl *impl, bool sealing)
{
	unsigned steps = 0;

	start_half(s, impl);
	assert_secret(s, "secret_1", 1);
	assert_secret(s, "secret_2", 2);
	for (;; steps++) {
		char step[16], key[32];
		unsigned channel;
		snprintf(step, sizeof(step), "step_%u", steps + 1);
		const char *what = vector_text(s, step);
		if (!what)
			break;
		if (sscanf(what, "record channel %u", &channel) == 1) {
			do_record(s, step, (uint8_t)channel, sealing);
		} else if (sscanf(what, "ratchet channel %u", &channel) == 1) {
			assert_int_equal(record_ratchet(&half, (uint8_t)channel, 0), SC_OK);
			snprintf(key, sizeof(key), "%s_secret", step);
			assert_secret(s, key, (uint8_t)channel);
		} else {
			do_extract(s, step);
		}
	}
	assert_true(steps > 5);
	record_half_fini(&half);
}

static void
test_vectors_every_implementation(void **state)
{
	struct vectors *v = vectors_open("records.ini");
	const struct vector_section *s;
	unsigned runs = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++)
		for (size_t k = 0; bulk_impls[k]; k++)
			if (strcmp(bulk_impls[k]->algorithm->name, vector_name(s)) == 0) {
				do_steps(s, bulk_impls[k], true);
				do_steps(s, bulk_impls[k], false);
				runs++;
			}
	assert_true(runs >= 4);
	vectors_close(v);
}

/* Tries to open the record of a section as the first one of its seq. */
static bool
opens(const struct vector_section *s, const struct bulk_impl *impl)
{
	size_t size;
	struct record_head head;
	const uint8_t *record = vector_bytes(s, "record", &size);
	uint8_t *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, record, size);
	start_half(s, impl);
	half.seq = vector_number(s, "seq");
	bool good = record_read_head(&half, copy, &head) == SC_OK;
	/* A connection would wait for more bytes, or take what follows for the next record: here it
	   is not whole. */
	if (good && head.size + RECORD_OVERHEAD > size)
		good = false;
	good = good && record_open(&half, &head, copy) == SC_OK;
	record_half_fini(&half);
	free(copy);
	return good;
}

static void
test_negative_vectors(void **state)
{
	struct vectors *v = vectors_open("negative.ini");
	const struct vector_section *s;
	unsigned good = 0, bad = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++)
		for (size_t k = 0; vector_text(s, "record") && bulk_impls[k]; k++) {
			const char *name = bulk_impls[k]->algorithm->name;
			if (strncmp(vector_name(s), name, strlen(name)) != 0 ||
				strncmp(vector_name(s) + strlen(name), " record:", 8) != 0)
				continue;
			bool expected = strcmp(vector_text(s, "opens"), "yes") == 0;
			assert_int_equal(opens(s, bulk_impls[k]), expected);
			*(expected ? &good : &bad) += 1;
		}
	assert_true(good >= 4 && bad >= 28);
	vectors_close(v);
}

static void
test_scattered_parts(void **state)
{
	static uint8_t plain[RECORD_PLAINTEXT_MAX], whole[RECORD_PLAINTEXT_MAX + RECORD_OVERHEAD],
		scattered[RECORD_PLAINTEXT_MAX + RECORD_OVERHEAD];
	static const uint8_t secret[HASH_SIZE] = {1, 2, 3};
	struct seeded_random random;
	(void)state;
	seeded_random_init(&random, 7);
	random_fill(&random.source, plain, sizeof(plain));
	for (size_t k = 0; bulk_impls[k]; k++)
		for (int round = 0; round < 40; round++) {
			struct span parts[40];
			size_t n_parts = 1 + seeded_random_below(&random, ARRAY_SIZE(parts)), n = 0;
			for (size_t i = 0; i < n_parts; i++) {
				size_t most = seeded_random_below(&random, 2) ? 40 : 4000;
				size_t size = seeded_random_below(&random, most);
				size = min_size(size, sizeof(plain) - n);
				parts[i] = (struct span){plain + n, size};
				n += size;
			}
			struct span all = {plain, n};
			for (int pass = 0; pass < 2; pass++) {
				assert_int_equal(record_half_init(&half, bulk_impls[k]), SC_OK);
				assert_int_equal(record_set_secret(&half, 2, secret, 0, 0), SC_OK);
				half.seq = (uint64_t)round << 33;
				assert_int_equal(
					record_seal(&half, 2, pass ? parts : &all,
						pass ? n_parts : 1, pass ? scattered : whole),
					SC_OK);
				record_half_fini(&half);
			}
			assert_memory_equal(whole, scattered, n + RECORD_OVERHEAD);
		}
}

static void
test_limits_of_a_key(void **state)
{
	static const uint8_t secret[HASH_SIZE];
	const struct record_usage own = {.records = 3, .bytes = 1000};
	(void)state;
	for (size_t k = 0; bulk_impls[k]; k++) {
		const struct bulk_algorithm *a = bulk_impls[k]->algorithm;
		assert_int_equal(record_half_init(&half, bulk_impls[k]), SC_OK);
		assert_int_equal(record_set_secret(&half, 1, secret, 5, 0), SC_OK);
		struct record_usage *used = &half.channels[0].used;
		struct record_head head;
		uint8_t bytes[RECORD_HEAD_SIZE] = {1, 5, 0x01, 0x00}; /* 256 bytes */

		*used = (struct record_usage){a->max_records - 1, 0, 0};
		if (a->max_records != UINT64_MAX) {
			assert_int_equal(record_read_head(&half, bytes, &head), SC_OK);
			used->records++;
			assert_int_equal(record_read_head(&half, bytes, &head), SC_ERR_KEY_VOLUME);
		}
		*used = (struct record_usage){0, a->max_bytes - 256, 0};
		if (a->max_bytes != UINT64_MAX) {
			assert_int_equal(record_read_head(&half, bytes, &head), SC_OK);
			used->bytes++;
			assert_int_equal(record_read_head(&half, bytes, &head), SC_ERR_KEY_VOLUME);
		}
		*used = (struct record_usage){0, 0, a->max_blocks - 256 / a->block_size};
		if (a->max_blocks != UINT64_MAX) {
			assert_int_equal(record_read_head(&half, bytes, &head), SC_OK);
			used->blocks++;
			assert_int_equal(record_read_head(&half, bytes, &head), SC_ERR_KEY_VOLUME);
		}
		*used = (struct record_usage){2, 0, 0};
		assert_true(record_fits(&half, 1, 8, 0, &own));
		assert_false(record_fits(&half, 1, 8, 1, &own));
		assert_false(record_fits(&half, 1, 1001, 0, &own));
		record_half_fini(&half);
	}
	/* CAST-128's limit is the one that counts: 2^20 blocks. */
	assert_true(bulk_algorithm_find("CAST-128")->max_blocks == 1u << 20);
}

/* The last block of a record counts whole, however little of it is used. */
static void
test_blocks_are_rounded_up(void **state)
{
	static const uint8_t secret[HASH_SIZE];
	static uint8_t plain[9], record[sizeof(plain) + RECORD_OVERHEAD];
	struct span part = {plain, sizeof(plain)};
	struct record_head head;
	(void)state;
	for (size_t k = 0; bulk_impls[k]; k++) {
		const struct bulk_algorithm *a = bulk_impls[k]->algorithm;
		uint64_t blocks = sizeof(plain) / a->block_size + 1;

		assert_int_equal(record_half_init(&half, bulk_impls[k]), SC_OK);
		assert_int_equal(record_set_secret(&half, 1, secret, 0, 0), SC_OK);
		struct record_usage *used = &half.channels[0].used;
		assert_int_equal(record_seal(&half, 1, &part, 1, record), SC_OK);
		assert_int_equal(used->blocks, blocks);
		assert_int_equal(record_set_secret(&half, 1, secret, 0, 0), SC_OK);
		half.seq = 0;
		assert_int_equal(record_read_head(&half, record, &head), SC_OK);
		assert_int_equal(record_open(&half, &head, record), SC_OK);
		assert_int_equal(used->blocks, blocks);
		if (a->max_blocks != UINT64_MAX) {
			used->blocks = a->max_blocks - blocks;
			assert_true(record_fits(&half, 1, sizeof(plain), 0, NULL));
			used->blocks++;
			assert_false(record_fits(&half, 1, sizeof(plain), 0, NULL));
		}
		record_half_fini(&half);
	}
}

static void
test_bad_heads(void **state)
{
	static const uint8_t secret[HASH_SIZE];
	struct record_head head;
	(void)state;
	assert_int_equal(record_half_init(&half, bulk_impls[0]), SC_OK);
	assert_int_equal(record_set_secret(&half, 1, secret, 256 + 7, 0), SC_OK);
	assert_int_equal(record_read_head(&half, (const uint8_t[]){1, 7, 0, 8}, &head), SC_OK);
	assert_int_equal(record_read_head(&half, (const uint8_t[]){1, 7, 0, 7}, &head),
		SC_ERR_RECORD_LENGTH);
	assert_int_equal(record_read_head(&half, (const uint8_t[]){1, 6, 0, 8}, &head),
		SC_ERR_RECORD_EPOCH);
	assert_int_equal(record_read_head(&half, (const uint8_t[]){0, 7, 0, 8}, &head),
		SC_ERR_RECORD_CHANNEL);
	assert_int_equal(record_read_head(&half, (const uint8_t[]){3, 7, 0, 8}, &head),
		SC_ERR_RECORD_CHANNEL);
	record_half_fini(&half);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_every_implementation),
		cmocka_unit_test(test_negative_vectors),
		cmocka_unit_test(test_scattered_parts),
		cmocka_unit_test(test_limits_of_a_key),
		cmocka_unit_test(test_blocks_are_rounded_up),
		cmocka_unit_test(test_bad_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
