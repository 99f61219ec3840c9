/* Knows CAST-128 in CTR mode with HMAC-SHA-256 by Nettle (protocol.md 7, RFC 2144). */
#include "crypto/bulk_impls.h"

#include <string.h>

#include <nettle/cast128.h>
#include <nettle/ctr.h>
#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>

#include "base/util.h"
#include "crypto/hash.h"

struct cast128_context {
	struct cast128_ctx cast128;
	struct hmac_sha256_ctx hmac; /* keyed; goes back to that state with each digest */
	uint8_t counter[CAST128_BLOCK_SIZE];
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
	wipe(context, sizeof(struct cast128_context));
}

static int
set_keys(void *context, const struct bulk_keys *keys)
{
	struct cast128_context *c = context;
	cast128_set_key(&c->cast128, keys->key);
	hmac_sha256_set_key(&c->hmac, BULK_MAC_SIZE, keys->mac);
	memcpy(c->counter, keys->iv, sizeof(c->counter));
	return 0;
}

/* ctr_crypt uses up a whole counter block for a last partial one: what a record's end asks for. */
static void
crypt_ctr(struct cast128_context *c, size_t n, uint8_t *dst, const uint8_t *src)
{
	if (n > 0)
		ctr_crypt(&c->cast128, nettle_cast128.encrypt, sizeof(c->counter), c->counter, n,
			dst, src);
}

static void
seal_begin(void *context, const uint8_t aad[BULK_AAD_SIZE])
{
	struct cast128_context *c = context;
	hmac_sha256_update(&c->hmac, BULK_AAD_SIZE, aad);
}

static void
seal_update(void *context, size_t n, uint8_t *dst, const uint8_t *src)
{
	struct cast128_context *c = context;
	crypt_ctr(c, n, dst, src);
	hmac_sha256_update(&c->hmac, n, dst);
}

static int
seal_final(void *context, size_t n, uint8_t *dst, const uint8_t *src, uint8_t tag[BULK_TAG_SIZE])
{
	struct cast128_context *c = context;
	seal_update(c, n, dst, src);
	hmac_sha256_digest(&c->hmac, BULK_TAG_SIZE, tag);
	return 0;
}

static int
open_record(void *context, const uint8_t aad[BULK_AAD_SIZE], size_t n, uint8_t *data,
	const uint8_t tag[BULK_TAG_SIZE])
{
	struct cast128_context *c = context;
	uint8_t right[BULK_TAG_SIZE];

	hmac_sha256_update(&c->hmac, BULK_AAD_SIZE, aad);
	hmac_sha256_update(&c->hmac, n, data);
	hmac_sha256_digest(&c->hmac, BULK_TAG_SIZE, right);
	if (!equal_constant_time(right, tag, BULK_TAG_SIZE))
		return -1;
	crypt_ctr(c, n, data, data);
	return 0;
}

const struct bulk_impl bulk_nettle_cast_128 = {
	.algorithm = &bulk_cast_128,
	.name = "nettle",
	.context_size = sizeof(struct cast128_context),
	.granularity = CAST128_BLOCK_SIZE,
	.init = init,
	.fini = fini,
	.set_keys = set_keys,
	.seal_begin = seal_begin,
	.seal_update = seal_update,
	.seal_final = seal_final,
	.open = open_record,
};
