/* Knows how each type of value is written; knows nothing of files, and no single option. */
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/value_list.h"

struct shown
value_show(const char *text)
{
	struct shown s;
	escape_text(s.text, sizeof(s.text), text, strlen(text));
	return s;
}

static enum sc_error
no_memory(struct errmsg *err)
{
	return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
}

bool
name_valid(const char *name, size_t max)
{
	size_t n = strlen(name);
	if (n == 0 || n > max || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c >= 0x80 || (!isalnum(c) && !strchr("._-", c)))
			return false;
	}
	return true;
}

bool
config_name_valid(const char *name)
{
	return name_valid(name, CONFIG_NAME_SIZE - 1);
}

enum sc_error
name_check(const char *text, size_t max, struct errmsg *err)
{
	if (name_valid(text, max))
		return SC_OK;
	return errmsg_set(err, SC_ERR_INVALID,
		"\"%s\" is no name; use 1 to %zu letters, digits, \".\", \"_\" and \"-\", "
		"no \".\" first",
		value_show(text).text, max);
}

static enum sc_error
set_name(char *out, size_t size, const char *text, struct errmsg *err)
{
	enum sc_error error = name_check(text, size - 1, err);

	if (error == SC_OK)
		memcpy(out, text, strlen(text) + 1);
	return error;
}

static const struct {
	const char *unit;
	uint64_t ns;
} units[] = {{"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S}, {"ms", NS_PER_MS}};

void
time_format(char out[32], uint64_t ns)
{
	size_t i = 0;
	while (i + 1 < ARRAY_SIZE(units) && ns % units[i].ns != 0)
		i++;
	if (ns == 0)
		snprintf(out, 32, "0");
	else
		snprintf(out, 32, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].unit);
}

/* Up to nine digits; *end is what follows. */
static bool
parse_digits(uint64_t *value, const char *text, const char **end)
{
	size_t n = strspn(text, "0123456789");
	*value = 0;
	for (size_t i = 0; i < n && i < 9; i++)
		*value = *value * 10 + (uint64_t)(text[i] - '0');
	*end = text + n;
	return n > 0 && n <= 9;
}

static enum sc_error
set_time(uint64_t *out, const struct option *o, const char *text, struct errmsg *err)
{
	char min[32], max[32];
	const char *unit;
	uint64_t value, each = 0;

	time_format(min, o->min);
	time_format(max, o->max);
	bool ok = parse_digits(&value, text, &unit);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(unit, units[i].unit) == 0)
			each = units[i].ns;
	if (ok && value > 0 && *unit == '\0')
		return errmsg_set(err, SC_ERR_INVALID,
			"\"%s\" has no unit; write %ss for seconds, or ms, m, h", text, text);
	if (!ok || (each == 0 && *unit != '\0'))
		return errmsg_set(err, SC_ERR_INVALID,
			"\"%s\" is no time; write a whole number and ms, s, m or h, like 10s",
			value_show(text).text);
	if ((each > 0 && value > o->max / each) || value * each < o->min)
		return errmsg_set(
			err, SC_ERR_INVALID, "%s is out of range; write %s to %s", text, min, max);
	*out = value * each;
	return SC_OK;
}

static void
size_format(char out[32], uint64_t bytes)
{
	static const char *const letters[] = {"", "K", "M", "G", "T"};
	size_t i = 0;

	for (; i + 1 < ARRAY_SIZE(letters) && bytes > 0 && bytes % 1024 == 0; i++)
		bytes /= 1024;
	snprintf(out, 32, "%llu%s", (unsigned long long)bytes, letters[i]);
}

/* Bytes, as 64G: K, M, G and T are powers of 1024. */
static enum sc_error
set_size(uint64_t *out, const struct option *o, const char *text, struct errmsg *err)
{
	static const char letters[] = "KMGT";
	char min[32], max[32];
	const char *end;
	uint64_t value;
	unsigned shift = 0;

	bool ok = parse_digits(&value, text, &end);
	if (ok && *end != '\0') {
		const char *letter = strchr(letters, *end);
		ok = letter && end[1] == '\0';
		shift = ok ? 10 * (unsigned)(letter - letters + 1) : 0;
	}
	if (!ok)
		return errmsg_set(err, SC_ERR_INVALID,
			"\"%s\" is no size; write a whole number of bytes, or with K, M, G or T, "
			"like 64G",
			value_show(text).text);
	size_format(min, o->min);
	size_format(max, o->max);
	if (value > o->max >> shift || value << shift < o->min)
		return errmsg_set(err, SC_ERR_INVALID, "%s is out of range; write %s to %s",
			text, min, max);
	*out = value << shift;
	return SC_OK;
}

static enum sc_error
set_number(uint32_t *out, const struct option *o, const char *text, struct errmsg *err)
{
	const char *end;
	uint64_t value;
	bool word = o->words && strcmp(text, o->words) == 0;

	if (!word &&
		(!parse_digits(&value, text, &end) || *end || value < o->min || value > o->max))
		return errmsg_set(err, SC_ERR_INVALID, "\"%s\" is no number from %llu to %llu%s%s",
			value_show(text).text, o->min + 0ull, o->max + 0ull,
			o->words ? ", and not " : "", o->words ? o->words : "");
	*out = word ? 0 : (uint32_t)value;
	return SC_OK;
}

static enum sc_error
find_word(unsigned *out, const struct option *o, const char *text, struct errmsg *err)
{
	int i = words_find(o->words, text);
	char known[64];

	if (i >= 0) {
		*out = (unsigned)i;
		return SC_OK;
	}
	snprintf(known, sizeof(known), "%s", o->words);
	for (char *bar; (bar = strchr(known, '|'));)
		*bar = '/';
	return errmsg_set(err, SC_ERR_INVALID, "\"%s\" is not known here; write one of %s",
		value_show(text).text, known);
}

bool
value_is_list(const struct option *option)
{
	return option->type == VALUE_ENDPOINTS || option->type == VALUE_SOCKETS ||
	       option->type == VALUE_LIST || option->type == VALUE_PEERS ||
	       option->type == VALUE_PREFIXES;
}

static enum sc_error
set_path(char **out, const char *text, struct place at, struct errmsg *err)
{
	if (text[0] == '\0')
		return errmsg_set(
			err, SC_ERR_INVALID, "there is nothing after the \"=\"; write a path");
	*out = at.line ? path_beside(at.file, text) : strdup(text);
	return *out ? SC_OK : no_memory(err);
}

static enum sc_error
set_unix(char **out, const char *text, struct place at, struct errmsg *err)
{
	const size_t most = sizeof(((struct endpoint *)0)->path) - 1;

	*out = text[0] == '\0' ? strdup("") : path_beside(at.file, text);
	if (!*out)
		return no_memory(err);
	if (strlen(*out) <= most)
		return SC_OK;
	return errmsg_set(err, SC_ERR_INVALID,
		"%s has %zu characters; the path of a Unix socket has at most %zu", *out,
		strlen(*out), most);
}

enum sc_error
value_set(void *base, const struct option *o, const char *text, struct place at, struct errmsg *err)
{
	void *member = (char *)base + o->offset;
	enum sc_error error = SC_OK;
	unsigned word = 0;

	switch (o->type) {
	case VALUE_NAME:
		return set_name(member, CONFIG_NAME_SIZE, text, err);
	case VALUE_SERVICE:
		return set_name(member, 256, text, err);
	case VALUE_ENDPOINTS:
	case VALUE_SOCKETS:
	case VALUE_LIST:
	case VALUE_PEERS:
	case VALUE_PREFIXES:
		return value_list_add(member, o, text, at, err);
	case VALUE_PATH:
		return set_path(member, text, at, err);
	case VALUE_UNIX:
		return set_unix(member, text, at, err);
	case VALUE_PATTERN:
		return SC_OK;
	case VALUE_TIME:
		return set_time(member, o, text, err);
	case VALUE_NUMBER:
		return set_number(member, o, text, err);
	case VALUE_SIZE:
		return set_size(member, o, text, err);
	case VALUE_FLAG:
		error = find_word(&word, o, text, err);
		*(bool *)member = word == 1;
		return error;
	case VALUE_CHOICE:
		return find_word(member, o, text, err);
	}
	return SC_ERR_INTERNAL;
}

void
value_clear(void *base, const struct option *o)
{
	void *member = (char *)base + o->offset;

	if (value_is_list(o)) {
		value_list_clear(member, o);
	} else if (o->type == VALUE_PATH || o->type == VALUE_UNIX) {
		free(*(char **)member);
		*(char **)member = NULL;
	}
}

char *
path_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *out;

	while (strncmp(path, "./", 2) == 0 && path[2] != '\0')
		path += 2;
	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&out, "%.*s/%s", (int)(slash - file), file, path) < 0)
		return NULL;
	return out;
}
