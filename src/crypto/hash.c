/* Knows Nettle's SHA-256 and HMAC and builds HKDF on them; knows no label and no key of the
   protocol. */
#include "crypto/hash.h"

#include <assert.h>
#include <string.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

void
hash_init(struct hash *h)
{
	sha256_init(&h->sha256);
}

void
hash_update(struct hash *h, const void *data, size_t n)
{
	if (n > 0)
		sha256_update(&h->sha256, n, data);
}

void
hash_peek(const struct hash *h, uint8_t digest[HASH_SIZE])
{
	struct hash copy = *h;

	sha256_digest(&copy.sha256, HASH_SIZE, digest);
	wipe(&copy, sizeof(copy));
}

void
hash_parts(uint8_t digest[HASH_SIZE], const struct span *parts, size_t n_parts)
{
	struct hash h;

	hash_init(&h);
	for (size_t i = 0; i < n_parts; i++)
		hash_update(&h, parts[i].data, parts[i].size);
	sha256_digest(&h.sha256, HASH_SIZE, digest);
	wipe(&h, sizeof(h));
}

static void
hmac_update_parts(struct hmac_sha256_ctx *hmac, const struct span *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].size > 0)
			hmac_sha256_update(hmac, parts[i].size, parts[i].data);
}

void
hmac_parts(uint8_t mac[HASH_SIZE], struct span key, const struct span *parts, size_t n_parts)
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, key.size, key.data);
	hmac_update_parts(&hmac, parts, n_parts);
	hmac_sha256_digest(&hmac, HASH_SIZE, mac);
	wipe(&hmac, sizeof(hmac));
}

void
hkdf_extract(uint8_t prk[HASH_SIZE], const void *salt, size_t salt_size, const struct span *ikm,
	size_t n_parts)
{
	/* The key is taken in before prk, which may be the same memory, is written. */
	hmac_parts(prk, (struct span){salt, salt_size}, ikm, n_parts);
}

void
hkdf_expand_parts(uint8_t *out, size_t size, const uint8_t prk[HASH_SIZE], const struct span *info,
	size_t n_parts)
{
	struct hmac_sha256_ctx hmac;
	uint8_t block[HASH_SIZE];
	uint8_t counter = 0;

	assert(size <= 255 * HASH_SIZE);
	hmac_sha256_set_key(&hmac, HASH_SIZE, prk);
	for (size_t done = 0; done < size; done += HASH_SIZE) {
		if (counter++ > 0)
			hmac_sha256_update(&hmac, HASH_SIZE, block);
		hmac_update_parts(&hmac, info, n_parts);
		hmac_sha256_update(&hmac, 1, &counter);
		hmac_sha256_digest(&hmac, HASH_SIZE, block);
		memcpy(out + done, block, min_size(HASH_SIZE, size - done));
	}
	wipe(&hmac, sizeof(hmac));
	wipe(block, sizeof(block));
}

void
hkdf_expand(uint8_t *out, size_t size, const uint8_t prk[HASH_SIZE], const void *info,
	size_t info_size)
{
	const struct span whole = {info, info_size};

	hkdf_expand_parts(out, size, prk, &whole, 1);
}

bool
equal_constant_time(const void *a, const void *b, size_t n)
{
	return memeql_sec(a, b, n) != 0;
}
