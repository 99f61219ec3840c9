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

static struct shown_key old, new;
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

struct change {
	const char *name;
	enum sc_error (*run)(struct keyring *ring, struct errmsg *err);
	int (*look)(struct keyring *ring); /* 0: the old state, 1: the new one, -1: neither */
	bool next, former;                 /* what is there before */
};

static void
prepare(struct fixture *f, const struct change *c)
{
	struct errmsg err;
	bool created;

	fixture_init(f);
	old = fixture_key(f, f->x25519);
	new = fixture_key(f, f->x25519);
	fixture_trust(f, "hq", &old);
	fixture_note(f, "hq", &new, "10.0.0.1:7400");
	assert_int_equal(
		keyring_generate(f->ring, f->x25519, &f->random.source, &created, &err), SC_OK);
	if (c->next || c->former)
		assert_int_equal(keyring_make(f->ring, "", f->x25519, PAIR_NEXT, &f->random.source,
					 &created, &err),
			SC_OK);
	if (c->former)
		assert_int_equal(keyring_change_over(f->ring, "", f->x25519, &err), SC_OK);
	announced = (struct peer_key){.asym = f->x25519, .peer = "hq", .source = "10.0.0.1:7400"};
	memcpy(announced.public_key, new.bytes, 32);
	memcpy(announced.fingerprint, new.fingerprint, sizeof(new.fingerprint));
	memcpy(announced.beside, old.fingerprint, sizeof(old.fingerprint));
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
		{"verify", do_verify, look_verify, false, false},
		{"trust", do_trust, look_verify, false, false},
		{"revoke", do_revoke, look_revoke, false, false},
		{"roll", do_roll, look_roll, false, false},
		{"change over", do_change_over, look_change_over, true, false},
		{"retire", do_retire, look_retire, false, true},
		{"make", do_make, look_make, false, false},
		{"note", do_note, look_note, false, false},
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
