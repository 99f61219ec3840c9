/* Knows ChaCha20-Poly1305 by Nettle (protocol.md 7, RFC 8439). */
#include "crypto/bulk_impls.h"

#include <string.h>

#include <nettle/chacha-poly1305.h>

#include "base/util.h"
#include "crypto/hash.h"

struct chacha_context {
	struct chacha_poly1305_ctx chacha;
	uint8_t iv[CHACHA_POLY1305_NONCE_SIZE];
};

static int
init(void *context)
{
	(void)context; /* nothing to take: set_keys fills it whole */
	return 0;
}

static void
fini(void *context)
{
	wipe(context, sizeof(struct chacha_context));
}

static int
set_keys(void *context, const struct bulk_keys *keys)
{
	struct chacha_context *c = context;
	chacha_poly1305_set_key(&c->chacha, keys->key);
	memcpy(c->iv, keys->iv, sizeof(c->iv));
	return 0;
}

static void
begin(void *context, const uint8_t aad[BULK_AAD_SIZE])
{
	struct chacha_context *c = context;
	uint8_t nonce[BULK_NONCE_SIZE];

	bulk_nonce(nonce, c->iv, aad);
	chacha_poly1305_set_nonce(&c->chacha, nonce);
	chacha_poly1305_update(&c->chacha, BULK_AAD_SIZE, aad);
}

static void
seal_update(void *context, size_t n, uint8_t *dst, const uint8_t *src)
{
	struct chacha_context *c = context;
	chacha_poly1305_encrypt(&c->chacha, n, dst, src);
}

static int
seal_final(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t tag[BULK_TAG_SIZE])
{
	struct chacha_context *c = context;
	chacha_poly1305_encrypt(&c->chacha, n, dst, src);
	chacha_poly1305_digest(&c->chacha, BULK_TAG_SIZE, tag);
	return 0;
}

static int
open_record(void *context, const uint8_t aad[BULK_AAD_SIZE], size_t n, uint8_t *data,
	const uint8_t tag[BULK_TAG_SIZE])
{
	struct chacha_context *c = context;
	uint8_t right[BULK_TAG_SIZE];

	begin(c, aad);
	chacha_poly1305_decrypt(&c->chacha, n, data, data);
	chacha_poly1305_digest(&c->chacha, BULK_TAG_SIZE, right);
	return equal_constant_time(right, tag, BULK_TAG_SIZE) ? 0 : -1;
}

const struct bulk_impl bulk_nettle_chacha20_poly1305 = {
	.algorithm = &bulk_chacha20_poly1305,
	.name = "nettle",
	.context_size = sizeof(struct chacha_context),
	.granularity = CHACHA_POLY1305_BLOCK_SIZE,
	.init = init,
	.fini = fini,
	.set_keys = set_keys,
	.seal_begin = begin,
	.seal_update = seal_update,
	.seal_final = seal_final,
	.open = open_record,
};
