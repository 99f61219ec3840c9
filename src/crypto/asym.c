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
