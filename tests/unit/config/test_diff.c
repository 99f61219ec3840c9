/* Tests config/diff.c: for each option that there is, a file with another value for it. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "config/diff.h"
#include "scratch.h"

#define BASE                                                                                       \
	"[node]\nname = a\nstate = s\ncontrol = c\n[limits]\nsource = 9\n"                         \
	"[peer hq]\naddress = hq:1\nsources = 10.2.0.0/16\n[peer other]\n"                       \
	"[route r]\nlisten = 127.0.0.1:1\npeer = hq\n"                                             \
	"[service s]\nconnect = 127.0.0.1:2\nallow = hq\n"

static struct config *
load(struct scratch *s, const char *name, const char *text)
{
	struct config *config;
	struct errmsg err;

	scratch_write(s, name, text, strlen(text));
	if (config_load(&config, scratch_path(s, name), &err) != SC_OK)
		fail_msg("%s\n%s", err.text, text);
	return config;
}

/* The only change between two texts; the configurations stay with the caller. */
struct pair {
	struct scratch s;
	struct config *old, *now;
	struct config_diff diff;
};

static void
pair_init(struct pair *p, const char *old, const char *now)
{
	scratch_init(&p->s);
	p->old = load(&p->s, "old.ini", old);
	p->now = load(&p->s, "now.ini", now);
	assert_true(config_diff_init(&p->diff, p->old, p->old, p->now));
}

static void
pair_fini(struct pair *p)
{
	config_diff_fini(&p->diff);
	config_free(p->old);
	config_free(p->now);
	scratch_fini(&p->s);
}

static void
test_nothing(void **state)
{
	struct pair p;
	(void)state;
	/* Order, comments and defaults that are written out change nothing. */
	pair_init(&p, BASE,
		"; new\n[peer other]\nconnect = always\n[peer hq]\nkeepalive = 15s\n"
		"address = hq:1\nsources = 10.2.0.0/16\n[limits]\nsource = 9\n[service s]\n"
		"allow = hq\nconnect = 127.0.0.1:2\n[route r]\npeer = hq\nservice = r\n"
		"listen = 127.0.0.1:1\n[node]\nstate = s\ncontrol = c\nname = a\ndrain = 30s\n");
	assert_int_equal(p.diff.n, 0);
	pair_fini(&p);
}

/* Another valid value than in BASE. */
static const char *
another_value(const struct option *o)
{
	static char number[32];
	unsigned long long next = (unsigned long long)o->min + 1;

	if (o->type == VALUE_NUMBER && o->fallback && strtoull(o->fallback, NULL, 10) == next)
		next++;

	switch (o->type) {
	case VALUE_NAME:
		return o->section == SECTION_NODE ? "b" : "other";
	case VALUE_SERVICE:
		return "elsewhere";
	case VALUE_ENDPOINTS:
	case VALUE_SOCKETS:
		return "127.0.0.1:77, 127.0.0.1:78";
	case VALUE_LIST:
		return "X25519";
	case VALUE_PEERS:
		return "hq, other";
	case VALUE_PREFIXES:
		return "10.1.0.0/16, 2001:db8::/32";
	case VALUE_PATH:
	case VALUE_UNIX:
		return "./elsewhere";
	case VALUE_PATTERN:
		return "./elsewhere*";
	case VALUE_TIME:
		snprintf(number, sizeof(number), "%llums", (next + NS_PER_MS) / NS_PER_MS);
		return number;
	case VALUE_NUMBER:
	case VALUE_SIZE:
		snprintf(number, sizeof(number), "%llu", next);
		return number;
	case VALUE_FLAG:
		return strchr(o->words, '|') + 1;
	case VALUE_CHOICE:
		return strrchr(o->words, '|') + 1;
	}
	return NULL;
}

/* BASE with a key set anew, in the place of its line if it has one; which line that is. */
static unsigned
base_with(char *out, size_t size, const struct option *o, const char *value)
{
	char title[32], rest[] = BASE, *save = NULL;
	bool inside = false, done = false;
	unsigned n = 0, line = 0;
	size_t used = 0, length = strlen(o->key);

	snprintf(title, sizeof(title), section_forms[o->section].named ? "[%s " : "[%s]",
		section_forms[o->section].word);
	for (char *l = strtok_r(rest, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (inside && strncmp(l, o->key, length) == 0 && l[length] == ' ')
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s\n", l);
		n++;
		inside = l[0] == '[' ? strncmp(l, title, strlen(title)) == 0 : inside;
		if (l[0] != '[' || !inside || done)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s = %s\n", o->key, value);
		line = ++n;
		done = true;
	}
	return line;
}

/* Whichever option changes, the diff says so, and nothing else. */
static void
test_every_option(void **state)
{
	char text[1024];
	struct pair p;
	(void)state;

	for (const struct option *o = config_options; o->key; o++) {
		unsigned line = base_with(text, sizeof(text), o, another_value(o));
		bool named = section_forms[o->section].named;
		pair_init(&p, BASE, text);
		if (o->type == VALUE_PATTERN) {
			assert_int_equal(p.diff.n, 0);
			pair_fini(&p);
			continue;
		}
		if (p.diff.n != 1)
			fail_msg("%s: %zu changes\n%s", o->key, p.diff.n, text);
		const struct config_change *c = &p.diff.changes[0];
		assert_int_equal(c->kind, CHANGE_VALUE);
		assert_ptr_equal(c->option, o);
		assert_int_equal(c->section, o->section);
		assert_int_equal(c->at.line, named ? line - 1 : line);
		assert_string_equal(c->at.file, scratch_path(&p.s, "now.ini"));
		assert_int_equal(config_diff_count(&p.diff, o->apply), 1);
		pair_fini(&p);
	}
}

static void
assert_change(
	const struct config_change *c, enum change_kind kind, const char *title, unsigned line)
{
	char text[400];
	config_change_title(text, sizeof(text), c);
	assert_string_equal(text, title);
	assert_int_equal(c->kind, kind);
	assert_int_equal(c->at.line, line);
}

static void
test_sections_come_and_go(void **state)
{
	struct pair p;
	(void)state;
	pair_init(&p, BASE,
		"[node]\nname = a\nstate = s\ncontrol = c\n[peer other]\n[peer new]\n"
		"[route r2]\nlisten = 127.0.0.1:1\npeer = other\n"
		"[service s]\nconnect = 127.0.0.1:2\nallow = *\n");
	assert_int_equal(p.diff.n, 6);
	assert_change(&p.diff.changes[0], CHANGE_CAME, "[peer new]", 6);
	assert_change(&p.diff.changes[1], CHANGE_WENT, "[peer hq]", 7);
	assert_change(&p.diff.changes[2], CHANGE_CAME, "[route r2]", 7);
	assert_change(&p.diff.changes[3], CHANGE_WENT, "[route r]", 11);
	assert_change(&p.diff.changes[4], CHANGE_VALUE, "[service s] allow", 10);
	/* [limits] is gone: its key has the default again. There is no line to name. */
	assert_change(&p.diff.changes[5], CHANGE_VALUE, "[limits] source", 0);
	assert_int_equal(config_diff_count(&p.diff, APPLY_NOW), 6);
	assert_int_equal(config_diff_count(&p.diff, APPLY_NEXT), 0);
	pair_fini(&p);
}

/* A key that needs a restart is named at each reload until it is as it was at the start; others are
   compared with what is in force. */
static void
test_restart_is_remembered(void **state)
{
	struct scratch s;
	struct config_diff diff;
	(void)state;
	scratch_init(&s);
	struct config *started = load(&s, "1.ini", BASE);
	struct config *old = load(&s, "2.ini",
		"[node]\nname = b\nstate = s\ncontrol = c\ndrain = 1s\n[limits]\nsource = 9\n");
	struct config *back = load(&s, "3.ini",
		"[node]\nname = a\nstate = s\ncontrol = c\ndrain = 1s\n[limits]\nsource = 9\n");

	assert_true(config_diff_init(&diff, started, old, old));
	assert_int_equal(diff.n, 1);
	assert_change(&diff.changes[0], CHANGE_VALUE, "[node] name", 2);
	config_diff_fini(&diff);
	assert_true(config_diff_init(&diff, started, old, back));
	assert_int_equal(diff.n, 0);
	config_diff_fini(&diff);
	config_free(started);
	config_free(old);
	config_free(back);
	scratch_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_sections_come_and_go),
		cmocka_unit_test(test_restart_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
