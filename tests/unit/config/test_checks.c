/* Tests config/checks.c, on structs that config_load has made. */
#include "unit.h"

#include "config/config.h"
#include "scratch.h"

#define NODE "[node]\nname = n\nlisten = 127.0.0.1:7400\n[peer hq]\n"

static const struct {
	const char *text, *message; /* NULL: it is fine */
} cases[] = {
	{NODE "[route r]\npeer = hq\nlisten = 127.0.0.1:1, [::1]:1, localhost:2, /s\n", NULL},
	{NODE "[route r]\npeer = hq\nlisten = 0.0.0.0:1\nplaintext = allow\n", NULL},
	{NODE "[route r]\npeer = hq\nlisten = 127.0.0.1:1, 0.0.0.0:1\n",
		"x.ini:7: [route r] listen: 0.0.0.0:1 is not on this host, and what goes there is "
		"not encrypted; use a loopback address, or add plaintext = allow to this section"},
	{NODE "[route r]\npeer = hq\nlisten = 127.0.0.1:7400\n",
		"x.ini:7: [route r] listen: 127.0.0.1:7400 is taken by [node], x.ini:3; choose "
		"another port"},
	{NODE "[route r]\npeer = hq\nlisten = /s\n[route t]\npeer = hq\nlisten = /s\n",
		"x.ini:10: [route t] listen: /s is taken by [route r], x.ini:7; choose another "
		"port"},
	{NODE "[route r]\npeer = hq\nlisten = [::1]:1\n[route t]\npeer = hq\nlisten = [0::1]:1\n",
		"x.ini:10: [route t] listen: [0::1]:1 is taken by [route r], x.ini:7; choose "
		"another port"},
	{NODE "[route r]\npeer = hq\nlisten = [::1]:1, [0:0::1]:1\n",
		"x.ini:7: [route r] listen: \"[0:0::1]:1\" is there twice; remove one"},
	{NODE "[route r]\npeer = elsewhere\nlisten = /s\n",
		"x.ini:6: [route r] peer: there is no [peer elsewhere]; add that section"},
	{NODE "[peer dr]\n[route r]\npolicy = balance\npeer = hq,\n  dr\nlisten = /s\n", NULL},
	{NODE "[route r]\nlisten = /s\npeer = hq, h1\n",
		"x.ini:7: [route r] peer: there is no [peer h1]; did you mean \"hq\"?"},
	{NODE "[route r]\nlisten = /s\npeer = *\n",
		"x.ini:7: [route r] peer: \"*\" is no peer; write the names of those that have "
		"the service"},
	{NODE "[route r]\nlisten = /s\npeer = hq, hq\n",
		"x.ini:7: [route r] peer: \"hq\" is there twice; remove one"},
	{NODE "[peer x]\naddress = x:1\n[route r]\nlink = own\nspare = 16\npeer = x\nlisten = /s\n",
		NULL},
	{NODE "[peer x]\naddress = x:1\n[route r]\nlink = own\npeer = x, hq\nlisten = /s\n",
		"x.ini:9: [route r] link: own means that this node dials, but [peer hq] has no "
		"address; give it one, or use link = shared"},
	{NODE "[route r]\nlisten = /s\npeer = hq\npolicy = random\n",
		"x.ini:8: [route r] policy: \"random\" is not known here; write one of "
		"failover/balance"},
	{NODE "[service s]\nconnect = 127.0.0.1:1\nallow = hq\n", NULL},
	{"[node]\nname = n\nmetrics = 127.0.0.1:9740, /m.sock\n", NULL},
	{"[node]\nname = n\nmetrics =\n", NULL},
	{"[node]\nname = n\nmetrics = 0.0.0.0:9740\n",
		"x.ini:3: [node] metrics: 0.0.0.0:9740 is not on this host; use a loopback address "
		"(a [service] can lead the peer there that collects them)"},
	{"[node]\nname = n\nlisten = 127.0.0.1:7400\nmetrics = 127.0.0.1:7400\n",
		"x.ini:4: [node] metrics: 127.0.0.1:7400 is taken by [node] listen, x.ini:3; "
		"choose another port"},
	{"[node]\nname = n\nmetrics = /s\n[peer hq]\n[route r]\npeer = hq\nlisten = /s\n",
		"x.ini:7: [route r] listen: /s is taken by [node] metrics, x.ini:3; choose another "
		"port"},
	{NODE "[service s]\nconnect = 127.0.0.1:1\nallow = hq\nsend_proxy = v2\n", NULL},
	{NODE "sources = 10.0.0.0/8\n[service s]\nconnect = 127.0.0.1:1\nallow = *\nsource = "
	      "original\n",
		NULL},
	{NODE "[peer x]\nsources = 10.0.0.0/8\n[service s]\nconnect = [::1]:1\nallow = hq, "
	      "x\nsource = original\n",
		NULL},
	{NODE "[peer x]\nsources = 10.0.0.0/8\n[service s]\nconnect = [::1]:1\nallow = hq\nsource "
	      "= original\n",
		"x.ini:9: [service s] source: original refuses clients whose addresses their peer "
		"may not claim, and no peer that this service allows may claim any; add sources = "
		"PREFIX to its section"},
	{NODE "sources = 10.0.0.0/8\n[service s]\nconnect = 127.0.0.1:1, /s\nallow = hq\nsource = "
	      "original\n",
		"x.ini:7: [service s] connect: /s: a Unix socket has no addresses to show; connect "
		"to host:port, or use source = node and send_proxy"},
	{NODE "sources = 10.0.0.0/8, 10.0.0.1/8\n",
		"x.ini:5: [peer hq] sources: \"10.0.0.1/8\" says more than its first 8 bits; write "
		"10.0.0.0/8, or a longer prefix"},
	{NODE "sources = 127.0.0.0/8\n",
		"x.ini:5: [peer hq] sources: no address in \"127.0.0.0/8\" is ever used: not of "
		"loopback, link-local or multicast, and not an IPv4 address written as IPv6; "
		"remove it"},
	{NODE "[service s]\nconnect = 127.0.0.1:1\nallow = hq\nsend_proxy = yes\n",
		"x.ini:8: [service s] send_proxy: \"yes\" is not known here; write one of "
		"off/v1/v2"},
	{NODE "[service s]\nconnect = 127.0.0.1:1\nallow = hq, h1\n",
		"x.ini:7: [service s] allow: there is no [peer h1]; did you mean \"hq\"?"},
	{NODE "[service s]\nconnect = 127.0.0.1:1\nallow = hq, *\n",
		"x.ini:7: [service s] allow: \"*\" is every verified peer; write it alone, or the "
		"names alone"},
	{NODE "[service s]\nconnect = db.example.com:1\nallow = *\n",
		"x.ini:6: [service s] connect: db.example.com:1 is not on this host, and what goes "
		"there is not encrypted; use a loopback address, or add plaintext = allow to this "
		"section"},
	{NODE "[service s]\nconnect = db.example.com:1\nallow = *\nplaintext = allow\n", NULL},
};

static void
test_cases(void **state)
{
	struct scratch s;
	struct config *c;
	struct errmsg err;
	(void)state;

	scratch_init(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scratch_write(&s, "x.ini", cases[i].text, strlen(cases[i].text));
		enum sc_error error = config_load(&c, scratch_path(&s, "x.ini"), &err);
		if (!cases[i].message && error != SC_OK)
			fail_msg("%s", err.text);
		config_free(c);
		if (!cases[i].message)
			continue;
		assert_int_equal(error, SC_ERR_INVALID);
		size_t prefix = strlen(s.folder) + 1;
		for (char *at; (at = strstr(err.text, s.folder));)
			memmove(at, at + prefix, strlen(at + prefix) + 1);
		assert_string_equal(err.text, cases[i].message);
	}
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
