/* Tests config/include.c, by configurations that include files. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/include.h"
#include "scratch.h"

#define NODE "[node]\nname = n\n"

/* What stands before it is the name of a folder, and no pattern. */
static void
test_strange_folder(void **state)
{
	static const char *const values[] = {"conf.d/*.ini", "conf.d/p.ini", "./conf.d/p.ini"};
	static const char folder[] = "a[x]*?\\", peer[] = "[peer hq]\n";
	char name[64], text[100];
	struct scratch s;
	struct config *c;
	struct errmsg err;
	(void)state;

	scratch_init(&s);
	assert_int_equal(mkdir(scratch_path(&s, folder), 0700), 0);
	snprintf(name, sizeof(name), "%s/conf.d", folder);
	assert_int_equal(mkdir(scratch_path(&s, name), 0700), 0);
	snprintf(name, sizeof(name), "%s/conf.d/p.ini", folder);
	scratch_write(&s, name, peer, strlen(peer));
	snprintf(name, sizeof(name), "%s/x.ini", folder);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int n = snprintf(text, sizeof(text), NODE "include = %s\n", values[i]);
		scratch_write(&s, name, text, (size_t)n);
		assert_int_equal(config_load(&c, scratch_path(&s, name), &err), SC_OK);
		assert_int_equal(c->n_peers, 1);
		config_free(c);
	}
	scratch_fini(&s);
}

/* Nothing after the "=" is the default: no file. A link that leads nowhere is a file that cannot be
   read, and not a configuration that is missing. */
static void
test_nothing(void **state)
{
	static const char empty[] = NODE "include =\n", all[] = NODE "include = conf.d/*.ini\n";
	struct scratch s;
	struct config *c;
	struct errmsg err;
	(void)state;

	scratch_init(&s);
	scratch_write(&s, "x.ini", empty, strlen(empty));
	assert_int_equal(config_load(&c, scratch_path(&s, "x.ini"), &err), SC_OK);
	assert_int_equal(c->n_files, 1);
	config_free(c);
	assert_int_equal(mkdir(scratch_path(&s, "conf.d"), 0700), 0);
	assert_int_equal(symlink("nowhere", scratch_path(&s, "conf.d/a.ini")), 0);
	scratch_write(&s, "x.ini", all, strlen(all));
	assert_int_equal(config_load(&c, scratch_path(&s, "x.ini"), &err), SC_ERR_IO);
	assert_non_null(strstr(err.text, "conf.d/a.ini: cannot be opened: No such file"));
	scratch_fini(&s);
}

/* In the order of their names; a pattern may fit none, a plain name must be that of a file. */
static void
test_names(void **state)
{
	struct scratch s;
	struct errmsg err;
	glob_t found;
	(void)state;

	scratch_init(&s);
	const struct place at = {strdup(scratch_path(&s, "x.ini")), 3};
	scratch_write(&s, "b.ini", "", 0);
	scratch_write(&s, "a.ini", "", 0);
	scratch_write(&s, "c.txt", "", 0);
	assert_int_equal(include_find(&found, "*.ini", at, &err), SC_OK);
	assert_int_equal(found.gl_pathc, 2);
	assert_string_equal(found.gl_pathv[0], scratch_path(&s, "a.ini"));
	assert_string_equal(found.gl_pathv[1], scratch_path(&s, "b.ini"));
	globfree(&found);
	assert_int_equal(include_find(&found, "*.conf", at, &err), SC_OK);
	assert_int_equal(found.gl_pathc, 0);
	globfree(&found);
	assert_int_equal(include_find(&found, "d.ini", at, &err), SC_ERR_INVALID);
	assert_non_null(strstr(err.text, "x.ini:3: [node] include: there is no file d.ini; "));
	globfree(&found);
	assert_int_equal(include_find(&found, scratch_path(&s, "c.txt"), at, &err), SC_OK);
	assert_int_equal(found.gl_pathc, 1);
	globfree(&found);
	assert_int_equal(symlink("loop", scratch_path(&s, "loop")), 0);
	assert_int_equal(include_find(&found, "loop/*.ini", at, &err), SC_ERR_IO);
	assert_non_null(strstr(err.text, "a folder of loop/*.ini cannot be read"));
	globfree(&found);
	free((char *)at.file);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_strange_folder),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
