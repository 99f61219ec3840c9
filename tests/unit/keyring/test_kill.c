/* kill -9 at every single step of every change of the state folder: what is there afterwards is the
   old state or the new one, every file can be read, and the change can be made again. The C
   library's functions that write are replaced by ones that count. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keyring/ring.h"

static long steps_left = -1; /* -1: nobody counts */

static void
step(void)
{
	if (steps_left > 0 && --steps_left == 0)
		kill(getpid(), SIGKILL);
}

int
openat(int at, const char *path, int flags, ...)
{
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
		step();
	}
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

ssize_t
write(int fd, const void *data, size_t n)
{
	if (steps_left < 0)
		return syscall(SYS_write, fd, data, n);
	step();
	/* In two halves: a file may be torn where it is written. */
	size_t half = n / 2 ? n / 2 : n;
	ssize_t done = syscall(SYS_write, fd, data, half);
	step();
	return done;
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	step();
	return syscall(SYS_pwrite64, fd, data, n, at);
}

int
fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

int
renameat(int from, const char *a, int to, const char *b)
{
	step();
	return (int)syscall(SYS_renameat, from, a, to, b);
}

int
unlinkat(int at, const char *path, int flags)
{
	step();
	return (int)syscall(SYS_unlinkat, at, path, flags);
}

/* ---- the changes ---- */

static struct shown_key old, new, third;
static struct peer_key announced;

static enum key_verdict
verdict(struct keyring *ring, const struct shown_key *key)
{
	char name[PEER_NAME_SIZE];
	return keyring_check(ring, NULL, asym_find("X25519"), key->bytes, name);
}

/* Before it: one key of hq is verified, another one waits. */
static enum sc_error
do_verify(struct keyring *ring, struct errmsg *err)
{
	struct peer_key key;
	return keyring_verify(ring, "hq", new.fingerprint, &key, err);
}

static int
look_verify(struct keyring *ring)
{
	bool is_old = verdict(ring, &old) == VERDICT_VERIFIED,
	     is_new = verdict(ring, &new) == VERDICT_VERIFIED;
	return is_old && !is_new ? 0 : !is_old && is_new ? 1 : -1;
}

static enum sc_error
do_trust(struct keyring *ring, struct errmsg *err)
{
	return keyring_trust_key(ring, "hq", asym_find("X25519"), new.bytes, false, err);
}

static enum sc_error
do_revoke(struct keyring *ring, struct errmsg *err)
{
	size_t n;
	return keyring_revoke(ring, "hq", old.fingerprint, &n, err);
}

static int
look_revoke(struct keyring *ring)
{
	return verdict(ring, &old) == VERDICT_VERIFIED  ? 0
	       : verdict(ring, &old) == VERDICT_REVOKED ? 1
							: -1;
}

static enum sc_error
do_roll(struct keyring *ring, struct errmsg *err)
{
	enum keyroll_answer answer;
	return keyring_roll(ring, &announced, true, &answer, err);
}

/* The old one is valid all the time. */
static int
look_roll(struct keyring *ring)
{
	return verdict(ring, &old) != VERDICT_VERIFIED ? -1
						       : verdict(ring, &new) == VERDICT_VERIFIED;
}

static enum sc_error
do_change_over(struct keyring *ring, struct errmsg *err)
{
	return keyring_change_over(ring, "", asym_find("X25519"), err);
}

static int
look_change_over(struct keyring *ring)
{
	const struct asym_impl *asym = asym_find("X25519");
	const struct key_pair *current = keyring_own(ring, asym),
			      *next = keyring_pair(ring, "", asym, PAIR_NEXT);
	const struct key_pair *former = keyring_pair(ring, "", asym, PAIR_FORMER);

	return !current ? -1 : next && !former ? 0 : former && !next ? 1 : -1;
}

static enum sc_error
do_make(struct keyring *ring, struct errmsg *err)
{
	bool created;
	return keyring_make(
		ring, "", asym_find("ElGamal 1024"), PAIR_CURRENT, &random_system, &created, err);
}

static int
look_make(struct keyring *ring)
{
	return keyring_own(ring, asym_find("ElGamal 1024")) != NULL;
}

static enum sc_error
do_retire(struct keyring *ring, struct errmsg *err)
{
	const struct key_pair *pair = keyring_pair(ring, "", asym_find("X25519"), PAIR_FORMER);
	char fingerprint[FINGERPRINT_SIZE];

	if (!pair)
		return errmsg_set(err, SC_ERR_NOT_FOUND, "none");
	memcpy(fingerprint, pair->fingerprint, sizeof(fingerprint));
	return keyring_retire(ring, fingerprint, err);
}

static int
look_retire(struct keyring *ring)
{
	const struct asym_impl *asym = asym_find("X25519");
	bool former = keyring_pair(ring, "", asym, PAIR_FORMER),
	     retired = keyring_pair(ring, "", asym, PAIR_RETIRED);

	return !keyring_own(ring, asym) || former == retired ? -1 : retired;
}

static enum sc_error
do_note(struct keyring *ring, struct errmsg *err)
{
	bool verified;
	struct shown_key key = new;
	key.bytes[0] ^= 1;
	return keyring_note(
		ring, NULL, asym_find("X25519"), key.bytes, "10.0.0.9:1", &verified, err);
}

static int
look_note(struct keyring *ring)
{
	return fixture_count(ring, KEY_PENDING) == 2;
}

static enum sc_error
do_expect(struct keyring *ring, struct errmsg *err)
{
	return keyring_trust_fingerprint(ring, "hq", third.fingerprint, false, err);
}

static int
look_expect(struct keyring *ring)
{
	return fixture_count(ring, KEY_EXPECTED) == 1;
}

/* The one that waits is taken back. */
static enum sc_error
do_revoke_pending(struct keyring *ring, struct errmsg *err)
{
	size_t n;
	return keyring_revoke_pending(ring, "hq", &n, err);
}

static int
look_revoke_pending(struct keyring *ring)
{
	return verdict(ring, &old) != VERDICT_VERIFIED  ? -1
	       : verdict(ring, &new) == VERDICT_REVOKED ? 1
	       : verdict(ring, &new) == VERDICT_UNKNOWN ? 0
							: -1;
}

/* Several files: each key as it was, or revoked. */
static enum sc_error
do_revoke_all(struct keyring *ring, struct errmsg *err)
{
	size_t n;
	return keyring_revoke(ring, "hq", NULL, &n, err);
}

static int
look_revoke_all(struct keyring *ring)
{
	int was = look_revoke(ring);
	bool pending = verdict(ring, &new) == VERDICT_REVOKED;

	if (was < 0 || (!pending && verdict(ring, &new) != VERDICT_UNKNOWN))
		return -1;
	return was && pending;
}

static enum sc_error
do_make_next(struct keyring *ring, struct errmsg *err)
{
	bool created;
	return keyring_make(
		ring, "", asym_find("X25519"), PAIR_NEXT, &random_system, &created, err);
}

static int
look_make_next(struct keyring *ring)
{
	const struct asym_impl *asym = asym_find("X25519");
	return !keyring_own(ring, asym) ? -1 : keyring_pair(ring, "", asym, PAIR_NEXT) != NULL;
}

/* The other one goes that the peer showed before. */
static enum sc_error
do_note_dialed(struct keyring *ring, struct errmsg *err)
{
	bool verified;
	return keyring_note(
		ring, "hq", asym_find("X25519"), third.bytes, "10.0.0.1:1", &verified, err);
}

static const struct peer_key *
found_of(const struct keyring *ring, const struct shown_key *key)
{
	const struct peer_key *k;

	for (size_t i = 0; (k = keyring_peer_key(ring, i)); i++)
		if (strcmp(k->fingerprint, key->fingerprint) == 0)
			return k;
	return NULL;
}

/* 2: a verified one vouches for it. */
static int
pending_of(struct keyring *ring, const struct shown_key *key)
{
	const struct peer_key *k = found_of(ring, key);

	return !k || k->state != KEY_PENDING ? 0 : k->beside[0] ? 2 : 1;
}

static int
look_note_dialed(struct keyring *ring)
{
	return pending_of(ring, &third) ? 1 : pending_of(ring, &new) ? 0 : -1;
}

/* The peer announces it, and it waits for a call. */
static enum sc_error
do_roll_pending(struct keyring *ring, struct errmsg *err)
{
	enum keyroll_answer answer;
	return keyring_roll(ring, &announced, false, &answer, err);
}

static int
look_roll_pending(struct keyring *ring)
{
	return verdict(ring, &old) != VERDICT_VERIFIED ? -1 : pending_of(ring, &new) - 1;
}

static enum sc_error
do_answer(struct keyring *ring, struct errmsg *err)
{
	return keyring_set_answer(ring, "hq", keyring_own(ring, asym_find("X25519"))->fingerprint,
		KEYROLL_VERIFIED, err);
}

static int
look_answer(struct keyring *ring)
{
	enum keyroll_answer answer;
	int64_t time;
	return keyring_answer(
		ring, "hq", keyring_own(ring, asym_find("X25519"))->fingerprint, &answer, &time);
}

/* Both of the overlap are verified before. */
static enum sc_error
do_use(struct keyring *ring, struct errmsg *err)
{
	return keyring_use(ring, asym_find("X25519"), new.bytes, err);
}

static int
look_use(struct keyring *ring)
{
	bool both =
		verdict(ring, &old) == VERDICT_VERIFIED && verdict(ring, &new) == VERDICT_VERIFIED;
	return !both ? -1 : !keyring_is_first_use(ring, asym_find("X25519"), new.bytes);
}

static enum sc_error
do_expire(struct keyring *ring, struct errmsg *err)
{
	size_t n;
	return keyring_expire(ring, &n, err);
}

static int
look_expire(struct keyring *ring)
{
	const struct peer_key *found = found_of(ring, &new);

	if (!found || found->state != KEY_VERIFIED)
		return -1;
	return verdict(ring, &old) != VERDICT_VERIFIED && !found->beside[0];
}

/* What is there before. */
enum before { PLAIN, NEXT, FORMER, OVERLAP, OVERLAP_OVER };

struct change {
	const char *name;
	enum sc_error (*run)(struct keyring *ring, struct errmsg *err);
	int (*look)(struct keyring *ring); /* 0: the old state, 1: the new one, -1: neither */
	enum before before;
};

/* Before it: the new key is verified beside the old one, and perhaps was used long ago. */
static void
overlap(struct fixture *f, bool over)
{
	enum keyroll_answer answer;
	struct errmsg err;

	assert_int_equal(keyring_roll(f->ring, &announced, true, &answer, &err), SC_OK);
	if (!over)
		return;
	struct key_record r = {.kind = KIND_VERIFIED, .key = *found_of(f->ring, &new)};
	r.key.used = unix_time() - ROLL_OVERLAP;
	assert_int_equal(change_begin(f->ring, &err), SC_OK);
	assert_int_equal(change_end(f->ring, change_write(f->ring, &r, &err)), SC_OK);
}

static void
prepare(struct fixture *f, const struct change *c)
{
	struct errmsg err;
	bool created;

	fixture_init(f);
	old = fixture_key(f, f->x25519);
	new = fixture_key(f, f->x25519);
	third = fixture_key(f, f->x25519);
	fixture_trust(f, "hq", &old);
	fixture_note(f, "hq", &new, "10.0.0.1:7400");
	assert_int_equal(
		keyring_generate(f->ring, f->x25519, &f->random.source, &created, &err), SC_OK);
	if (c->before == NEXT || c->before == FORMER)
		assert_int_equal(keyring_make(f->ring, "", f->x25519, PAIR_NEXT, &f->random.source,
					 &created, &err),
			SC_OK);
	if (c->before == FORMER)
		assert_int_equal(keyring_change_over(f->ring, "", f->x25519, &err), SC_OK);
	announced = (struct peer_key){.asym = f->x25519, .peer = "hq", .source = "10.0.0.1:7400"};
	memcpy(announced.public_key, new.bytes, 32);
	memcpy(announced.fingerprint, new.fingerprint, sizeof(new.fingerprint));
	memcpy(announced.beside, old.fingerprint, sizeof(old.fingerprint));
	if (c->before == OVERLAP || c->before == OVERLAP_OVER)
		overlap(f, c->before == OVERLAP_OVER);
}

/* True if the child was killed at that step, false if it came to its end before. */
static bool
run_killed(struct fixture *f, const struct change *c, long at)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct errmsg err;
		steps_left = at;
		_exit(c->run(f->ring, &err) == SC_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void
test_every_step(void **state)
{
	static const struct change changes[] = {
		{"verify", do_verify, look_verify, PLAIN},
		{"trust", do_trust, look_verify, PLAIN},
		{"expect", do_expect, look_expect, PLAIN},
		{"revoke", do_revoke, look_revoke, PLAIN},
		{"revoke what waits", do_revoke_pending, look_revoke_pending, PLAIN},
		{"revoke all", do_revoke_all, look_revoke_all, PLAIN},
		{"roll", do_roll, look_roll, PLAIN},
		{"roll, to wait", do_roll_pending, look_roll_pending, PLAIN},
		{"use", do_use, look_use, OVERLAP},
		{"expire", do_expire, look_expire, OVERLAP_OVER},
		{"make next", do_make_next, look_make_next, PLAIN},
		{"change over", do_change_over, look_change_over, NEXT},
		{"answer", do_answer, look_answer, PLAIN},
		{"retire", do_retire, look_retire, FORMER},
		{"make", do_make, look_make, PLAIN},
		{"note", do_note, look_note, PLAIN},
		{"note dialed", do_note_dialed, look_note_dialed, PLAIN},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		bool killed = true;
		long at = 0;
		unsigned seen[2] = {0, 0};

		while (killed) {
			struct fixture f;
			struct errmsg err;
			prepare(&f, c);
			killed = run_killed(&f, c, ++at);
			struct keyring *after = fixture_open(&f);
			int now = c->look(after);
			if (now < 0 || f.problems[0])
				fail_msg("%s, killed at step %ld: neither the old nor the new "
					 "state: %s",
					c->name, at, f.problems);
			seen[now]++;
			/* Nothing is in the way of the next one. */
			if (now == 0 && c->run(after, &err) != SC_OK)
				fail_msg("%s, after a kill at step %ld: %s", c->name, at, err.text);
			assert_int_equal(c->look(after), 1);
			keyring_free(after);
			fixture_fini(&f);
		}
		printf("%s: %ld steps, %u old, %u new\n", c->name, at - 1, seen[0], seen[1]);
		assert_true(at > 4 && seen[0] > 2 && seen[1] > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
