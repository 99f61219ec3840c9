/* Tests keyring/pending.c: the bounds on keys that nobody has verified. */
#include "fixture.h"

#include <unistd.h>

#include "keyring/ring.h"

static void
expect_group(const char *source, const char *group)
{
	char out[KEY_SOURCE_SIZE];
	pending_source_group(out, source);
	assert_string_equal(out, group);
}

static void
test_groups(void **state)
{
	(void)state;
	expect_group("203.0.113.5:7400", "203.0.113.5");
	expect_group("203.0.113.5:1", "203.0.113.5");
	expect_group("[2001:db8:1:2:3:4:5:6]:7400", "2001:db8:1:2::");
	expect_group("[2001:db8:1:2::1]:1", "2001:db8:1:2::");
	expect_group("[::ffff:203.0.113.5]:9", "203.0.113.5");
	expect_group("[fe80::1%eth0]:9", "fe80::");
	expect_group("", "");
	expect_group("garbage", "garbage");
	expect_group("[:", "[");
}

/* Makes what is pending look older, so that "oldest" is not decided within one second. */
static void
age_all(struct fixture *f)
{
	for (size_t in = STORE_PENDING; in < STORE_FOLDERS; in++)
		for (size_t i = 0; i < f->ring->folders[in].n; i++) {
			struct key_record r = *f->ring->folders[in].files[i].record;
			struct errmsg err;
			char text[KEY_FILE_MAX];
			r.key.time -= 1000;
			size_t n = key_record_format(text, sizeof(text), &r);
			assert_int_equal(store_write(&f->ring->store, (enum store_folder)in,
						 f->ring->folders[in].files[i].name, text, n, &err),
				SC_OK);
		}
	keyring_refresh(f->ring);
}

static bool
is_pending(const struct fixture *f, const struct shown_key *key)
{
	size_t n;
	const struct peer_key *const *keys = ring_find(f->ring, key->fingerprint, &n);
	return n > 0 && keys[0]->state == KEY_PENDING;
}

static void
test_four_per_source(void **state)
{
	struct fixture f;
	struct shown_key keys[6], other;
	(void)state;

	fixture_init(&f);
	other = fixture_key(&f, f.x25519);
	fixture_note(&f, NULL, &other, "198.51.100.1:5");
	for (size_t i = 0; i < 6; i++) {
		char source[32];
		snprintf(source, sizeof(source), "203.0.113.5:%zu", 1000 + i);
		keys[i] = fixture_key(&f, f.x25519);
		age_all(&f);
		fixture_note(&f, NULL, &keys[i], source);
	}
	assert_int_equal(
		fixture_count(f.ring, KEY_PENDING), 1 + keyring_limits_default.callers_source);
	assert_true(is_pending(&f, &other)); /* the oldest of all, but of another source */
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(is_pending(&f, &keys[i]), i >= 2);
	fixture_fini(&f);
}

static void
test_sixty_four_in_all(void **state)
{
	struct fixture f;
	struct shown_key first, dialed;
	(void)state;

	fixture_init(&f);
	dialed = fixture_key(&f, f.x25519);
	first = fixture_key(&f, f.x25519);
	fixture_note(&f, "hq", &dialed, "10.0.0.1:1");
	fixture_note(&f, NULL, &first, "10.0.0.2:1");
	age_all(&f);
	for (unsigned i = 0; i < keyring_limits_default.callers; i++) {
		struct shown_key key = fixture_key(&f, f.x25519);
		char source[32];
		snprintf(source, sizeof(source), "10.1.%u.1:1", i);
		fixture_note(&f, NULL, &key, source);
	}
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 1 + keyring_limits_default.callers);
	assert_false(is_pending(&f, &first));
	assert_true(is_pending(&f, &dialed)); /* kept apart: callers cannot push it out */
	fixture_fini(&f);
}

static void
test_one_per_peer_and_algorithm(void **state)
{
	struct fixture f;
	struct shown_key a, b, c, elgamal;
	struct errmsg err;
	bool verified;
	(void)state;

	fixture_init(&f);
	a = fixture_key(&f, f.x25519);
	b = fixture_key(&f, f.x25519);
	c = fixture_key(&f, f.x25519);
	elgamal = fixture_key(&f, f.weak);
	fixture_note(&f, "hq", &a, "10.0.0.1:1");
	fixture_note(&f, "other", &c, "10.0.0.1:1");
	assert_int_equal(
		keyring_note(f.ring, "hq", f.weak, elgamal.bytes, "10.0.0.1:1", &verified, &err),
		SC_OK);
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 3);
	fixture_note(&f, "hq", &b, "10.0.0.1:1");
	assert_int_equal(fixture_count(f.ring, KEY_PENDING), 3);
	assert_false(is_pending(&f, &a));
	assert_true(is_pending(&f, &b) && is_pending(&f, &c) && is_pending(&f, &elgamal));
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_four_per_source),
		cmocka_unit_test(test_sixty_four_in_all),
		cmocka_unit_test(test_one_per_peer_and_algorithm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
