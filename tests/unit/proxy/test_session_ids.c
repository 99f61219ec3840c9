/* Tests proxy/session_ids.c: which ids are taken, also while threads add and remove theirs. */
#include "unit.h"

#include <stdlib.h>

#include "proxy/session_ids.h"

#define THREADS 3
#define EACH    2000

static void
make_id(uint8_t id[TRUNK_SESSION_SIZE], unsigned owner, unsigned number)
{
	memset(id, 0, TRUNK_SESSION_SIZE);
	id[0] = (uint8_t)owner;
	memcpy(id + 8, &number, sizeof(number));
}

static void
test_known(void **state)
{
	static struct session_ids ids;
	struct session_id one = {0}, same = {0};
	uint8_t id[TRUNK_SESSION_SIZE], other[TRUNK_SESSION_SIZE];

	(void)state;
	assert_true(session_ids_init(&ids, &random_system));
	make_id(id, 1, 1);
	make_id(other, 1, 2);
	session_ids_remove(&ids, &one); /* nothing is there */
	assert_false(session_ids_known(&ids, id));
	session_ids_add(&ids, &one, id);
	assert_true(session_ids_known(&ids, id));
	assert_false(session_ids_known(&ids, other));
	session_ids_add(&ids, &one, other); /* in place of the first */
	assert_false(session_ids_known(&ids, id));
	assert_true(session_ids_known(&ids, other));
	session_ids_add(&ids, &same, other);
	session_ids_remove(&ids, &one);
	assert_true(session_ids_known(&ids, other));
	session_ids_remove(&ids, &same);
	assert_false(session_ids_known(&ids, other));
	session_ids_fini(&ids);
}

/* Where a link belongs: to the session itself, if there is one, else where another link goes that
   has named it; each peer for itself. */
static void
test_at(void **state)
{
	static struct session_ids ids;
	static char home, other_home, places[3];
	const struct peer *peer = (const struct peer *)&home;
	struct session_id named = {.of = SESSION_ID_NAMED, .home = peer};
	struct session_id ended = {.of = SESSION_ID_ENDED, .home = peer};
	struct session_id live = {.of = SESSION_ID_LIVE, .home = peer};
	uint8_t id[TRUNK_SESSION_SIZE];
	bool is_live = true;

	(void)state;
	named.at = (struct peer *)&places[0];
	ended.at = (struct peer *)&places[1];
	live.at = (struct peer *)&places[2];
	assert_true(session_ids_init(&ids, &random_system));
	make_id(id, 1, 1);
	assert_null(session_ids_at(&ids, id, peer, &is_live));
	assert_false(is_live);
	session_ids_add(&ids, &named, id);
	assert_false(session_ids_known(&ids, id));
	assert_false(session_ids_live(&ids, id));
	assert_ptr_equal(session_ids_at(&ids, id, peer, &is_live), named.at);
	assert_false(is_live);
	session_ids_add(&ids, &live, id);
	assert_true(session_ids_live(&ids, id));
	assert_true(session_ids_known(&ids, id));
	assert_ptr_equal(session_ids_at(&ids, id, peer, &is_live), live.at);
	assert_true(is_live);
	assert_null(session_ids_at(&ids, id, (const struct peer *)&other_home, &is_live));
	assert_false(is_live);
	session_ids_add(&ids, &ended, id);
	session_ids_remove(&ids, &live);
	assert_true(session_ids_known(&ids, id));
	assert_false(session_ids_live(&ids, id));
	assert_ptr_equal(session_ids_at(&ids, id, peer, &is_live), ended.at);
	assert_false(is_live);
	session_ids_remove(&ids, &ended);
	session_ids_remove(&ids, &named);
	assert_null(session_ids_at(&ids, id, peer, &is_live));
	session_ids_fini(&ids);
}

struct user {
	uv_thread_t thread;
	struct session_ids *ids;
	unsigned number;
	struct session_id held[EACH];
	bool wrong;
};

static void
use(void *arg)
{
	struct user *u = arg;
	uint8_t id[TRUNK_SESSION_SIZE];

	for (unsigned i = 0; i < EACH; i++) {
		make_id(id, u->number, i);
		u->wrong |= session_ids_known(u->ids, id);
		session_ids_add(u->ids, &u->held[i], id);
		u->wrong |= !session_ids_known(u->ids, id);
	}
	for (unsigned i = 0; i < EACH; i++)
		session_ids_remove(u->ids, &u->held[i]);
}

static void
test_threads(void **state)
{
	static struct session_ids ids;
	struct user *users = calloc(THREADS, sizeof(*users));

	(void)state;
	assert_non_null(users);
	assert_true(session_ids_init(&ids, &random_system));
	for (unsigned i = 0; i < THREADS; i++) {
		users[i].ids = &ids;
		users[i].number = i;
		assert_int_equal(uv_thread_create(&users[i].thread, use, &users[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		uv_thread_join(&users[i].thread);
		assert_false(users[i].wrong);
	}
	for (size_t i = 0; i < SESSION_IDS_BUCKETS; i++)
		assert_true(list_empty(&ids.buckets[i]));
	session_ids_fini(&ids);
	free(users);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
