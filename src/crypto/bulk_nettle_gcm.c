/* Knows AES 128 and AES 256 in GCM by Nettle (protocol.md 7, NIST SP 800-38D). */
#include "crypto/bulk_impls.h"

#include <string.h>

#include <nettle/gcm.h>
#include <nettle/nettle-meta.h>

#include "base/util.h"
#include "crypto/hash.h"

struct gcm_context {
	const struct nettle_cipher *aes;
	union {
		struct aes128_ctx aes_128;
		struct aes256_ctx aes_256;
	} cipher;
	struct gcm_key key;
	struct gcm_ctx gcm;
	uint8_t iv[GCM_IV_SIZE];
};

static int
init_128(void *context)
{
	struct gcm_context *c = context;
	c->aes = &nettle_aes128;
	return 0;
}

static int
init_256(void *context)
{
	struct gcm_context *c = context;
	c->aes = &nettle_aes256;
	return 0;
}

static void
fini(void *context)
{
	wipe(context, sizeof(struct gcm_context));
}

static int
set_keys(void *context, const struct bulk_keys *keys)
{
	struct gcm_context *c = context;
	c->aes->set_encrypt_key(&c->cipher, keys->key);
	gcm_set_key(&c->key, &c->cipher, c->aes->encrypt);
	memcpy(c->iv, keys->iv, sizeof(c->iv));
	return 0;
}

static void
begin(void *context, const uint8_t aad[BULK_AAD_SIZE])
{
	struct gcm_context *c = context;
	uint8_t nonce[BULK_NONCE_SIZE];

	bulk_nonce(nonce, c->iv, aad);
	gcm_set_iv(&c->gcm, &c->key, sizeof(nonce), nonce);
	gcm_update(&c->gcm, &c->key, BULK_AAD_SIZE, aad);
}

static void
seal_update(void *context, size_t n, uint8_t *dst, const uint8_t *src)
{
	struct gcm_context *c = context;
	gcm_encrypt(&c->gcm, &c->key, &c->cipher, c->aes->encrypt, n, dst, src);
}

static int
seal_final(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t tag[BULK_TAG_SIZE])
{
	struct gcm_context *c = context;
	gcm_encrypt(&c->gcm, &c->key, &c->cipher, c->aes->encrypt, n, dst, src);
	gcm_digest(&c->gcm, &c->key, &c->cipher, c->aes->encrypt, BULK_TAG_SIZE, tag);
	return 0;
}

static int
open_record(void *context, const uint8_t aad[BULK_AAD_SIZE], size_t n, uint8_t *data,
	const uint8_t tag[BULK_TAG_SIZE])
{
	struct gcm_context *c = context;
	uint8_t right[BULK_TAG_SIZE];

	begin(c, aad);
	gcm_decrypt(&c->gcm, &c->key, &c->cipher, c->aes->encrypt, n, data, data);
	gcm_digest(&c->gcm, &c->key, &c->cipher, c->aes->encrypt, BULK_TAG_SIZE, right);
	return equal_constant_time(right, tag, BULK_TAG_SIZE) ? 0 : -1;
}

#define NETTLE_GCM                                                                                 \
	.name = "nettle", .context_size = sizeof(struct gcm_context),                              \
	.granularity = GCM_BLOCK_SIZE, .fini = fini, .set_keys = set_keys, .seal_begin = begin,    \
	.seal_update = seal_update, .seal_final = seal_final, .open = open_record

const struct bulk_impl bulk_nettle_aes_256 = {
	.algorithm = &bulk_aes_256, .init = init_256, NETTLE_GCM};
const struct bulk_impl bulk_nettle_aes_128 = {
	.algorithm = &bulk_aes_128, .init = init_128, NETTLE_GCM};
