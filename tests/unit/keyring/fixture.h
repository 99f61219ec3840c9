/* A key ring in a folder of its own, and keys to put into it. */
#ifndef SC_TESTS_KEYRING_FIXTURE_H
#define SC_TESTS_KEYRING_FIXTURE_H

#include "keyring/keyring.h"
#include "scratch.h"
#include "unit.h"

struct fixture {
	struct scratch scratch;
	struct seeded_random random;
	char folder[SCRATCH_PATH_SIZE];
	struct keyring *ring;
	char problems[4096]; /* one a line, without the folder's path */
	const struct asym_impl *x25519, *weak;
};

static inline void
fixture_problem(void *arg, const char *text)
{
	struct fixture *f = arg;
	size_t used = strlen(f->problems);
	assert_memory_equal(text, f->folder, strlen(f->folder));
	snprintf(f->problems + used, sizeof(f->problems) - used, "%s\n",
		text + strlen(f->folder) + 1);
}

static inline struct keyring *
fixture_open(struct fixture *f)
{
	struct keyring *ring;
	struct errmsg err;
	if (keyring_open(&ring, f->folder, fixture_problem, f, &err) != SC_OK)
		fail_msg("%s", err.text);
	return ring;
}

static inline void
fixture_init(struct fixture *f)
{
	struct errmsg err;
	memset(f, 0, sizeof(*f));
	scratch_init(&f->scratch);
	seeded_random_init(&f->random, 42);
	snprintf(f->folder, sizeof(f->folder), "%s", scratch_path(&f->scratch, "state"));
	if (keyring_create(f->folder, &err) != SC_OK)
		fail_msg("%s", err.text);
	f->ring = fixture_open(f);
	f->x25519 = asym_find("X25519");
	f->weak = asym_find("ElGamal 1024");
	assert_non_null(f->x25519);
	assert_non_null(f->weak);
}

static inline void
fixture_fini(struct fixture *f)
{
	keyring_free(f->ring);
	scratch_fini(&f->scratch);
}

/* A peer's key, as a peer shows it. */
struct shown_key {
	uint8_t bytes[ASYM_PUBLIC_MAX];
	char fingerprint[FINGERPRINT_SIZE];
};

static inline struct shown_key
fixture_key(struct fixture *f, const struct asym_impl *asym)
{
	struct shown_key key;
	uint8_t private_key[ASYM_PRIVATE_MAX];
	memset(&key, 0, sizeof(key));
	assert_int_equal(asym->generate(asym, &f->random.source, private_key, key.bytes), 0);
	fingerprint_of(key.fingerprint, asym->algorithm, key.bytes);
	return key;
}

/* Notes it; true if that made it verified. */
static inline bool
fixture_note(struct fixture *f, const char *peer, const struct shown_key *key, const char *source)
{
	struct errmsg err;
	bool verified;
	if (keyring_note(f->ring, peer, f->x25519, key->bytes, source, &verified, &err) != SC_OK)
		fail_msg("%s", err.text);
	return verified;
}

static inline void
fixture_trust(struct fixture *f, const char *peer, const struct shown_key *key)
{
	struct errmsg err;
	if (keyring_trust_key(f->ring, peer, f->x25519, key->bytes, false, &err) != SC_OK)
		fail_msg("%s", err.text);
}

static inline size_t
fixture_count(const struct keyring *ring, enum key_state state)
{
	size_t count = 0;
	const struct peer_key *key;
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		count += key->state == state;
	return count;
}

#endif
