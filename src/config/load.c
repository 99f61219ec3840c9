/* Knows how files become structs: sections, keys, defaults, included files. Knows no single option
   but [node] name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/checks.h"
#include "config/config.h"
#include "config/derive.h"
#include "config/include.h"
#include "config/index.h"
#include "config/listens.h"
#include "config/nearest.h"
#include "config/options.h"
#include "config/read.h"
#include "config/value.h"

struct loader {
	struct config *config;
	struct place include_at; /* where `include` is */
	char *include;           /* its value; NULL: it is nowhere (yet) */
	bool included; /* the present file was named by an include */
	/* The present section. */
	bool open;
	enum section_id section;
	unsigned lines[OPTIONS_MAX]; /* of its keys; 0: not there */
};

/* "peer hq", as messages show a section. */
struct title {
	char text[300];
};

static void *
section_struct(const struct loader *l)
{
	struct config *c = l->config;
	switch (l->section) {
	case SECTION_PEER:
		return &c->peers[c->n_peers - 1];
	case SECTION_ROUTE:
		return &c->routes[c->n_routes - 1];
	case SECTION_SERVICE:
		return &c->services[c->n_services - 1];
	case SECTION_LIMITS:
		return &c->limits;
	default:
		return &c->node;
	}
}

static struct title
title_of(enum section_id section, const char *name)
{
	struct title t;
	snprintf(t.text, sizeof(t.text), section_forms[section].named ? "[%s %s]" : "[%s]",
		section_forms[section].word, name);
	return t;
}

/* The line that the present section was opened in; 0: it is not there. */
static unsigned
section_line(const struct loader *l)
{
	const char *bytes = section_struct(l);
	return *(const unsigned *)(const void *)(bytes + section_forms[l->section].line_offset);
}

static struct title
present_title(const struct loader *l)
{
	return title_of(l->section,
		(const char *)section_struct(l) + section_forms[l->section].name_offset);
}

/* The array that holds sections of this kind, and their number. */
static void **
section_array(struct config *c, enum section_id section, size_t **n)
{
	switch (section) {
	case SECTION_PEER:
		*n = &c->n_peers;
		return (void **)&c->peers;
	case SECTION_ROUTE:
		*n = &c->n_routes;
		return (void **)&c->routes;
	default:
		*n = &c->n_services;
		return (void **)&c->services;
	}
}

static enum sc_error
doubled(struct place at, const char *what, const void *first, const struct section_form *form,
	struct errmsg *err)
{
	const char *bytes = first;
	return place_error(err, SC_ERR_INVALID, at, "%s is there already, %s:%u; merge the two",
		what, *(const char *const *)(const void *)(bytes + form->file_offset),
		*(const unsigned *)(const void *)(bytes + form->line_offset));
}

/* Appends an empty section of that name. */
static enum sc_error
add_section(struct loader *l, struct place at, const char *name, struct errmsg *err)
{
	const struct section_form *form = &section_forms[l->section];
	size_t *n;
	void **array = section_array(l->config, l->section, &n);

	if (!name_valid(name, form->name_size - 1))
		return place_error(err, SC_ERR_INVALID, at,
			"%s: the name must have 1 to %zu letters, digits, \".\", \"_\" and "
			"\"-\", no \".\" first",
			title_of(l->section, name).text, form->name_size - 1);
	const void *first = config_find(l->config, l->section, name);
	if (first)
		return doubled(at, title_of(l->section, name).text, first, form, err);
	void *grown = reallocarray(*array, *n + 1, form->size);
	if (!grown)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	*array = grown;
	char *bytes = (char *)grown + *n * form->size;
	memset(bytes, 0, form->size);
	memcpy(bytes + form->name_offset, name, strlen(name) + 1);
	++*n;
	return index_add(l->config, l->section) ? SC_OK
						: errmsg_set(err, SC_ERR_MEMORY, "out of memory");
}

static enum sc_error
unknown_section(struct place at, const char *word, struct errmsg *err)
{
	const char *near = NULL;
	for (size_t i = 0; i < SECTION_COUNT; i++)
		nearest_consider(&near, word, section_forms[i].word);
	if (near)
		return place_error(err, SC_ERR_INVALID, at,
			"there is no section [%s]; did you mean \"%s\"?", word, near);
	return place_error(err, SC_ERR_INVALID, at,
		"there is no section [%s]; there are [node], [peer NAME], [route NAME], [service "
		"NAME], [limits]",
		word);
}

static enum sc_error
find_section(
	struct loader *l, struct place at, const char *word, const char *name, struct errmsg *err)
{
	size_t i = 0;
	while (i < SECTION_COUNT && strcmp(section_forms[i].word, word) != 0)
		i++;
	if (i == SECTION_COUNT)
		return unknown_section(at, word, err);
	l->section = (enum section_id)i;
	if (section_forms[i].named && *name == '\0')
		return place_error(
			err, SC_ERR_INVALID, at, "[%s] needs a name; write [%s NAME]", word, word);
	if (!section_forms[i].named && *name != '\0')
		return place_error(
			err, SC_ERR_INVALID, at, "[%s] takes no name; write [%s]", word, word);
	return SC_OK;
}

/* Defaults for the keys that the present section has not; complains about those that it must
   have. */
static enum sc_error
finish_section(struct loader *l, struct errmsg *err)
{
	void *base = section_struct(l);
	struct errmsg why;

	for (size_t i = 0; l->open && config_options[i].key; i++) {
		const struct option *o = &config_options[i];
		if (o->section != l->section || l->lines[i] != 0)
			continue;
		if (!o->fallback) {
			const struct section_form *form = &section_forms[l->section];
			const char *bytes = base;
			struct place at = {
				*(const char *const *)(const void *)(bytes + form->file_offset),
				*(const unsigned *)(const void *)(bytes + form->line_offset)};
			return place_error(err, SC_ERR_INVALID, at,
				"%s: %s is missing; add %s = %s", present_title(l).text, o->key,
				o->key, o->example);
		}
		if (o->fallback[0] == '\0' && !value_is_list(o))
			continue;
		enum sc_error error =
			value_set(base, o, o->fallback, (struct place){NULL, 0}, &why);
		if (error != SC_OK)
			return errmsg_set(err, error, "%s", why.text);
	}
	l->open = false;
	return SC_OK;
}

/* An ini_events section: "peer hq". */
static enum sc_error
on_section(void *arg, struct place at, const char *text, struct errmsg *err)
{
	struct loader *l = arg;
	char word[128];
	enum sc_error error = finish_section(l, err);

	if (error != SC_OK)
		return error;
	size_t n = strcspn(text, " \t");
	snprintf(word, sizeof(word), "%.*s", (int)n, text);
	const char *name = text + n + strspn(text + n, " \t");
	if ((error = find_section(l, at, word, name, err)) != SC_OK)
		return error;
	if (section_forms[l->section].named)
		error = add_section(l, at, name, err);
	else if (section_line(l) != 0)
		error = doubled(at, present_title(l).text, section_struct(l),
			&section_forms[l->section], err);
	if (error != SC_OK)
		return error;
	l->open = true;
	memset(l->lines, 0, sizeof(l->lines));
	char *bytes = section_struct(l);
	*(unsigned *)(void *)(bytes + section_forms[l->section].line_offset) = at.line;
	*(const char **)(void *)(bytes + section_forms[l->section].file_offset) = at.file;
	return SC_OK;
}

static enum sc_error
unknown_key(const struct loader *l, struct place at, const char *key, struct errmsg *err)
{
	const char *near = NULL;
	char shown[60], known[400] = "";
	size_t used = 0;

	escape_text(shown, sizeof(shown), key, strlen(key));
	for (const struct option *o = config_options; o->key; o++) {
		if (o->section != l->section)
			continue;
		nearest_consider(&near, key, o->key);
		int n = snprintf(
			known + used, sizeof(known) - used, "%s%s", used ? ", " : "", o->key);
		used = min_size(used + (size_t)n, sizeof(known) - 1);
	}
	if (near)
		return place_error(err, SC_ERR_INVALID, at,
			"%s: there is no key \"%s\"; did you mean \"%s\"?", present_title(l).text,
			shown, near);
	return place_error(err, SC_ERR_INVALID, at, "%s: there is no key \"%s\"; there are %s",
		present_title(l).text, shown, known);
}

/* Files to read too, when this one is done. */
static enum sc_error
note_include(struct loader *l, struct place at, const char *value, struct errmsg *err)
{
	if (l->included)
		return place_error(err, SC_ERR_INVALID, at,
			"[node] include: an included file cannot include others; name them all in "
			"the first");
	l->include_at = at;
	l->include = strdup(value);
	return l->include ? SC_OK : errmsg_set(err, SC_ERR_MEMORY, "out of memory");
}

/* An ini_events value. */
static enum sc_error
on_value(void *arg, struct place at, const char *key, const char *value, bool more,
	struct errmsg *err)
{
	struct loader *l = arg;
	struct errmsg why;

	if (!l->open)
		return place_error(err, SC_ERR_INVALID, at,
			"the key \"%.40s\" stands before any section; write [node] above it", key);
	const struct option *o = option_find(l->section, key);
	if (!o)
		return unknown_key(l, at, key, err);
	unsigned *line = &l->lines[o - config_options];
	if (more && !value_is_list(o))
		return place_error(err, SC_ERR_INVALID, at,
			"%s %s: takes one value, in one line; remove this line",
			present_title(l).text, key);
	if (!more && *line != 0)
		return place_error(err, SC_ERR_INVALID, at,
			"%s %s: is there already, in line %u; remove one of the two",
			present_title(l).text, key, *line);
	*line = at.line;
	if (!section_forms[l->section].named)
		l->config->lines[o - config_options] = at.line;
	if (o->type == VALUE_PATTERN)
		return note_include(l, at, value, err);
	enum sc_error error = value_set(section_struct(l), o, value, at, &why);
	if (error == SC_OK)
		return SC_OK;
	return place_error(err, error, at, "%s %s: %s", present_title(l).text, key, why.text);
}

static enum sc_error
load_file(struct loader *l, const char *path, struct errmsg *err)
{
	struct config *c = l->config;
	const struct ini_events events = {on_section, on_value, l};
	char **files = reallocarray(c->files, c->n_files + 1, sizeof(*files));

	if (!files)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	c->files = files;
	if (!(files[c->n_files] = strdup(path)))
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	enum sc_error error = ini_read(files[c->n_files++], &events, err);
	return error == SC_OK ? finish_section(l, err) : error;
}

/* One that is there no more is no missing configuration. */
static enum sc_error
load_included_file(struct loader *l, const char *path, struct errmsg *err)
{
	enum sc_error error = load_file(l, path, err);

	return error == SC_ERR_NOT_FOUND ? SC_ERR_IO : error;
}

static enum sc_error
load_included(struct loader *l, struct errmsg *err)
{
	glob_t found;

	if (!l->include)
		return SC_OK;
	enum sc_error error = include_find(&found, l->include, l->include_at, err);
	l->included = true;
	for (size_t i = 0; error == SC_OK && i < found.gl_pathc; i++)
		error = load_included_file(l, found.gl_pathv[i], err);
	globfree(&found);
	return error;
}

/* Defaults of the sections that are not there, and those that no table can hold. */
static enum sc_error
derive_defaults(struct loader *l, struct errmsg *err)
{
	struct config *c = l->config;

	for (size_t i = 0; i < SECTION_COUNT; i++) {
		l->section = (enum section_id)i;
		if (section_forms[i].named || section_line(l) != 0)
			continue;
		l->open = true;
		memset(l->lines, 0, sizeof(l->lines));
		enum sc_error error = finish_section(l, err);
		if (error != SC_OK)
			return error;
	}
	return config_derive(c, err);
}

enum sc_error
config_load(struct config **config, const char *path, struct errmsg *err)
{
	struct loader l = {.config = calloc(1, sizeof(**config))};
	enum sc_error error = SC_OK;

	*config = NULL;
	if (!l.config)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	atomic_init(&l.config->owners, 1);
	error = load_file(&l, path, err);
	if (error == SC_OK)
		error = load_included(&l, err);
	if (error == SC_OK)
		error = derive_defaults(&l, err);
	if (error == SC_OK && !listens_index(l.config))
		error = errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	if (error == SC_OK)
		error = config_check(l.config, err);
	free(l.include);
	if (error != SC_OK)
		config_free(l.config);
	else
		*config = l.config;
	return error;
}
