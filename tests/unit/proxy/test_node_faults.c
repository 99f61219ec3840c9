/* Tests the making of a node where memory runs out and the system has no more threads, locks or
   descriptors, at each place where that can be: there is one, or an error says why not and nothing
   is left. */
#include "unit.h"

#include <unistd.h>

#include "base/log.h"
#include "faults.h"
#include "proxy/node.h"
#include "scratch.h"

/* With the folder for sockets, twice. */
static const char text_of[] =
	"[node]\nname = a\nstate = state\nworkers = 2\n"
	"[peer hq]\naddress = 127.0.0.1:9\n[peer lab]\n"
	"[route db]\nlisten = %s/db.sock\npeer = hq\nservice = db\n"
	"[route bulk]\nlisten = %s/bulk.sock\npeer = hq\nlink = own\nspare = 2\n"
	"[service web]\nconnect = 127.0.0.1:9\nallow = *\n";

struct trial {
	struct scratch scratch;
	struct config *config;
	struct keyring *ring;
	const struct asym_impl *asym[1];
	const struct bulk_impl *bulk[1];
};

static void
trial_init(struct trial *t)
{
	struct errmsg err;
	char folder[SCRATCH_PATH_SIZE];
	char text[1024];
	bool created;

	scratch_init(&t->scratch);
	snprintf(text, sizeof(text), text_of, t->scratch.folder, t->scratch.folder);
	scratch_write(&t->scratch, "x.ini", text, strlen(text));
	if (config_load(&t->config, scratch_path(&t->scratch, "x.ini"), &err) != SC_OK)
		fail_msg("%s", err.text);
	snprintf(folder, sizeof(folder), "%s", scratch_path(&t->scratch, "state"));
	assert_int_equal(keyring_create(folder, &err), SC_OK);
	assert_int_equal(keyring_open(&t->ring, folder, NULL, NULL, &err), SC_OK);
	t->asym[0] = asym_find("X25519");
	t->bulk[0] = bulk_choose(bulk_algorithm_find("ChaCha20-Poly1305"),
		(const char *const[]){"nettle"}, 1, NULL);
	assert_int_equal(keyring_generate(t->ring, t->asym[0], &random_system, &created, &err),
		SC_OK);
}

static void
try_new(void *arg)
{
	struct trial *t = arg;
	struct errmsg err = {.text = ""};
	const struct node_setup setup = {.config = t->config, .ring = t->ring, .asym = t->asym,
		.n_asym = 1, .bulk = t->bulk, .n_bulk = 1};

	faults_begin();
	struct node *n = node_new(&setup, &err);
	bool failed = faults_end();
	if (!failed && !n)
		fail_msg("%s", err.text);
	assert_true(n || err.text[0] != '\0');
	node_free(n);
}

static void
test_new(void **state)
{
	struct trial t;
	(void)state;

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
	trial_init(&t);
	faults_each(FAULT_MEMORY, try_new, &t);
	faults_each(FAULT_SYSTEM, try_new, &t);
	faults_each(FAULT_FILES, try_new, &t);
	keyring_free(t.ring);
	config_free(t.config);
	scratch_fini(&t.scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
