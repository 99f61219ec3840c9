/* Knows how lists of values are written; what one item is, endpoint.c and prefix.c know too. */
#include "config/value_list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/value.h"

static enum sc_error
no_memory(struct errmsg *err)
{
	return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
}

static enum sc_error
twice(const char *text, struct errmsg *err)
{
	return errmsg_set(
		err, SC_ERR_INVALID, "\"%s\" is there twice; remove one", value_show(text).text);
}

static enum sc_error
add_endpoint(struct endpoint_list *list, const char *text, bool sockets, struct errmsg *err)
{
	struct endpoint *at = realloc(list->at, (list->n + 1) * sizeof(*at));
	if (!at)
		return no_memory(err);
	list->at = at;
	enum sc_error error = endpoint_parse(&at[list->n], text, sockets, err);
	if (error != SC_OK)
		return error;
	for (size_t i = 0; i < list->n; i++)
		if (endpoint_same(&at[i], &at[list->n]))
			return twice(text, err);
	list->n++;
	return SC_OK;
}

static enum sc_error
add_prefix(struct prefix_list *list, const char *text, struct errmsg *err)
{
	struct prefix *at = realloc(list->at, (list->n + 1) * sizeof(*at));
	if (!at)
		return no_memory(err);
	list->at = at;
	enum sc_error error = prefix_parse(&at[list->n], text, err);
	if (error != SC_OK)
		return error;
	for (size_t i = 0; i < list->n; i++)
		if (prefix_equal(&at[i], &at[list->n]))
			return twice(text, err);
	list->n++;
	return SC_OK;
}

static enum sc_error
add_word(struct name_list *list, const char *text, bool peers, struct errmsg *err)
{
	if (peers && strcmp(text, "*") != 0) {
		enum sc_error error = name_check(text, CONFIG_NAME_SIZE - 1, err);
		if (error != SC_OK)
			return error;
	}
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->at[i], text) == 0)
			return twice(text, err);
	char **at = realloc(list->at, (list->n + 1) * sizeof(*at));
	if (!at)
		return no_memory(err);
	list->at = at;
	at[list->n] = strdup(text);
	if (!at[list->n])
		return no_memory(err);
	list->n++;
	return SC_OK;
}

static enum sc_error
add_item(void *member, const struct option *o, const char *text, struct errmsg *err)
{
	switch (o->type) {
	case VALUE_ENDPOINTS:
		return add_endpoint(member, text, false, err);
	case VALUE_SOCKETS:
		return add_endpoint(member, text, true, err);
	case VALUE_PREFIXES:
		return add_prefix(member, text, err);
	default:
		return add_word(member, text, o->type == VALUE_PEERS, err);
	}
}

static char *
trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

/* Items between commas. One comma may end a line, as the list may go on in the next. */
static enum sc_error
add_items(void *member, const struct option *o, const char *text, struct errmsg *err)
{
	enum sc_error error = SC_OK;
	char *copy = strdup(text), *rest = copy;

	if (!copy)
		return no_memory(err);
	if (*trim(copy) == '\0' && !(o->fallback && o->fallback[0] == '\0'))
		error = errmsg_set(err, SC_ERR_INVALID,
			"there is nothing after the \"=\"; write %s",
			o->example ? o->example : o->fallback);
	else if (*trim(copy) == '\0')
		rest = NULL;
	while (error == SC_OK && rest) {
		char *item = trim(strsep(&rest, ","));
		if (*item == '\0' && rest == NULL)
			break;
		if (*item == '\0')
			error = errmsg_set(err, SC_ERR_INVALID,
				"there is nothing between two commas; remove one");
		else
			error = add_item(member, o, item, err);
	}
	free(copy);
	return error;
}

/* Where it is set first. */
static void
note_place(void *member, const struct option *o, struct place at)
{
	unsigned *line;
	const char **file;

	if (o->type == VALUE_ENDPOINTS || o->type == VALUE_SOCKETS) {
		line = &((struct endpoint_list *)member)->line;
		file = &((struct endpoint_list *)member)->file;
	} else if (o->type == VALUE_PREFIXES) {
		line = &((struct prefix_list *)member)->line;
		file = &((struct prefix_list *)member)->file;
	} else {
		line = &((struct name_list *)member)->line;
		file = &((struct name_list *)member)->file;
	}
	if (*line == 0 && at.line != 0) {
		*line = at.line;
		*file = at.file;
	}
}

enum sc_error
value_list_add(
	void *member, const struct option *o, const char *text, struct place at, struct errmsg *err)
{
	note_place(member, o, at);
	return add_items(member, o, text, err);
}

void
value_list_clear(void *member, const struct option *o)
{
	if (o->type == VALUE_ENDPOINTS || o->type == VALUE_SOCKETS) {
		struct endpoint_list *list = member;
		free(list->at);
		*list = (struct endpoint_list){.at = NULL};
	} else if (o->type == VALUE_PREFIXES) {
		struct prefix_list *list = member;
		free(list->at);
		*list = (struct prefix_list){.at = NULL};
	} else {
		struct name_list *list = member;
		for (size_t i = 0; i < list->n; i++)
			free(list->at[i]);
		free(list->at);
		*list = (struct name_list){.at = NULL};
	}
}
