/* Tests the making of a node where memory runs out and the system has no more threads, locks or
   descriptors, at each place where that can be: there is one, or an error says why not and nothing
   is left. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "faults.h"
#include "loop.h"
#include "node_parts.h"
#include "proxy/peer.h"
#include "proxy/reload.h"
#include "proxy/workers.h"

/* With the folder for sockets, twice. */
static const char text[] =
	"[node]\nname = a\nstate = state\nworkers = 2\n"
	"[peer hq]\naddress = 127.0.0.1:9\n[peer lab]\n"
	"[route db]\nlisten = %s/db.sock\npeer = hq\nservice = db\n"
	"[route bulk]\nlisten = %s/bulk.sock\npeer = hq\nlink = own\nspare = 2\n"
	"[service web]\nconnect = 127.0.0.1:9\nallow = *\n";

static void
try_new(void *arg)
{
	struct node_parts *parts = arg;
	struct errmsg err = {.text = ""};

	faults_begin();
	struct node *n = node_new(&parts->setup, &err);
	bool failed = faults_end();
	if (!failed && !n)
		fail_msg("%s", err.text);
	assert_true(n || err.text[0] != '\0');
	node_free(n);
}

static void
test_new(void **state)
{
	struct node_parts parts;
	(void)state;

	node_parts_init(&parts, text);
	faults_each(FAULT_MEMORY, try_new, &parts);
	faults_each(FAULT_SYSTEM, try_new, &parts);
	faults_each(FAULT_FILES, try_new, &parts);
	node_parts_fini(&parts);
}

/* ---- peers that come while it runs ---- */

struct reloading {
	struct reload_waiter waiter;
	struct node_parts parts;
	struct config *next; /* that names one peer more */
	bool told, refused;
};

static const struct config *
load(void *arg, struct errmsg *err)
{
	(void)err;
	return config_hold(((struct reloading *)arg)->next);
}

static void
on_told(struct reload_waiter *waiter, const char *error)
{
	struct reloading *r = container_of(waiter, struct reloading, waiter);

	r->told = true;
	r->refused = error != NULL;
}

/* It is there with all that it needs to be dialed, or not at all. */
static void
check_peer(struct node *n, bool wanted)
{
	const struct peer *p = peer_find(n, "new", false);

	assert_true(p || !wanted);
	if (p) {
		assert_non_null(p->dialer.retry);
		assert_non_null(p->dialer.rejected);
		assert_non_null(p->own.retry);
		assert_true(!wanted || p->config);
	}
}

static void
try_reload(void *arg)
{
	struct reloading *r = arg;
	struct errmsg err;
	struct node *n = node_new(&r->parts.setup, &err);

	assert_non_null(n);
	workers_start(n);
	r->told = false;
	r->waiter.fn = on_told;
	faults_begin();
	reload_ask(n, &r->waiter);
	loop_until(&node_main(n)->loop, &r->told);
	bool failed = faults_end();
	assert_true(failed || !r->refused);
	check_peer(n, !r->refused);
	node_free(n);
}

static void
test_reload(void **state)
{
	static const char before[] = "[node]\nname = a\nstate = state\nworkers = 1\n[peer hq]\n";
	static const char after[] = "[node]\nname = a\nstate = state\nworkers = 1\n[peer hq]\n"
				    "[peer new]\n";
	struct reloading r = {.told = false};
	struct errmsg err;
	(void)state;

	node_parts_init(&r.parts, before);
	scratch_write(&r.parts.scratch, "x.ini", after, sizeof(after) - 1);
	const char *path = scratch_path(&r.parts.scratch, "x.ini");
	assert_int_equal(config_load(&r.next, path, &err), SC_OK);
	r.parts.setup.load = load;
	r.parts.setup.load_arg = &r;
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, nowhere); /* each one that fails is told */
	faults_each(FAULT_MEMORY, try_reload, &r);
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
	close(nowhere);
	config_free(r.next);
	node_parts_fini(&r.parts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_reload),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
