/* Tests config/derive.c, through config_load. */
#include "unit.h"

#include "config/config.h"
#include "scratch.h"

static struct config *
load(struct scratch *s, const char *text)
{
	struct config *c;
	struct errmsg err;

	scratch_write(s, "x.ini", text, strlen(text));
	if (config_load(&c, scratch_path(s, "x.ini"), &err) != SC_OK)
		fail_msg("%s", err.text);
	return c;
}

static void
expect_control(const char *text, const char *control, bool is_default)
{
	struct scratch s;
	char path[SCRATCH_PATH_SIZE * 2];

	scratch_init(&s);
	struct config *c = load(&s, text);
	bool beside = control[0] && control[0] != '/';
	snprintf(path, sizeof(path), "%s%s%s", beside ? s.folder : "", beside ? "/" : "", control);
	assert_string_equal(c->node.control, path);
	assert_int_equal(c->node.control_is_default, is_default);
	config_free(c);
	scratch_fini(&s);
}

static void
test_control(void **state)
{
	(void)state;
	expect_control("[node]\nname = n\n", "/run/secureconn/control.sock", true);
	expect_control("[node]\nname = n\nstate = st\n", "st/control.sock", true);
	expect_control("[node]\nname = n\nstate = /srv/sc\n", "/srv/sc/control.sock", true);
	expect_control("[node]\nname = n\ncontrol = c.sock\n", "c.sock", false);
	expect_control("[node]\nname = n\ncontrol = /c.sock\n", "/c.sock", false);
	expect_control("[node]\nname = n\ncontrol =\n", "", false);
}

static void
test_control_too_long(void **state)
{
	struct scratch s;
	struct config *c;
	struct errmsg err;
	char text[256];
	(void)state;

	scratch_init(&s);
	snprintf(text, sizeof(text), "[node]\nname = n\ncontrol = /%0107d\n", 7);
	scratch_write(&s, "x.ini", text, strlen(text));
	assert_int_equal(config_load(&c, scratch_path(&s, "x.ini"), &err), SC_ERR_INVALID);
	assert_non_null(strstr(err.text, "x.ini:3: [node] control: /000"));
	assert_non_null(
		strstr(err.text, "has 108 characters; the path of a Unix socket has at most 107"));
	scratch_fini(&s);
}

static void
test_service_of_a_route(void **state)
{
	struct scratch s;
	(void)state;

	scratch_init(&s);
	struct config *c = load(&s, "[node]\nname = n\n[peer hq]\n"
				    "[route db]\nlisten = /s\npeer = hq\n"
				    "[route web]\nlisten = /t\npeer = hq\nservice = www\n");
	assert_string_equal(c->routes[0].service, "db");
	assert_string_equal(c->routes[1].service, "www");
	config_free(c);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_too_long),
		cmocka_unit_test(test_service_of_a_route),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
