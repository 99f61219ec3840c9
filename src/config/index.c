/* Knows the order of sections by name; knows nothing of what is in them. */
#include "config/index.h"

#include <stdlib.h>
#include <string.h>

static size_t **
index_of(struct config *config, enum section_id section)
{
	return &config->by_name[section - SECTION_PEER];
}

static const char *
name_at(const struct config *config, enum section_id section, size_t place)
{
	const struct section_form *form = &section_forms[section];
	size_t n;
	const char *base = config_sections(config, section, &n);

	return base + place * form->size + form->name_offset;
}

/* How many of the first n in the index have names before this one. */
static size_t
count_before(const struct config *config, enum section_id section, const char *name, size_t n)
{
	const size_t *places = config->by_name[section - SECTION_PEER];
	size_t from = 0;

	while (from < n) {
		size_t middle = from + (n - from) / 2;
		if (strcmp(name_at(config, section, places[middle]), name) < 0)
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

const void *
config_find(const struct config *config, enum section_id section, const char *name)
{
	const size_t *places = config->by_name[section - SECTION_PEER];
	size_t n;
	const char *base = config_sections(config, section, &n);
	size_t at = places ? count_before(config, section, name, n) : n;

	if (at == n || strcmp(name_at(config, section, places[at]), name) != 0)
		return NULL;
	return base + places[at] * section_forms[section].size;
}

bool
index_add(struct config *config, enum section_id section)
{
	size_t **places = index_of(config, section), n;

	config_sections(config, section, &n);
	size_t *grown = reallocarray(*places, n, sizeof(**places));
	if (!grown)
		return false;
	*places = grown;
	size_t last = n - 1;
	size_t at = count_before(config, section, name_at(config, section, last), last);
	memmove(*places + at + 1, *places + at, (last - at) * sizeof(**places));
	(*places)[at] = last;
	return true;
}

void
index_free(struct config *config)
{
	for (size_t i = 0; i < sizeof(config->by_name) / sizeof(config->by_name[0]); i++)
		free(config->by_name[i]);
}
