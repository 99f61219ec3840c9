/* Knows X25519 by Nettle: encryption to a public key (protocol.md 5.2) and plain agreement (RFC
   7748). */
#include "crypto/asym_impls.h"

#include <nettle/curve25519.h>

#include "crypto/hash.h"

#define TAG_SIZE 16

_Static_assert(X25519_SIZE == CURVE25519_SIZE, "as RFC 7748 has it");

void
x25519_generate(const struct random_source *random, uint8_t private_key[X25519_SIZE],
	uint8_t public_key[X25519_SIZE])
{
	random_fill(random, private_key, X25519_SIZE);
	curve25519_mul_g(public_key, private_key);
	wipe_stack(); /* Nettle works with a copy */
}

int
x25519_shared(uint8_t shared[X25519_SIZE], const uint8_t private_key[X25519_SIZE],
	const uint8_t public_key[X25519_SIZE])
{
	static const uint8_t zero[X25519_SIZE];

	curve25519_mul(shared, private_key, public_key);
	wipe_stack();
	if (!equal_constant_time(shared, zero, X25519_SIZE))
		return 0;
	wipe(shared, X25519_SIZE);
	return -1;
}

static int
generate(const struct asym_impl *impl, const struct random_source *random, uint8_t *private_key,
	uint8_t *public_key)
{
	(void)impl;
	x25519_generate(random, private_key, public_key);
	return 0;
}

static int
derive(const struct asym_impl *impl, const uint8_t *private_key, uint8_t *public_key)
{
	(void)impl;
	curve25519_mul_g(public_key, private_key);
	wipe_stack();
	return 0;
}

/* u < 2^255 - 19 = 7fff..ffed, the byte of least weight first. Public data: the time may tell. */
static bool
is_canonical(const uint8_t u[X25519_SIZE])
{
	if (u[31] != 0x7f)
		return u[31] < 0x7f;
	for (size_t i = 30; i > 0; i--)
		if (u[i] != 0xff)
			return true;
	return u[0] < 0xed;
}

static int
check_public(const struct asym_impl *impl, const uint8_t *public_key)
{
	static const uint8_t scalar[X25519_SIZE] = {9};
	uint8_t product[X25519_SIZE];

	(void)impl;
	return is_canonical(public_key) ? x25519_shared(product, scalar, public_key) : -1;
}

/* From z, what the ciphertext E || ct || tag is made with: okm[:m_size] is XORed to m, the rest is
   the tag's key. salt is E || Y. */
static void
expand(uint8_t *okm, size_t m_size, const uint8_t z[X25519_SIZE],
	const uint8_t salt[2 * X25519_SIZE], const struct span label[2])
{
	const struct span ikm = {z, X25519_SIZE};
	uint8_t prk[HASH_SIZE];

	hkdf_extract(prk, salt, 2 * X25519_SIZE, &ikm, 1);
	hkdf_expand_parts(okm, m_size + HASH_SIZE, prk, label, 2);
	wipe(prk, sizeof(prk));
}

static void
tag_of(uint8_t tag[HASH_SIZE], const uint8_t *okm, struct span text)
{
	hmac_parts(tag, (struct span){okm + text.size, HASH_SIZE}, &text, 1);
}

/* prepared = E || Y || z: the first two are the salt. */
#define SALT_SIZE (2 * X25519_SIZE)

static int
prepare(const struct asym_impl *impl, const struct random_source *random, const uint8_t *public_key,
	uint8_t *prepared)
{
	uint8_t ephemeral[X25519_SIZE];

	(void)impl;
	x25519_generate(random, ephemeral, prepared);
	memcpy(prepared + X25519_SIZE, public_key, X25519_SIZE);
	int result = x25519_shared(prepared + SALT_SIZE, ephemeral, public_key);
	wipe(ephemeral, sizeof(ephemeral));
	return result;
}

static int
encrypt_prepared(const struct asym_impl *impl, const struct random_source *random,
	uint8_t *prepared, const struct span label[2], struct span m, uint8_t *ciphertext)
{
	uint8_t okm[ASYM_MESSAGE_MAX + HASH_SIZE], tag[HASH_SIZE];
	uint8_t *text = ciphertext + X25519_SIZE;
	int result = -1;

	(void)random;
	if (m.size <= ASYM_MESSAGE_MAX) {
		expand(okm, m.size, prepared + SALT_SIZE, prepared, label);
		memcpy(ciphertext, prepared, X25519_SIZE);
		for (size_t i = 0; i < m.size; i++)
			text[i] = m.data[i] ^ okm[i];
		tag_of(tag, okm, (struct span){text, m.size});
		memcpy(text + m.size, tag, TAG_SIZE);
		wipe(okm, sizeof(okm));
		result = 0;
	}
	wipe(prepared, impl->algorithm->prepared_size);
	return result;
}

static int
decrypt(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *private_key, const struct span label[2], struct span ciphertext, uint8_t *m,
	size_t m_size)
{
	uint8_t z[X25519_SIZE], salt[2 * X25519_SIZE];
	uint8_t okm[ASYM_MESSAGE_MAX + HASH_SIZE], tag[HASH_SIZE];
	const uint8_t *text = ciphertext.data + X25519_SIZE;
	int result = -1;

	(void)random;
	wipe(m, m_size);
	if (m_size > ASYM_MESSAGE_MAX ||
		ciphertext.size != asym_ciphertext_size(impl->algorithm, m_size))
		return -1;
	memcpy(salt, ciphertext.data, X25519_SIZE);
	curve25519_mul_g(salt + X25519_SIZE, private_key);
	wipe_stack();
	if (x25519_shared(z, private_key, ciphertext.data) == 0) {
		expand(okm, m_size, z, salt, label);
		tag_of(tag, okm, (struct span){text, m_size});
		if (equal_constant_time(tag, text + m_size, TAG_SIZE)) {
			for (size_t i = 0; i < m_size; i++)
				m[i] = text[i] ^ okm[i];
			result = 0;
		}
	}
	wipe(z, sizeof(z));
	wipe(okm, sizeof(okm));
	return result;
}

static const struct asym_algorithm x25519 = {
	.name = "X25519",
	.public_size = X25519_SIZE,
	.private_size = X25519_SIZE,
	.ciphertext_fixed = X25519_SIZE + TAG_SIZE,
	.ciphertext_per_byte = 1,
	.message_max = ASYM_MESSAGE_MAX,
	.prepared_size = SALT_SIZE + X25519_SIZE,
};

const struct asym_impl asym_x25519 = {
	.algorithm = &x25519,
	.name = "nettle",
	.generate = generate,
	.derive = derive,
	.check_public = check_public,
	.prepare = prepare,
	.encrypt_prepared = encrypt_prepared,
	.encrypt = asym_encrypt,
	.decrypt = decrypt,
};
