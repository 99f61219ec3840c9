/* Tests config/ where memory runs out and files cannot be read, at each place where that can be: a
   configuration is loaded whole, or an error says why not. */
#include "unit.h"

#include <sys/stat.h>

#include "config/config.h"
#include "faults.h"
#include "scratch.h"

/* Every kind of value and section, and another file. */
static const char text[] =
	"[node]\nname = store-7\nlisten = 0.0.0.0:7400, [::]:7400\nstate = st\n"
	"include = conf.d/*.ini\nasymmetric = X25519, ElGamal 3072\ncontrol = c.sock\n"
	"implementations = nettle\n[limits]\nhandshake = 3s\n"
	"[peer hq]\naddress = hq.example.com:7400,\n  hq2.example.com:7401\n"
	"[route db]\nlisten = 127.0.0.1:5432, /run/db.sock\npeer = hq\n";
static const char more[] = "[service web]\nconnect = 127.0.0.1:80\nallow = hq\n[peer store-1]\n";

static void
try_load(void *arg)
{
	struct scratch *s = arg;
	struct config *c;
	struct errmsg err = {.text = ""};

	faults_begin();
	enum sc_error error = config_load(&c, scratch_path(s, "x.ini"), &err);
	bool failed = faults_end();
	if (!failed && error != SC_OK)
		fail_msg("%s", err.text);
	assert_true((error == SC_OK) == (c != NULL));
	assert_true((error == SC_OK) == (err.text[0] == '\0'));
	if (c) {
		assert_int_equal(c->n_peers, 2);
		assert_int_equal(c->n_services, 1);
		assert_int_equal(c->peers[0].address.n, 2);
		assert_int_equal(c->routes[0].listen.n, 2);
		assert_int_equal(c->node.asymmetric.n, 2);
	}
	config_free(c);
}

static void
test_load(void **state)
{
	struct scratch s;
	(void)state;

	scratch_init(&s);
	scratch_write(&s, "x.ini", text, sizeof(text) - 1);
	assert_int_equal(mkdir(scratch_path(&s, "conf.d"), 0700), 0);
	scratch_write(&s, "conf.d/a.ini", more, sizeof(more) - 1);
	faults_each(FAULT_MEMORY, try_load, &s);
	faults_each(FAULT_FILES, try_load, &s);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
