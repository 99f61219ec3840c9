/* Knows CAST-128 in CTR mode with HMAC-SHA-256 by libgcrypt (protocol.md 7, RFC 2144). */
#include "crypto/bulk_impls.h"

#include <string.h>

#include "base/util.h"
#include "base/wire.h"
#include "crypto/bulk_gcrypt.h"
#include "crypto/hash.h"

#define BLOCK_SIZE 8

struct cast128_context {
	gcry_cipher_hd_t cipher;
	gcry_md_hd_t hmac;
	uint64_t counter; /* the next record's first block */
	uint64_t blocks;  /* of the present record so far */
	bool failed;      /* since begin: a record of which any part failed is not to be used */
};

static void
fini(void *context)
{
	struct cast128_context *c = context;

	gcry_cipher_close(c->cipher); /* both take NULL and wipe what they free */
	gcry_md_close(c->hmac);
	wipe(c, sizeof(*c));
}

static int
init(void *context)
{
	struct cast128_context *c = context;

	c->cipher = NULL;
	c->hmac = NULL;
	if (gcrypt_setup() == 0 &&
		gcry_cipher_open(&c->cipher, GCRY_CIPHER_CAST5, GCRY_CIPHER_MODE_CTR, 0) == 0 &&
		gcry_md_open(&c->hmac, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) == 0)
		return 0;
	fini(c);
	return -1;
}

static int
set_keys(void *context, const struct bulk_keys *keys)
{
	struct cast128_context *c = context;

	c->counter = get_u64(keys->iv);
	if (gcry_cipher_setkey(c->cipher, keys->key, bulk_cast_128.key_size) != 0 ||
		gcry_md_setkey(c->hmac, keys->mac, BULK_MAC_SIZE) != 0)
		return -1;
	return 0;
}

/* Sets the counter anew for each record: that drops the rest of the last one's last block. */
static void
begin(void *context, const uint8_t aad[BULK_AAD_SIZE])
{
	struct cast128_context *c = context;
	uint8_t block[BLOCK_SIZE];

	put_u64(block, c->counter);
	c->failed = gcry_cipher_setctr(c->cipher, block, sizeof(block)) != 0;
	c->blocks = 0;
	gcry_md_reset(c->hmac); /* back to the keyed state */
	gcry_md_write(c->hmac, aad, BULK_AAD_SIZE);
}

static void
seal_update(void *context, size_t n, uint8_t *dst, const uint8_t *src)
{
	struct cast128_context *c = context;

	if (gcry_cipher_encrypt(c->cipher, dst, n, gcrypt_source(dst, src), n) != 0)
		c->failed = true;
	gcry_md_write(c->hmac, dst, n);
	c->blocks += (n + BLOCK_SIZE - 1) / BLOCK_SIZE;
}

static int
seal_final(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t tag[BULK_TAG_SIZE])
{
	struct cast128_context *c = context;

	seal_update(c, n, dst, src);
	const uint8_t *mac = gcry_md_read(c->hmac, GCRY_MD_SHA256);
	if (!mac || c->failed)
		return -1;
	memcpy(tag, mac, BULK_TAG_SIZE);
	c->counter += c->blocks;
	return 0;
}

static int
open_record(void *context, const uint8_t aad[BULK_AAD_SIZE], size_t n, uint8_t *data,
	const uint8_t tag[BULK_TAG_SIZE])
{
	struct cast128_context *c = context;

	begin(c, aad);
	gcry_md_write(c->hmac, data, n);
	const uint8_t *mac = gcry_md_read(c->hmac, GCRY_MD_SHA256);
	if (!mac || c->failed || !equal_constant_time(mac, tag, BULK_TAG_SIZE))
		return -1;
	if (gcry_cipher_decrypt(c->cipher, data, n, NULL, 0) != 0)
		return -1;
	c->counter += (n + BLOCK_SIZE - 1) / BLOCK_SIZE;
	return 0;
}

const struct bulk_impl bulk_gcrypt_cast_128 = {
	.algorithm = &bulk_cast_128,
	.name = "gcrypt",
	.context_size = sizeof(struct cast128_context),
	.granularity = BLOCK_SIZE,
	.init = init,
	.fini = fini,
	.set_keys = set_keys,
	.seal_begin = begin,
	.seal_update = seal_update,
	.seal_final = seal_final,
	.open = open_record,
};
