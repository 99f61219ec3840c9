/* Knows which bulk algorithms and implementations there are, and which one to take; computes
   nothing itself. */
#include "crypto/bulk.h"

#include <string.h>

#include "base/util.h"
#include "crypto/bulk_impls.h"

#define AEAD_LIMITS                                                                                \
	.max_records = UINT64_C(1) << 20, .max_bytes = UINT64_C(1) << 34, .max_blocks = UINT64_MAX

const struct bulk_algorithm bulk_aes_256 = {
	.name = "AES 256", .key_size = 32, .iv_size = 12, .block_size = 16, AEAD_LIMITS,
	.by_default = true,
};
const struct bulk_algorithm bulk_aes_128 = {
	.name = "AES 128", .key_size = 16, .iv_size = 12, .block_size = 16, AEAD_LIMITS,
	.by_default = true,
};
const struct bulk_algorithm bulk_chacha20_poly1305 = {
	.name = "ChaCha20-Poly1305", .key_size = 32, .iv_size = 12, .block_size = 64, AEAD_LIMITS,
	.by_default = true,
};
/* 64-bit blocks: the birthday bound says when a key is used up, protocol.md 6. */
const struct bulk_algorithm bulk_cast_128 = {
	.name = "CAST-128", .key_size = 16, .iv_size = 8, .mac_size = BULK_MAC_SIZE,
	.block_size = 8, .max_records = UINT64_MAX, .max_bytes = UINT64_MAX,
	.max_blocks = UINT64_C(1) << 20,
	.by_default = true,
};
const struct bulk_algorithm bulk_aes_256_ocb = {
	.name = "AES 256 OCB", .key_size = 32, .iv_size = 12, .block_size = 16, AEAD_LIMITS,
};
const struct bulk_algorithm bulk_aes_128_ocb = {
	.name = "AES 128 OCB", .key_size = 16, .iv_size = 12, .block_size = 16, AEAD_LIMITS,
};

const struct bulk_algorithm *const bulk_algorithms[] = {
	&bulk_aes_256,
	&bulk_aes_128,
	&bulk_chacha20_poly1305,
	&bulk_cast_128,
	&bulk_aes_256_ocb,
	&bulk_aes_128_ocb,
	NULL,
};

const struct bulk_impl *const bulk_impls[] = {
#ifdef SC_HAVE_GCRYPT
	&bulk_gcrypt_aes_256,
	&bulk_gcrypt_aes_128,
	&bulk_gcrypt_chacha20_poly1305,
	&bulk_gcrypt_cast_128,
	&bulk_gcrypt_aes_256_ocb,
	&bulk_gcrypt_aes_128_ocb,
#endif
	&bulk_nettle_aes_256,
	&bulk_nettle_aes_128,
	&bulk_nettle_chacha20_poly1305,
	&bulk_nettle_cast_128,
	NULL,
};

const struct bulk_algorithm *
bulk_algorithm_find(const char *name)
{
	for (size_t i = 0; bulk_algorithms[i]; i++)
		if (strcmp(bulk_algorithms[i]->name, name) == 0)
			return bulk_algorithms[i];
	return NULL;
}

const struct bulk_impl *
bulk_choose_from(const struct bulk_impl *const *impls, const struct bulk_algorithm *algorithm,
	const char *const *order, size_t n_order, void (*failed)(const struct bulk_impl *impl))
{
	for (size_t i = 0; i < n_order; i++) {
		for (size_t k = 0; impls[k]; k++) {
			const struct bulk_impl *impl = impls[k];
			if (impl->algorithm != algorithm || strcmp(impl->name, order[i]) != 0)
				continue;
			if (bulk_self_test(impl) == 0)
				return impl;
			if (failed)
				failed(impl);
		}
	}
	return NULL;
}

const struct bulk_impl *
bulk_choose(const struct bulk_algorithm *algorithm, const char *const order[], size_t n_order,
	void (*failed)(const struct bulk_impl *impl))
{
	return bulk_choose_from(bulk_impls, algorithm, order, n_order, failed);
}

bool
bulk_impl_name_known(const char *name)
{
	for (size_t i = 0; bulk_impls[i]; i++)
		if (strcmp(bulk_impls[i]->name, name) == 0)
			return true;
	return false;
}
