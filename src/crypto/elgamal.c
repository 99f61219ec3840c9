/* Knows ElGamal N: keys, encryption and decryption (protocol.md 5.1). The arithmetic is
   elgamal_limbs.c's, the padding oaep.c's. */
#include "crypto/asym_impls.h"

#include "base/secret.h"
#include "crypto/elgamal_limbs.h"
#include "crypto/hash.h"
#include "crypto/oaep.h"

static const struct elgamal_group *
group_of(const struct asym_impl *impl)
{
	return container_of(impl, const struct elgamal, impl)->group;
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

/* size random bytes that are not all zero. */
static void
draw(const struct random_source *random, uint8_t *bytes, size_t size)
{
	do
		random_fill(random, bytes, size);
	while (is_zero(bytes, size));
}

/* The generator, 2, to the power of an exponent as bytes. */
static void
power_of_two(uint8_t *out, const struct modulus *m, const struct number *exponent)
{
	static const uint8_t two = 2;
	struct number power;

	number_read(&power, m, &two, 1);
	number_power(&power, m, &power, exponent);
	number_write(out, m, &power);
}

/* A private key as a number, in locked memory as the key itself is. NULL: out of memory. */
static struct number *
exponent_new(const struct asym_impl *impl, const struct modulus *m, const uint8_t *private_key)
{
	struct number *x = secret_map(sizeof(*x), NULL);

	if (x)
		number_read(x, m, private_key, impl->algorithm->private_size);
	return x;
}

/* With what the computation has left on the stack. */
static void
exponent_free(struct number *x)
{
	secret_unmap(x, sizeof(*x));
	wipe_stack();
}

static int
derive(const struct asym_impl *impl, const uint8_t *private_key, uint8_t *public_key)
{
	struct modulus m;

	if (is_zero(private_key, impl->algorithm->private_size))
		return -1;
	if (modulus_init(&m, group_of(impl)) != 0)
		return -1;
	struct number *x = exponent_new(impl, &m, private_key);
	if (x)
		power_of_two(public_key, &m, x);
	exponent_free(x);
	modulus_fini(&m);
	return x ? 0 : -1;
}

static int
generate(const struct asym_impl *impl, const struct random_source *random, uint8_t *private_key,
	uint8_t *public_key)
{
	draw(random, private_key, impl->algorithm->private_size);
	return derive(impl, private_key, public_key);
}

static int
check_public(const struct asym_impl *impl, const uint8_t *public_key)
{
	struct modulus m;
	struct number y;

	if (modulus_init(&m, group_of(impl)) != 0)
		return -1;
	number_read(&y, &m, public_key, m.size);
	int result = number_in_group(&m, &y) ? 0 : -1;
	modulus_fini(&m);
	return result;
}

/* c2 = M' * y^r for M' = M or p - M, whichever is a residue. y^r is one, so M and M * y^r are both
   residues or both not: the symbol is computed of the latter, which tells no more about M. */
static void
seal_number(uint8_t *c2, const struct modulus *m, const struct number *em, const struct number *y_r)
{
	struct number product;

	number_multiply(&product, m, em, y_r);
	if (!number_is_residue(m, &product))
		number_negate(&product, m, &product);
	number_write(c2, m, &product);
	wipe(&product, sizeof(product));
}

/* prepared = g^r || y^r, each k bytes. */
static int
prepare(const struct asym_impl *impl, const struct random_source *random, const uint8_t *public_key,
	uint8_t *prepared)
{
	uint8_t bytes[ASYM_PRIVATE_MAX];
	struct number r, y;
	struct modulus m;

	if (modulus_init(&m, group_of(impl)) != 0)
		return -1;
	draw(random, bytes, impl->algorithm->private_size);
	number_read(&r, &m, bytes, impl->algorithm->private_size);
	power_of_two(prepared, &m, &r);
	number_read(&y, &m, public_key, m.size);
	number_power(&y, &m, &y, &r);
	number_write(prepared + m.size, &m, &y);
	wipe(bytes, sizeof(bytes));
	wipe(&r, sizeof(r));
	wipe(&y, sizeof(y));
	modulus_fini(&m);
	return 0;
}

static int
encrypt_prepared(const struct asym_impl *impl, const struct random_source *random,
	uint8_t *prepared, const struct span label[2], struct span message, uint8_t *ciphertext)
{
	const struct asym_algorithm *algorithm = impl->algorithm;
	const struct span parts[] = {label[0], label[1], {ciphertext, algorithm->public_size}};
	uint8_t bytes[ASYM_PUBLIC_MAX], seed[OAEP_SEED_SIZE];
	struct number y_r, em;
	struct modulus m;
	int result = -1;

	if (message.size <= algorithm->message_max && modulus_init(&m, group_of(impl)) == 0) {
		memcpy(ciphertext, prepared, m.size);
		random_fill(random, seed, sizeof(seed));
		result = oaep_encode(bytes, m.size, (struct oaep_label){parts, ARRAY_SIZE(parts)},
			message, seed);
		if (result == 0) {
			number_read(&y_r, &m, prepared + m.size, m.size);
			number_read(&em, &m, bytes, m.size);
			seal_number(ciphertext + m.size, &m, &em, &y_r);
			wipe(&y_r, sizeof(y_r));
			wipe(&em, sizeof(em));
		}
		wipe(bytes, sizeof(bytes));
		wipe(seed, sizeof(seed));
		modulus_fini(&m);
	}
	wipe(prepared, algorithm->prepared_size);
	return result;
}

/* em = M as bytes. From M' on in constant time. */
static void
open_number(uint8_t *em, const struct modulus *m, const struct number c[2], const struct number *x,
	const struct number *t)
{
	struct number s;

	number_power(&s, m, &c[0], x);
	number_invert(&s, m, &s, t);
	number_multiply(&s, m, &c[1], &s);
	number_smaller(&s, m, &s);
	number_write(em, m, &s);
	wipe(&s, sizeof(s));
}

static int
decrypt(const struct asym_impl *impl, const struct random_source *random,
	const uint8_t *private_key, const struct span label[2], struct span ciphertext,
	uint8_t *out, size_t out_size)
{
	const struct span parts[] = {label[0], label[1],
		{ciphertext.data, impl->algorithm->public_size}};
	uint8_t bytes[ASYM_PUBLIC_MAX];
	struct number c[2], t, *x = NULL;
	struct modulus m;
	int result = -1;

	wipe(out, out_size);
	if (ciphertext.size != impl->algorithm->ciphertext_fixed ||
		is_zero(private_key, impl->algorithm->private_size) ||
		modulus_init(&m, group_of(impl)) != 0)
		return -1;
	number_read(&c[0], &m, ciphertext.data, m.size);
	number_read(&c[1], &m, ciphertext.data + m.size, m.size);
	if (number_in_group(&m, &c[0]) && number_in_group(&m, &c[1]))
		x = exponent_new(impl, &m, private_key);
	if (x) {
		draw(random, bytes, m.size);
		number_read(&t, &m, bytes, m.size);
		open_number(bytes, &m, c, x, &t);
		result = oaep_decode(bytes, m.size,
			(struct oaep_label){parts, ARRAY_SIZE(parts)}, out, out_size);
		wipe(bytes, sizeof(bytes));
		wipe(&t, sizeof(t));
		exponent_free(x);
	}
	modulus_fini(&m);
	return result;
}

#define ELGAMAL(N, EXPONENT_BITS, MESSAGE_MAX, WEAK)                                               \
	static const struct asym_algorithm algorithm_##N = {                                       \
		.name = "ElGamal " #N,                                                             \
		.public_size = N / 8,                                                              \
		.private_size = EXPONENT_BITS / 8,                                                 \
		.ciphertext_fixed = 2 * N / 8,                                                     \
		.prepared_size = 2 * N / 8,                                                        \
		.message_max = MESSAGE_MAX,                                                        \
		.weak = WEAK,                                                                      \
	};                                                                                         \
	const struct elgamal elgamal_##N = {                                                       \
		.group = &elgamal_group_##N,                                                       \
		.impl = {                                                                          \
			.algorithm = &algorithm_##N,                                               \
			.name = "gmp",                                                             \
			.generate = generate,                                                      \
			.derive = derive,                                                          \
			.check_public = check_public,                                              \
			.prepare = prepare,                                                        \
			.encrypt_prepared = encrypt_prepared,                                      \
			.encrypt = asym_encrypt,                                                   \
			.decrypt = decrypt,                                                        \
		},                                                                                 \
	}

/* A message is at most k - OAEP_OVERHEAD bytes long, and ASYM_MESSAGE_MAX. */
ELGAMAL(1024, 192, 62, true);
ELGAMAL(2048, 256, ASYM_MESSAGE_MAX, false);
ELGAMAL(3072, 320, ASYM_MESSAGE_MAX, false);
ELGAMAL(4096, 384, ASYM_MESSAGE_MAX, false);
ELGAMAL(6144, 448, ASYM_MESSAGE_MAX, false);
ELGAMAL(8192, 512, ASYM_MESSAGE_MAX, false);
