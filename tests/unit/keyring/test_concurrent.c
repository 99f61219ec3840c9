/* Tests the key ring with several processes at once, and with processes that are killed at any
   moment. */
#include "fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEERS 40

static struct shown_key
key_of(struct fixture *f, unsigned writer, unsigned i)
{
	seeded_random_init(&f->random, 1000 * writer + i);
	return fixture_key(f, f->x25519);
}

/* One of two writers. It has a ring of its own, opened before the other one began. */
static int
write_peers(struct fixture *f, struct keyring *ring, unsigned writer)
{
	struct errmsg err;
	for (unsigned i = 0; i < PEERS; i++) {
		struct shown_key key = key_of(f, writer, i);
		char peer[32];
		bool verified;
		snprintf(peer, sizeof(peer), "peer-%u-%u", writer, i);
		if (keyring_note(ring, NULL, f->x25519, key.bytes, "10.0.0.1:1", &verified, &err) !=
			SC_OK)
			return 1;
		/* Four places for the callers of this address, and two who want them: the key may
		   be gone again. */
		struct peer_key picked;
		enum sc_error error = keyring_verify(ring, peer, key.fingerprint, &picked, &err);
		if (error != SC_OK && error != SC_ERR_INVALID && error != SC_ERR_NOT_FOUND)
			return 2;
		if (error != SC_OK &&
			keyring_trust_key(ring, peer, f->x25519, key.bytes, false, &err) != SC_OK)
			return 3;
	}
	return 0;
}

static void
test_two_writers_lose_nothing(void **state)
{
	struct fixture f;
	pid_t children[2];
	(void)state;

	fixture_init(&f);
	for (unsigned w = 0; w < 2; w++) {
		children[w] = fork();
		assert_true(children[w] >= 0);
		if (children[w] == 0) {
			struct keyring *ring = fixture_open(&f);
			_exit(write_peers(&f, ring, w));
		}
	}
	for (unsigned w = 0; w < 2; w++) {
		int status;
		assert_int_equal(waitpid(children[w], &status, 0), children[w]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_true(keyring_refresh(f.ring));
	assert_int_equal(fixture_count(f.ring, KEY_VERIFIED), 2 * PEERS);
	for (unsigned w = 0; w < 2; w++)
		for (unsigned i = 0; i < PEERS; i++) {
			struct shown_key key = key_of(&f, w, i);
			char peer[32], name[PEER_NAME_SIZE];
			snprintf(peer, sizeof(peer), "peer-%u-%u", w, i);
			assert_int_equal(keyring_check(f.ring, peer, f.x25519, key.bytes, name),
				VERDICT_VERIFIED);
		}
	assert_string_equal(f.problems, "");
	fixture_fini(&f);
}

static void
write_until_killed(struct fixture *f, unsigned round)
{
	struct keyring *ring = fixture_open(f);
	struct errmsg err;
	for (unsigned i = 0;; i++) {
		struct shown_key key = key_of(f, round, i);
		if (keyring_trust_key(ring, "hq", f->x25519, key.bytes, false, &err) != SC_OK)
			_exit(1);
	}
}

/* SIGKILL at a moment that the seed picks: the ring is whole, the lock is free, hq has a verified
   key. */
static void
test_killed_writers(void **state)
{
	struct fixture f;
	struct seeded_random moments;
	struct shown_key first;
	(void)state;

	fixture_init(&f);
	seeded_random_init(&moments, 5);
	first = key_of(&f, 99, 0);
	fixture_trust(&f, "hq", &first);
	for (unsigned round = 0; round < 30; round++) {
		int status;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			write_until_killed(&f, round);
		usleep((useconds_t)(5000 + seeded_random_below(&moments, 20000)));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));

		struct keyring *again = fixture_open(&f);
		size_t verified = fixture_count(again, KEY_VERIFIED);
		assert_true(verified == 1 ||
			    verified == 2); /* between writing the new and removing the old */
		struct shown_key next = key_of(&f, 100, round);
		struct errmsg err;
		assert_int_equal(
			keyring_trust_key(again, "hq", f.x25519, next.bytes, false, &err), SC_OK);
		assert_int_equal(fixture_count(again, KEY_VERIFIED), 1);
		keyring_free(again);
	}
	assert_string_equal(f.problems, "");
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_writers_lose_nothing),
		cmocka_unit_test(test_killed_writers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
