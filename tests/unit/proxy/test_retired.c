/* Tests proxy/retired.c: which keys have gone by a planned rotation, and which an operator took
   back. */
#include "../keyring/fixture.h"

#include <unistd.h>

#include "keyring/ring.h"
#include "proxy/retired.h"

struct rotation {
	struct fixture f;
	struct retired *r;
	struct shown_key old, new;
};

/* hq has had a new key for so long. */
static void
rotate(struct rotation *t, int64_t ago)
{
	struct peer_key announced = {.peer = "hq", .source = "10.0.0.1:7400"};
	enum keyroll_answer answer;
	struct errmsg err;
	size_t n;

	fixture_init(&t->f);
	assert_non_null(t->r = retired_new());
	t->old = fixture_key(&t->f, t->f.x25519);
	t->new = fixture_key(&t->f, t->f.x25519);
	fixture_trust(&t->f, "hq", &t->old);
	announced.asym = t->f.x25519;
	memcpy(announced.public_key, t->new.bytes, 32);
	memcpy(announced.fingerprint, t->new.fingerprint, sizeof(announced.fingerprint));
	memcpy(announced.beside, t->old.fingerprint, sizeof(announced.beside));
	assert_int_equal(keyring_roll(t->f.ring, &announced, true, &answer, &err), SC_OK);
	assert_int_equal(answer, KEYROLL_VERIFIED);
	const struct peer_key *const *keys = ring_find(t->f.ring, t->new.fingerprint, &n);
	assert_int_equal(n, 1);
	struct key_record record = {.kind = KIND_VERIFIED, .key = *keys[0]};
	record.key.used = unix_time() - ago;
	assert_int_equal(change_begin(t->f.ring, &err), SC_OK);
	assert_int_equal(change_end(t->f.ring, change_write(t->f.ring, &record, &err)), SC_OK);
}

static void
finish(struct rotation *t)
{
	retired_free(t->r);
	fixture_fini(&t->f);
}

static bool
goes_on(const struct rotation *t, const struct shown_key *key)
{
	return retired_goes_on(t->r, t->f.ring, "hq", t->f.x25519, key->bytes);
}

static void
test_a_rotation(void **state)
{
	struct rotation t;
	struct errmsg err;
	size_t n;

	(void)state;
	rotate(&t, ROLL_OVERLAP);
	retired_before(t.r, t.f.ring);
	retired_after(t.r, t.f.ring);
	assert_false(goes_on(&t, &t.old)); /* it is there */
	retired_before(t.r, t.f.ring);
	assert_int_equal(keyring_expire(t.f.ring, &n, &err), SC_OK);
	assert_int_equal(n, 1);
	retired_after(t.r, t.f.ring);
	assert_true(goes_on(&t, &t.old));
	assert_false(goes_on(&t, &t.new)); /* it is valid, and nothing has its place */
	assert_false(retired_goes_on(t.r, t.f.ring, "store", t.f.x25519, t.old.bytes));

	/* Until the newer one is taken back too. */
	assert_int_equal(keyring_revoke(t.f.ring, "hq", NULL, &n, &err), SC_OK);
	assert_false(goes_on(&t, &t.old));
	finish(&t);
}

static void
test_an_operator(void **state)
{
	struct rotation t;
	struct errmsg err;
	size_t n;

	(void)state;
	for (int late = 0; late < 2; late++) {
		/* Revoked, at any time, it is not retired. */
		rotate(&t, late ? ROLL_OVERLAP : ROLL_OVERLAP - 60);
		retired_before(t.r, t.f.ring);
		assert_int_equal(
			keyring_revoke(t.f.ring, "hq", t.old.fingerprint, &n, &err), SC_OK);
		retired_after(t.r, t.f.ring);
		assert_false(goes_on(&t, &t.old));
		finish(&t);
	}

	/* Its file has gone before the overlap was over. */
	rotate(&t, ROLL_OVERLAP - 60);
	char path[700];
	snprintf(path, sizeof(path), "%s/peers/hq.%s.key", t.f.folder, t.old.fingerprint);
	retired_before(t.r, t.f.ring);
	assert_int_equal(unlink(path), 0);
	assert_true(keyring_refresh(t.f.ring));
	retired_after(t.r, t.f.ring);
	assert_false(goes_on(&t, &t.old));
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_rotation),
		cmocka_unit_test(test_an_operator),
	};
	asym_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
