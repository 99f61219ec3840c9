/* Tests the making of a node where memory runs out and the system has no more threads, locks or
   descriptors, at each place where that can be: there is one, or an error says why not and nothing
   is left. */
#include "unit.h"

#include "faults.h"
#include "node_parts.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
