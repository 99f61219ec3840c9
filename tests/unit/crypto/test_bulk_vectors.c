/* Tests every implementation of crypto/bulk_*.c with records.ini, cast128.ini and the records of
   negative.ini. */
#include "unit.h"

#include "crypto/bulk.h"
#include "crypto/hash.h"

#define HEADER 4

/* One direction as the record layer has it, without its checks. */
struct direction {
	const struct bulk_impl *impl;
	void *context[2];
	uint8_t secret[2][HASH_SIZE];
	uint64_t seq;
};

static void
derive_keys(const struct bulk_impl *impl, const uint8_t *secret, struct bulk_keys *keys)
{
	hkdf_expand(keys->key, impl->algorithm->key_size, secret, "key", 3);
	hkdf_expand(keys->iv, impl->algorithm->iv_size, secret, "iv", 2);
	hkdf_expand(keys->mac, impl->algorithm->mac_size, secret, "mac", 3);
}

static void
use_secret(struct direction *d, size_t channel)
{
	struct bulk_keys keys;
	derive_keys(d->impl, d->secret[channel], &keys);
	assert_int_equal(d->impl->set_keys(d->context[channel], &keys), 0);
}

static void
direction_init(struct direction *d, const struct bulk_impl *impl, const struct vector_section *s)
{
	d->impl = impl;
	d->seq = 0;
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		const uint8_t *base = vector_bytes(s, i == 0 ? "base_1" : "base_2", &size);
		char info[] = "SecureConn channel??";
		info[18] = (char)(i + 1);
		info[19] = vector_text(s, "direction")[0];
		assert_int_equal(size, HASH_SIZE);
		hkdf_expand(d->secret[i], HASH_SIZE, base, info, 20);
		d->context[i] = malloc(impl->context_size);
		assert_non_null(d->context[i]);
		assert_int_equal(impl->init(d->context[i]), 0);
		use_secret(d, i);
	}
}

static void
direction_fini(struct direction *d)
{
	for (size_t i = 0; i < 2; i++) {
		d->impl->fini(d->context[i]);
		free(d->context[i]);
	}
}

static void
assert_value(const struct vector_section *s, const char *key, const uint8_t *bytes, size_t n)
{
	size_t size;
	const uint8_t *right = vector_bytes(s, key, &size);
	if (size != n || memcmp(right, bytes, n) != 0)
		fail_msg("[%s] %s is not what came out", vector_name(s), key);
}

static void
make_aad(uint8_t aad[BULK_AAD_SIZE], const uint8_t *header, uint64_t seq)
{
	memcpy(aad, header, HEADER);
	for (size_t i = 0; i < 8; i++)
		aad[HEADER + i] = (uint8_t)(seq >> (56 - 8 * i));
}

/* Step n seals (or opens) the record step_n_plain on a channel. */
static void
record_step(struct direction *seal, struct direction *open, const struct vector_section *s,
	const char *step)
{
	char key[64];
	size_t plain_size, record_size;
	uint8_t aad[BULK_AAD_SIZE], tag[BULK_TAG_SIZE];

	snprintf(key, sizeof(key), "%s_plain", step);
	const uint8_t *plain = vector_bytes(s, key, &plain_size);
	snprintf(key, sizeof(key), "%s_record", step);
	const uint8_t *record = vector_bytes(s, key, &record_size);
	assert_int_equal(record_size, HEADER + plain_size + BULK_TAG_SIZE);
	size_t channel = record[0] - 1u;
	uint8_t *data = malloc(plain_size);
	assert_non_null(data);

	make_aad(aad, record, seal->seq++);
	void *context = seal->context[channel];
	seal->impl->seal_begin(context, aad);
	assert_int_equal(seal->impl->seal_final(context, plain_size, data, plain, tag), 0);
	assert_memory_equal(data, record + HEADER, plain_size);
	assert_memory_equal(tag, record + HEADER + plain_size, BULK_TAG_SIZE);

	make_aad(aad, record, open->seq++);
	assert_int_equal(open->impl->open(open->context[channel], aad, plain_size, data, tag), 0);
	assert_memory_equal(data, plain, plain_size);
	free(data);
}

static void
secret_step(struct direction *d, const struct vector_section *s, const char *step)
{
	char key[64];
	const char *what = vector_text(s, step);

	if (strncmp(what, "ratchet channel ", 16) == 0) {
		size_t channel = (size_t)(what[16] - '1');
		hkdf_expand(d->secret[channel], HASH_SIZE, d->secret[channel], "SecureConn next",
			15);
		snprintf(key, sizeof(key), "%s_secret", step);
		assert_value(s, key, d->secret[channel], HASH_SIZE);
		use_secret(d, channel);
		return;
	}
	assert_string_equal(what, "extract both channels");
	struct span ikm;
	snprintf(key, sizeof(key), "%s_ikm", step);
	ikm.data = vector_bytes(s, key, &ikm.size);
	for (size_t i = 0; i < 2; i++) {
		hkdf_extract(d->secret[i], d->secret[i], HASH_SIZE, &ikm, 1);
		snprintf(key, sizeof(key), "%s_secret_%zu", step, i + 1);
		assert_value(s, key, d->secret[i], HASH_SIZE);
		use_secret(d, i);
	}
}

static void
check_first_keys(const struct direction *d, const struct vector_section *s)
{
	for (size_t i = 0; i < 2; i++) {
		struct bulk_keys keys;
		derive_keys(d->impl, d->secret[i], &keys);
		assert_value(s, i == 0 ? "secret_1" : "secret_2", d->secret[i], HASH_SIZE);
		assert_value(s, i == 0 ? "key_1" : "key_2", keys.key, d->impl->algorithm->key_size);
		assert_value(s, i == 0 ? "iv_1" : "iv_2", keys.iv, d->impl->algorithm->iv_size);
		if (d->impl->algorithm->mac_size > 0)
			assert_value(s, i == 0 ? "mac_1" : "mac_2", keys.mac, BULK_MAC_SIZE);
	}
}

static void
run_section(const struct bulk_impl *impl, const struct vector_section *s)
{
	struct direction seal, open;
	char step[32];
	size_t n = 1;

	direction_init(&seal, impl, s);
	direction_init(&open, impl, s);
	check_first_keys(&seal, s);
	for (;; n++) {
		snprintf(step, sizeof(step), "step_%zu", n);
		const char *what = vector_text(s, step);
		if (!what)
			break;
		if (strncmp(what, "record ", 7) == 0) {
			record_step(&seal, &open, s, step);
		} else {
			secret_step(&seal, s, step);
			secret_step(&open, s, step);
		}
	}
	assert_true(n > 10);
	direction_fini(&seal);
	direction_fini(&open);
}

static void
test_records(void **state)
{
	struct vectors *v = vectors_open("records.ini");
	const struct vector_section *s;
	size_t runs = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		for (size_t k = 0; bulk_impls[k]; k++) {
			if (strcmp(bulk_impls[k]->algorithm->name, vector_name(s)) != 0)
				continue;
			run_section(bulk_impls[k], s);
			runs++;
		}
	}
	size_t impls = 0;
	while (bulk_impls[impls])
		impls++;
	assert_int_equal(runs, impls);
	vectors_close(v);
}

/* Channel 3 is for the record layer to refuse; here channel 1's key does. */
static void
try_record(const struct bulk_impl *impl, const struct vector_section *s)
{
	struct direction d;
	uint8_t aad[BULK_AAD_SIZE];
	size_t size;
	const uint8_t *record = vector_bytes(s, "record", &size);
	bool opens = strcmp(vector_text(s, "opens"), "yes") == 0;

	direction_init(&d, impl, s);
	size_t n = (size_t)record[2] << 8 | record[3];
	assert_true(HEADER + n + BULK_TAG_SIZE <= size);
	uint8_t *data = malloc(n);
	assert_non_null(data);
	memcpy(data, record + HEADER, n);
	make_aad(aad, record, vector_number(s, "seq"));
	int result = impl->open(d.context[record[0] == 2], aad, n, data, record + HEADER + n);
	if ((result == 0) != opens)
		fail_msg("[%s] %s: %d", vector_name(s), impl->name, result);
	free(data);
	direction_fini(&d);
}

static void
test_negative_records(void **state)
{
	struct vectors *v = vectors_open("negative.ini");
	const struct vector_section *s;
	size_t sections = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		const char *rest = strstr(vector_name(s), " record: ");
		if (!rest)
			continue;
		size_t length = (size_t)(rest - vector_name(s));
		sections++;
		for (size_t k = 0; bulk_impls[k]; k++) {
			const char *name = bulk_impls[k]->algorithm->name;
			if (strlen(name) == length && strncmp(name, vector_name(s), length) == 0)
				try_record(bulk_impls[k], s);
		}
	}
	assert_int_equal(sections, 6 * 8);
	vectors_close(v);
}

/* A record of zeros under a counter of one's choice shows the keystream. */
static void
cast_keystream(const struct bulk_impl *impl, const struct vector_section *s, const uint8_t *counter,
	uint8_t *data, size_t n)
{
	struct bulk_keys keys = {{0}, {0}, {0}};
	uint8_t aad[BULK_AAD_SIZE] = {0}, tag[BULK_TAG_SIZE];
	void *context = malloc(impl->context_size);
	size_t size;

	assert_non_null(context);
	memcpy(keys.key, vector_bytes(s, "key", &size), 16);
	memcpy(keys.iv, counter, 8);
	assert_int_equal(impl->init(context), 0);
	assert_int_equal(impl->set_keys(context, &keys), 0);
	memset(data, 0, n);
	impl->seal_begin(context, aad);
	assert_int_equal(impl->seal_final(context, n, data, data, tag), 0);
	impl->fini(context);
	free(context);
}

static void
test_cast128(void **state)
{
	struct vectors *v = vectors_open("cast128.ini");
	const struct vector_section *block = vectors_section(v, 0), *ctr = vectors_section(v, 1);
	size_t size;
	uint8_t data[67];
	(void)state;
	assert_string_equal(vector_name(block), "RFC 2144 128-bit");
	assert_string_equal(vector_name(ctr), "CTR wraps");
	for (size_t k = 0; bulk_impls[k]; k++) {
		if (strcmp(bulk_impls[k]->algorithm->name, "CAST-128") != 0)
			continue;
		cast_keystream(bulk_impls[k], block, vector_bytes(block, "plain", &size), data, 8);
		assert_value(block, "cipher", data, 8);
		cast_keystream(bulk_impls[k], ctr, vector_bytes(ctr, "counter", &size), data, 67);
		assert_value(ctr, "keystream_of_67_bytes", data, 67);
	}
	vectors_close(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_negative_records),
		cmocka_unit_test(test_cast128),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
