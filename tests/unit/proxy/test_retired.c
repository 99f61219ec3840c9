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

/* Many peers that rotate. */
struct crowd {
	struct fixture f;
	struct retired *r;
	struct shown_key old[1500], new[1500];
};

static void
take_away(const struct crowd *c, const char *peer, const struct shown_key *key)
{
	char path[800];

	snprintf(path, sizeof(path), "%s/peers/%s.%s.key", c->f.folder, peer, key->fingerprint);
	assert_int_equal(unlink(path), 0);
}

/* Those from one to before another rotate, and their older keys go in one refresh. */
static void
rotate_all(struct crowd *c, int from, int to)
{
	char peer[20];

	for (int i = from; i < to; i++) {
		c->old[i] = fixture_key(&c->f, c->f.x25519);
		c->new[i] = fixture_key(&c->f, c->f.x25519);
		snprintf(peer, sizeof(peer), "p%d", i);
		put(&c->f, peer, &c->old[i], NULL);
		put(&c->f, peer, &c->new[i], &c->old[i]);
	}
	assert_true(keyring_refresh(c->f.ring));
	assert_string_equal(c->f.problems, "");
	retired_before(c->r, c->f.ring);
	for (int i = from; i < to; i++) {
		/* another process was quicker */
		snprintf(peer, sizeof(peer), "p%d", i);
		take_away(c, peer, &c->old[i]);
		take_away(c, peer, &c->new[i]);
		put(&c->f, peer, &c->new[i], NULL);
	}
	assert_true(keyring_refresh(c->f.ring));
	retired_after(c->r, c->f.ring);
}

static bool
one_goes_on(const struct crowd *c, int i)
{
	char peer[20];

	snprintf(peer, sizeof(peer), "p%d", i);
	return retired_goes_on(c->r, c->f.ring, peer, c->f.x25519, c->old[i].bytes);
}

/* More peers than are kept otherwise have rotated at one time: none of their sessions ends. */
static void
test_very_many(void **state)
{
	enum { MANY = 1100 };
	static struct crowd c;
	(void)state;

	fixture_init(&c.f);
	c.r = retired_new();
	rotate_all(&c, 0, MANY);
	for (int i = 0; i < MANY; i++)
		assert_true(one_goes_on(&c, i));
	retired_free(c.r);
	fixture_fini(&c.f);
}

/* The youngest 1,024 are kept, and of those before none is taken for another. */
static void
test_the_oldest_are_forgotten(void **state)
{
	enum { KEPT = 1024, EACH = 300, ALL = 5 * EACH };
	static struct crowd c;
	(void)state;

	fixture_init(&c.f);
	c.r = retired_new();
	for (int i = 0; i < ALL; i += EACH)
		rotate_all(&c, i, i + EACH);
	int kept = 0;
	for (int i = 0; i < ALL; i++) {
		bool goes_on = one_goes_on(&c, i);
		kept += goes_on;
		if (i < EACH || i >= 2 * EACH) /* the others go by their names */
			assert_int_equal(goes_on, i >= EACH);
	}
	assert_int_equal(kept, KEPT);
	retired_free(c.r);
	fixture_fini(&c.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_rotation),
		cmocka_unit_test(test_an_operator),
		cmocka_unit_test(test_very_many),
		cmocka_unit_test(test_the_oldest_are_forgotten),
	};
	asym_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
