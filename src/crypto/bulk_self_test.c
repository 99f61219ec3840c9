/* Knows what each bulk algorithm makes of two fixed records, and holds implementations to it. */
#include "crypto/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/wire.h"
#include "crypto/bulk_impls.h"
#include "crypto/hash.h"

#define RECORDS   2
#define TEXT_SIZE 1021 /* enough for the widest code of a library, and no whole number of blocks */
#define PIECE     128

/* The first record is TEXT_SIZE bytes long, the second one starts where a counter that runs on must
   be right. */
static const size_t sizes[RECORDS] = {TEXT_SIZE, 37};

struct expected {
	const struct bulk_algorithm *algorithm;
	uint8_t digest[HASH_SIZE]; /* SHA-256 of both records, the tag after each ciphertext */
};

static const struct expected expected[] = {
	{&bulk_aes_256,
		{0x80, 0x81, 0xee, 0x84, 0x10, 0xe7, 0xb8, 0x51, 0x97, 0x59, 0xd7,
			0x29, 0x92, 0x43, 0x03, 0x89, 0x7d, 0x7a, 0x1b, 0x33, 0xf0, 0x94,
			0x85, 0x6e, 0x15, 0xe8, 0x1a, 0x68, 0xca, 0x33, 0x03, 0x2b}},
	{&bulk_aes_128,
		{0x46, 0x77, 0x4f, 0x48, 0x50, 0xb5, 0xce, 0xbb, 0x90, 0x40, 0x9e,
			0xac, 0x55, 0x59, 0xec, 0x20, 0xf1, 0xf4, 0xc2, 0x91, 0x92, 0xdb,
			0xc0, 0x22, 0x4e, 0xc9, 0x53, 0x75, 0x4a, 0xec, 0xaf, 0xfb}},
	{&bulk_chacha20_poly1305,
		{0xef, 0xa3, 0xa3, 0xda, 0xc0, 0xea, 0x38, 0xe6, 0xef, 0x09, 0x8f,
			0xe6, 0x6b, 0x0a, 0x5e, 0xde, 0x9b, 0x11, 0x55, 0x2e, 0x27, 0x16,
			0x34, 0x1f, 0xae, 0x31, 0x51, 0x49, 0x36, 0xa9, 0xd3, 0x7e}},
	{&bulk_cast_128,
		{0xa7, 0x79, 0x23, 0xe2, 0x1b, 0x40, 0x8d, 0xa2, 0x9e, 0xa1, 0x06,
			0x2a, 0xdb, 0x28, 0x50, 0x0e, 0xcb, 0x4c, 0x2f, 0xc3, 0x2f, 0x93,
			0x4b, 0x06, 0x4a, 0xbe, 0xc7, 0x15, 0x05, 0x7a, 0x13, 0x77}},
	{&bulk_aes_256_ocb,
		{0xe0, 0x78, 0xfb, 0x4a, 0x00, 0xb3, 0x21, 0xc5, 0x2c, 0x52, 0x54,
			0xb1, 0xc7, 0xfc, 0xd4, 0xde, 0xab, 0x4e, 0x99, 0x3a, 0x34, 0x4d,
			0x5e, 0xae, 0xa5, 0x24, 0xf2, 0x40, 0x8d, 0x78, 0x04, 0x26}},
	{&bulk_aes_128_ocb,
		{0x1d, 0x90, 0x1e, 0x0f, 0x1a, 0x74, 0xbc, 0x04, 0x68, 0x51, 0x32,
			0x25, 0xe2, 0x2d, 0x1b, 0x27, 0x56, 0xb5, 0x64, 0xe8, 0xad, 0x1c,
			0x87, 0xba, 0x97, 0x9c, 0x70, 0xc3, 0xe5, 0xb0, 0xf7, 0x06}},
};

struct record {
	uint8_t aad[BULK_AAD_SIZE];
	uint8_t plain[TEXT_SIZE];
	uint8_t data[TEXT_SIZE];
	uint8_t tag[BULK_TAG_SIZE];
};

/* iv = ff..ff: CAST-128's counter wraps within the first record. */
static struct bulk_keys
fixed_keys(void)
{
	struct bulk_keys keys;

	for (size_t i = 0; i < sizeof(keys.key); i++)
		keys.key[i] = (uint8_t)(3 * i + 1);
	memset(keys.iv, 0xff, sizeof(keys.iv));
	for (size_t i = 0; i < sizeof(keys.mac); i++)
		keys.mac[i] = (uint8_t)(5 * i + 2);
	return keys;
}

static void
fixed_record(struct record *r, size_t seq)
{
	r->aad[0] = 1;
	r->aad[1] = 0;
	put_u16(r->aad + 2, (uint16_t)sizes[seq]);
	put_u64(r->aad + 4, seq);
	for (size_t i = 0; i < sizes[seq]; i++)
		r->plain[i] = (uint8_t)(7 * i + seq);
}

/* Seals both records in pieces, the second one in place. 0, or -1 if they are not as expected. */
static int
seal_both(const struct bulk_impl *impl, void *context, struct record *records,
	const uint8_t *digest)
{
	struct hash hash;
	uint8_t got[HASH_SIZE];

	hash_init(&hash);
	for (size_t i = 0; i < RECORDS; i++) {
		struct record *r = &records[i];
		const uint8_t *src = i == 0 ? r->plain : r->data;
		size_t done = 0, n = sizes[i];
		fixed_record(r, i);
		memcpy(r->data, r->plain, n);
		impl->seal_begin(context, r->aad);
		for (; i == 0 && done + PIECE < n; done += PIECE)
			impl->seal_update(context, PIECE, r->data + done, src + done);
		if (impl->seal_final(context, n - done, r->data + done, src + done, r->tag) != 0)
			return -1;
		hash_update(&hash, r->data, n);
		hash_update(&hash, r->tag, BULK_TAG_SIZE);
	}
	hash_peek(&hash, got);
	return memcmp(got, digest, HASH_SIZE) == 0 ? 0 : -1;
}

/* 0 if both records open, and the second does not with a bit of its tag, aad or text changed. */
static int
open_both(const struct bulk_impl *impl, void *context, struct record *records)
{
	struct record *last = &records[1];
	uint8_t *const places[] = {last->tag, last->aad + 4, last->data};

	if (impl->open(context, records[0].aad, sizes[0], records[0].data, records[0].tag) != 0 ||
		memcmp(records[0].data, records[0].plain, sizes[0]) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint8_t sealed[TEXT_SIZE];
		memcpy(sealed, last->data, sizes[1]);
		*places[i] ^= 1;
		if (impl->open(context, last->aad, sizes[1], last->data, last->tag) == 0)
			return -1;
		memcpy(last->data, sealed, sizes[1]); /* what a failed open left there is nothing */
		if (places[i] != last->data)
			*places[i] ^= 1;
	}
	if (impl->open(context, last->aad, sizes[1], last->data, last->tag) != 0)
		return -1;
	return memcmp(last->data, last->plain, sizes[1]) == 0 ? 0 : -1;
}

static int
run(const struct bulk_impl *impl, const uint8_t *digest)
{
	const struct bulk_keys keys = fixed_keys();
	struct record *records = calloc(RECORDS, sizeof(*records));
	void *context = calloc(1, impl->context_size);
	int result = -1;

	if (!records || !context || impl->init(context) != 0)
		goto out;
	if (impl->set_keys(context, &keys) == 0 &&
		seal_both(impl, context, records, digest) == 0 &&
		impl->set_keys(context, &keys) == 0 && open_both(impl, context, records) == 0)
		result = 0;
	impl->fini(context);
out:
	free(context);
	free(records);
	return result;
}

int
bulk_self_test(const struct bulk_impl *impl)
{
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (expected[i].algorithm == impl->algorithm)
			return run(impl, expected[i].digest);
	return -1;
}
