/* Knows which public-key algorithms there are; computes nothing itself. */
#include "crypto/asym.h"

#include <string.h>

#include "crypto/asym_impls.h"

const struct asym_impl *const asym_impls[] = {
	&elgamal_3072.impl,
	&asym_x25519,
	&elgamal_4096.impl,
	&elgamal_2048.impl,
	&elgamal_6144.impl,
	&elgamal_8192.impl,
	&elgamal_1024.impl,
	NULL,
};

const struct asym_impl *
asym_find(const char *algorithm_name)
{
	for (size_t i = 0; asym_impls[i]; i++)
		if (strcmp(asym_impls[i]->algorithm->name, algorithm_name) == 0)
			return asym_impls[i];
	return NULL;
}

size_t
asym_ciphertext_size(const struct asym_algorithm *algorithm, size_t m_size)
{
	return algorithm->ciphertext_fixed + m_size * algorithm->ciphertext_per_byte;
}

int
asym_encrypt(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *public_key, const struct span label[2], struct span m, uint8_t *ciphertext)
{
	uint8_t prepared[ASYM_PREPARED_MAX];
	int result = -1;

	if (m.size <= impl->algorithm->message_max)
		result = impl->prepare(impl, random, public_key, prepared);
	if (result == 0)
		result = impl->encrypt_prepared(impl, random, prepared, label, m, ciphertext);
	else
		wipe(prepared, sizeof(prepared));
	return result;
}
