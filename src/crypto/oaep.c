/* Knows EME-OAEP; knows nothing of what is done with the encoded message. */
#include "crypto/oaep.h"

#include "base/wire.h"

/* target ^= MGF1(seed), RFC 8017 appendix B.2.1. */
static void
mask(uint8_t *target, size_t n, const uint8_t *seed, size_t seed_size)
{
	uint8_t block[HASH_SIZE], counter[4];
	const struct span parts[] = {{seed, seed_size}, {counter, sizeof(counter)}};

	for (size_t done = 0; done < n; done += HASH_SIZE) {
		put_u32(counter, (uint32_t)(done / HASH_SIZE));
		hash_parts(block, parts, ARRAY_SIZE(parts));
		for (size_t i = 0; i < min_size(HASH_SIZE, n - done); i++)
			target[done + i] ^= block[i];
	}
	wipe(block, sizeof(block));
}

/* em = 0x00 || seed || DB, DB = lHash || zeros || 0x01 || m; seed and DB masked. */
int
oaep_encode(uint8_t *em, size_t k, struct oaep_label label, struct span m,
	const uint8_t seed[OAEP_SEED_SIZE])
{
	uint8_t *masked_seed = em + 1, *db = em + 1 + OAEP_SEED_SIZE;
	size_t db_size = k - 1 - OAEP_SEED_SIZE;

	if (k < OAEP_OVERHEAD || m.size > k - OAEP_OVERHEAD)
		return -1;
	memset(em, 0, k);
	memcpy(masked_seed, seed, OAEP_SEED_SIZE);
	hash_parts(db, label.parts, label.n);
	db[db_size - m.size - 1] = 1;
	if (m.size > 0)
		memcpy(db + db_size - m.size, m.data, m.size);
	mask(db, db_size, masked_seed, OAEP_SEED_SIZE);
	mask(masked_seed, OAEP_SEED_SIZE, db, db_size);
	return 0;
}

int
oaep_decode(uint8_t *em, size_t k, struct oaep_label label, uint8_t *m, size_t m_size)
{
	uint8_t *seed = em + 1, *db = em + 1 + OAEP_SEED_SIZE;
	size_t db_size = k - 1 - OAEP_SEED_SIZE;
	uint8_t label_hash[HASH_SIZE];

	if (k < OAEP_OVERHEAD || m_size > k - OAEP_OVERHEAD) {
		wipe(m, m_size);
		return -1;
	}
	mask(seed, OAEP_SEED_SIZE, db, db_size);
	mask(db, db_size, seed, OAEP_SEED_SIZE);

	/* The length of m is known, so each byte has its place, and the 0x01 need not be searched
	   for. */
	size_t one = db_size - m_size - 1;
	uint8_t wrong = em[0] | (db[one] ^ 1);
	hash_parts(label_hash, label.parts, label.n);
	for (size_t i = 0; i < HASH_SIZE; i++)
		wrong |= db[i] ^ label_hash[i];
	for (size_t i = HASH_SIZE; i < one; i++)
		wrong |= db[i];
	if (m_size > 0)
		memcpy(m, db + one + 1, m_size);
	if (wrong == 0)
		return 0;
	wipe(m, m_size);
	return -1;
}
