/* Tests config/template.c, and that conf/secureconn.ini is what it writes. */
#include "unit.h"

#include "config/config.h"
#include "config/options.h"
#include "config/template.h"
#include "scratch.h"

static char *
render(const struct template_values *values)
{
	static char *text; /* a local one looks to gcc as if the stream kept its address */
	static size_t n;
	FILE *out = open_memstream(&text, &n);
	assert_non_null(out);
	config_template(out, values);
	fclose(out);
	return text;
}

static struct config *
load(const char *text)
{
	struct scratch s;
	struct config *config;
	struct errmsg err;

	scratch_init(&s);
	scratch_write(&s, "x.ini", text, strlen(text));
	if (config_load(&config, scratch_path(&s, "x.ini"), &err) != SC_OK)
		fail_msg("%s", err.text);
	scratch_fini(&s);
	return config;
}

static void
test_as_written(void **state)
{
	char *text = render(&(struct template_values){"store-7", "/s", "X25519"});
	struct config *c = load(text);
	(void)state;

	assert_string_equal(c->node.name, "store-7");
	assert_string_equal(c->node.state, "/s");
	assert_int_equal(c->node.asymmetric.n, 1);
	assert_string_equal(c->node.asymmetric.at[0], "X25519");
	assert_int_equal(c->n_peers + c->n_routes + c->n_services, 0);
	config_free(c);
	free(text);
}

/* Removing the ';' of every ";key = value" and ";[section]" must give a file that loads. */
static void
test_uncommented(void **state)
{
	char *text = render(&(struct template_values){"store-7", NULL, NULL});
	char *out = text;
	(void)state;

	for (const char *in = text; *in; in++)
		if (!(*in == ';' && (in == text || in[-1] == '\n') && in[1] != ' '))
			*out++ = *in;
	*out = '\0';
	char *allow = strstr(text, "allow = store-7, store-8"); /* these have no section here */
	assert_non_null(allow);
	memcpy(allow, "allow = hq              ", 24);
	struct config *c = load(text);
	assert_int_equal(c->node.listen.n, 2);
	assert_int_equal(c->n_peers, 1);
	assert_int_equal(c->n_routes, 1);
	assert_int_equal(c->n_services, 1);
	config_free(c);
	free(text);
}

static void
test_conf_file(void **state)
{
	char *text = render(&(struct template_values){"store-7", NULL, NULL});
	char *file = scratch_read(CONF_DIR "/secureconn.ini", NULL);
	char line[64];
	(void)state;

	assert_string_equal(file, text);
	for (const struct option *o = config_options; o->key; o++) {
		snprintf(line, sizeof(line), "\n;%s = ", o->key);
		if (strcmp(o->key, "name") != 0)
			assert_non_null(strstr(file, line));
	}
	config_free(load(file));
	free(text);
	free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_written),
		cmocka_unit_test(test_uncommented),
		cmocka_unit_test(test_conf_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
