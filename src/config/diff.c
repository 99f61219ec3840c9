/* Knows how two configurations differ, by the table of options; knows no single option, and
   nothing of what a node does about it. */
#include "config/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/index.h"

struct differ {
	struct config_diff *diff;
	const struct config *now;
	enum section_id section;
	bool full; /* out of memory */
};

static bool
endpoints_equal(const struct endpoint_list *a, const struct endpoint_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->at[i].text, b->at[i].text) != 0)
			return false;
	return a->n == b->n;
}

static bool
names_equal(const struct name_list *a, const struct name_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return a->n == b->n;
}

static bool
prefixes_equal(const struct prefix_list *a, const struct prefix_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!prefix_equal(&a->at[i], &b->at[i]))
			return false;
	return a->n == b->n;
}

static bool
paths_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* True if the member has the same value in both sections' structs; where it was set does not
   matter. */
static bool
value_equal(const void *a, const void *b, const struct option *o)
{
	const void *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;

	switch (o->type) {
	case VALUE_NAME:
	case VALUE_SERVICE:
		return strcmp(x, y) == 0;
	case VALUE_ENDPOINTS:
	case VALUE_SOCKETS:
		return endpoints_equal(x, y);
	case VALUE_LIST:
	case VALUE_PEERS:
		return names_equal(x, y);
	case VALUE_PREFIXES:
		return prefixes_equal(x, y);
	case VALUE_PATH:
	case VALUE_UNIX:
		return paths_equal(*(char *const *)x, *(char *const *)y);
	case VALUE_PATTERN:
		return true; /* what it reads counts */
	case VALUE_TIME:
	case VALUE_SIZE:
		return memcmp(x, y, sizeof(uint64_t)) == 0;
	case VALUE_NUMBER:
		return memcmp(x, y, sizeof(uint32_t)) == 0;
	case VALUE_FLAG:
		return memcmp(x, y, sizeof(bool)) == 0;
	case VALUE_CHOICE:
		return memcmp(x, y, sizeof(unsigned)) == 0;
	}
	return false;
}

static const char *
name_of(enum section_id section, const void *base)
{
	const struct section_form *form = &section_forms[section];
	return form->named ? (const char *)base + form->name_offset : "";
}

static struct place
place_of(enum section_id section, const void *base)
{
	const struct section_form *form = &section_forms[section];
	const char *bytes = base;
	return (struct place){*(const char *const *)(const void *)(bytes + form->file_offset),
		*(const unsigned *)(const void *)(bytes + form->line_offset)};
}

/* The section of that name, or NULL. */
static const void *
find(const struct config *config, enum section_id section, const char *name)
{
	size_t one;

	return section_forms[section].named ? config_find(config, section, name)
					    : config_sections(config, section, &one);
}

static void
add(struct differ *d, enum change_kind kind, const void *base, const struct option *option)
{
	struct config_diff *diff = d->diff;
	struct config_change *changes = reallocarray(diff->changes, diff->n + 1, sizeof(*changes));

	d->full = d->full || !changes;
	if (!changes)
		return;
	diff->changes = changes;
	struct place at = place_of(d->section, base);
	if (option && d->now->lines[option - config_options] != 0)
		at.line = d->now->lines[option - config_options];
	changes[diff->n++] =
		(struct config_change){kind, d->section, name_of(d->section, base), option, at};
}

static void
compare(struct differ *d, const void *started, const void *old, const void *now)
{
	for (const struct option *o = config_options; o->key; o++) {
		if (o->section != d->section)
			continue;
		const void *before = o->apply == APPLY_RESTART && started ? started : old;
		if (!value_equal(before, now, o))
			add(d, CHANGE_VALUE, now, o);
	}
}

bool
config_diff_init(struct config_diff *diff, const struct config *started, const struct config *old,
	const struct config *now)
{
	struct differ d = {.diff = diff, .now = now};
	size_t n;

	*diff = (struct config_diff){.changes = NULL};
	for (size_t s = 0; s < SECTION_COUNT; s++) {
		d.section = (enum section_id)s;
		const size_t size = section_forms[s].size;
		const char *base = config_sections(now, d.section, &n);
		for (size_t i = 0; i < n; i++, base += size) {
			const char *name = name_of(d.section, base);
			const void *before = find(old, d.section, name);
			if (before)
				compare(&d, find(started, d.section, name), before, base);
			else
				add(&d, CHANGE_CAME, base, NULL);
		}
		base = config_sections(old, d.section, &n);
		for (size_t i = 0; i < n; i++, base += size)
			if (!find(now, d.section, name_of(d.section, base)))
				add(&d, CHANGE_WENT, base, NULL);
	}
	return !d.full;
}

void
config_diff_fini(struct config_diff *diff)
{
	free(diff->changes);
	*diff = (struct config_diff){.changes = NULL};
}

size_t
config_diff_count(const struct config_diff *diff, enum option_apply apply)
{
	size_t count = 0;

	for (size_t i = 0; i < diff->n; i++) {
		const struct option *option = diff->changes[i].option;
		count += (option ? option->apply : APPLY_NOW) == apply;
	}
	return count;
}

void
config_change_title(char *out, size_t size, const struct config_change *change)
{
	snprintf(out, size, "[%s%s%s]%s%s", section_forms[change->section].word,
		change->name[0] ? " " : "", change->name, change->option ? " " : "",
		change->option ? change->option->key : "");
}
