/* Knows AES in GCM and OCB (RFC 7253) and ChaCha20-Poly1305 (RFC 8439) by libgcrypt (protocol.md
   7). */
#include "crypto/bulk_impls.h"

#include <string.h>

#include "base/util.h"
#include "crypto/bulk_gcrypt.h"

struct aead_context {
	gcry_cipher_hd_t handle;
	bool failed; /* since begin: a record of which any part failed is not to be used */
	uint8_t iv[BULK_NONCE_SIZE];
};

static int
init(void *context, int cipher, int mode)
{
	struct aead_context *c = context;

	c->handle = NULL;
	if (gcrypt_setup() != 0 || gcry_cipher_open(&c->handle, cipher, mode, 0) != 0)
		return -1;
	return 0;
}

static int
init_aes_256(void *context)
{
	return init(context, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM);
}

static int
init_aes_128(void *context)
{
	return init(context, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM);
}

static int
init_aes_256_ocb(void *context)
{
	return init(context, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_OCB);
}

static int
init_aes_128_ocb(void *context)
{
	return init(context, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_OCB);
}

static int
init_chacha20_poly1305(void *context)
{
	return init(context, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305);
}

static void
fini(void *context)
{
	struct aead_context *c = context;

	gcry_cipher_close(c->handle); /* takes NULL, wipes what it frees */
	wipe(c, sizeof(*c));
}

static int
set_keys(void *context, const struct bulk_keys *keys, size_t key_size)
{
	struct aead_context *c = context;

	memcpy(c->iv, keys->iv, sizeof(c->iv));
	return gcry_cipher_setkey(c->handle, keys->key, key_size) == 0 ? 0 : -1;
}

static int
set_keys_256(void *context, const struct bulk_keys *keys)
{
	return set_keys(context, keys, 32);
}

static int
set_keys_128(void *context, const struct bulk_keys *keys)
{
	return set_keys(context, keys, 16);
}

static void
begin(void *context, const uint8_t aad[BULK_AAD_SIZE])
{
	struct aead_context *c = context;
	uint8_t nonce[BULK_NONCE_SIZE];

	bulk_nonce(nonce, c->iv, aad);
	c->failed = gcry_cipher_setiv(c->handle, nonce, sizeof(nonce)) != 0 ||
		gcry_cipher_authenticate(c->handle, aad, BULK_AAD_SIZE) != 0;
}

static void
seal_update(void *context, size_t n, uint8_t *dst, const uint8_t *src)
{
	struct aead_context *c = context;

	if (gcry_cipher_encrypt(c->handle, dst, n, gcrypt_source(dst, src), n) != 0)
		c->failed = true;
}

static int
seal_final(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t tag[BULK_TAG_SIZE])
{
	struct aead_context *c = context;

	/* OCB must be told which part is the last, and given one even if it is empty. */
	if (c->failed || gcry_cipher_final(c->handle) != 0 ||
		gcry_cipher_encrypt(c->handle, dst, n, gcrypt_source(dst, src), n) != 0 ||
		gcry_cipher_gettag(c->handle, tag, BULK_TAG_SIZE) != 0)
		return -1;
	return 0;
}

static int
open_record(void *context, const uint8_t aad[BULK_AAD_SIZE], size_t n, uint8_t *data,
	const uint8_t tag[BULK_TAG_SIZE])
{
	struct aead_context *c = context;

	begin(c, aad);
	if (c->failed || gcry_cipher_final(c->handle) != 0 ||
		gcry_cipher_decrypt(c->handle, data, n, NULL, 0) != 0 ||
		gcry_cipher_checktag(c->handle, tag, BULK_TAG_SIZE) != 0)
		return -1;
	return 0;
}

#define GCRYPT_AEAD                                                                                \
	.name = "gcrypt", .context_size = sizeof(struct aead_context), .fini = fini,               \
	.seal_begin = begin, .seal_update = seal_update, .seal_final = seal_final,                 \
	.open = open_record

const struct bulk_impl bulk_gcrypt_aes_256 = {.algorithm = &bulk_aes_256, .granularity = 16,
	.init = init_aes_256, .set_keys = set_keys_256, GCRYPT_AEAD};
const struct bulk_impl bulk_gcrypt_aes_128 = {.algorithm = &bulk_aes_128, .granularity = 16,
	.init = init_aes_128, .set_keys = set_keys_128, GCRYPT_AEAD};
const struct bulk_impl bulk_gcrypt_aes_256_ocb = {.algorithm = &bulk_aes_256_ocb, .granularity = 16,
	.init = init_aes_256_ocb, .set_keys = set_keys_256, GCRYPT_AEAD};
const struct bulk_impl bulk_gcrypt_aes_128_ocb = {.algorithm = &bulk_aes_128_ocb, .granularity = 16,
	.init = init_aes_128_ocb, .set_keys = set_keys_128, GCRYPT_AEAD};
const struct bulk_impl bulk_gcrypt_chacha20_poly1305 = {.algorithm = &bulk_chacha20_poly1305,
	.granularity = 64, .init = init_chacha20_poly1305, .set_keys = set_keys_256, GCRYPT_AEAD};
