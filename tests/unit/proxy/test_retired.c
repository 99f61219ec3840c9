/* Tests proxy/retired.c: which keys have gone by a planned rotation, and which an operator took
   back. */
#include "../keyring/fixture.h"

#include <fcntl.h>
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

/* A key of the peer as a file of the state folder; beside: it is in use since its overlap is
   over. */
static void
put(const struct fixture *f, const char *peer, const struct shown_key *key,
	const struct shown_key *beside)
{
	struct key_record r = {.kind = KIND_VERIFIED, .key = {.asym = f->x25519, .time = 1000}};
	char text[KEY_FILE_MAX], path[800];

	snprintf(r.key.peer, sizeof(r.key.peer), "%s", peer);
	memcpy(r.key.public_key, key->bytes, 32);
	memcpy(r.key.fingerprint, key->fingerprint, sizeof(r.key.fingerprint));
	if (beside) {
		memcpy(r.key.beside, beside->fingerprint, sizeof(r.key.beside));
		r.key.used = unix_time() - ROLL_OVERLAP;
		r.key.time++;
	}
	size_t n = key_record_format(text, sizeof(text), &r);
	assert_true(n > 0);
	snprintf(path, sizeof(path), "%s/peers/%s.%s.key", f->folder, peer, key->fingerprint);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0 && write(fd, text, n) == (ssize_t)n && close(fd) == 0);
}

/* More peers than are kept otherwise have rotated at one time: none of their sessions ends. */
static void
test_very_many(void **state)
{
	enum { MANY = 1100 };
	static struct shown_key old[MANY];
	struct fixture f;
	char peer[20], path[800];
	(void)state;

	fixture_init(&f);
	struct retired *r = retired_new();
	for (int i = 0; i < MANY; i++) {
		struct shown_key new = fixture_key(&f, f.x25519);
		old[i] = fixture_key(&f, f.x25519);
		snprintf(peer, sizeof(peer), "p%d", i);
		put(&f, peer, &old[i], NULL);
		put(&f, peer, &new, &old[i]);
	}
	assert_true(keyring_refresh(f.ring));
	assert_string_equal(f.problems, "");
	retired_before(r, f.ring);
	for (int i = 0; i < MANY; i++) {
		/* another process was quicker */
		snprintf(
			path, sizeof(path), "%s/peers/p%d.%s.key", f.folder, i, old[i].fingerprint);
		assert_int_equal(unlink(path), 0);
	}
	assert_true(keyring_refresh(f.ring));
	retired_after(r, f.ring);
	for (int i = 0; i < MANY; i++) {
		snprintf(peer, sizeof(peer), "p%d", i);
		assert_true(retired_goes_on(r, f.ring, peer, f.x25519, old[i].bytes));
	}
	retired_free(r);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_rotation),
		cmocka_unit_test(test_an_operator),
		cmocka_unit_test(test_very_many),
	};
	asym_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
