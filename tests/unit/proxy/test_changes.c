/* Tests proxy/changes.c: who waits for files to change is told soon, and not too often. */
#include "loop.h"

#include <unistd.h>

#include "keyring/keyring.h"
#include "proxy/changes.h"
#include "scratch.h"

struct told {
	bool told;
	int count;
	uint64_t at;
};

static void
on_change(void *owner)
{
	struct told *t = owner;
	t->told = true;
	t->count++;
	t->at = uv_hrtime();
}

static void
test_soon(void **state)
{
	struct scratch scratch;
	struct told told = {0};
	struct errmsg err;
	char folder[SCRATCH_PATH_SIZE];
	size_t n;

	scratch_init(&scratch);
	snprintf(folder, sizeof(folder), "%s", scratch_path(&scratch, "state"));
	assert_int_equal(keyring_create(folder, &err), SC_OK);
	struct changes *c = changes_new(*state, folder, on_change, &told);
	assert_non_null(c);
	uv_run(*state, UV_RUN_NOWAIT);
	assert_int_equal(told.count, 0);

	struct keyring *ring;
	assert_int_equal(keyring_open(&ring, folder, NULL, NULL, &err), SC_OK);
	uint64_t before = uv_hrtime();
	const char *fingerprint = "0000-0000-0000-0000-0000-0000-0000-0000";
	assert_int_equal(keyring_revoke(ring, "hq", fingerprint, &n, &err), SC_OK);
	loop_until(*state, &told.told);
	assert_true(told.at - before < NS_PER_S);

	/* A thousand changes are not a thousand calls. */
	told.count = 0;
	before = uv_hrtime();
	for (int i = 0; i < 1000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "state/peers/%d", i);
		scratch_write(&scratch, name, "", 0);
		uv_run(*state, UV_RUN_NOWAIT);
	}
	assert_true((uint64_t)told.count <= 2 + (uv_hrtime() - before) / (100 * NS_PER_MS));
	told.told = false;
	loop_until(*state, &told.told); /* the last of them is told too */
	changes_free(c);
	keyring_free(ring);
	uv_run(*state, UV_RUN_DEFAULT);
	scratch_fini(&scratch);
}

static void
test_no_folder(void **state)
{
	struct told told = {0};
	assert_null(changes_new(*state, "/nonexistent", on_change, &told));
	changes_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_soon),
		LOOP_TEST(test_no_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
