/* Knows how requests and answers of the control socket are written. */
#include "admin/request.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define DEPTH_MAX 3

static const char *const kind_names[REQUEST_KINDS] = {
	"status", "version", "reload", "drain", "stop", "renew", "log", "keys"};

const char *
request_name(enum request_kind kind)
{
	return kind_names[kind];
}

static enum sc_error
wrong(struct errmsg *err, const char *text)
{
	return errmsg_set(err, SC_ERR_INVALID, "%s", text);
}

/* The object of a line, or NULL. To be put. */
static struct json_object *
parse_object(const char *line, size_t n)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tokener, line, (int)n);
	bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
		json_tokener_get_parse_end(tokener) == n;
	json_tokener_free(tokener);
	if (whole && json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	return NULL;
}

/* A member that is text without a NUL in it; NULL: it is not there, or is something else. */
static const char *
text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
		!json_object_is_type(value, json_type_string))
		return NULL;
	const char *text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* The place of text among names, or n. */
static size_t
place_of(const char *text, const char *const *names, size_t n)
{
	size_t i = 0;
	while (i < n && strcmp(names[i], text) != 0)
		i++;
	return i;
}

static enum sc_error
parse_peer(struct request *r, struct json_object *o, struct errmsg *err)
{
	const char *peer = text_of(o, "peer");

	if (!peer || !peer_name_valid(peer))
		return wrong(err, "\"peer\" must be the name of a peer");
	snprintf(r->peer, sizeof(r->peer), "%s", peer);
	return SC_OK;
}

static enum sc_error
parse_level(struct request *r, struct json_object *o, struct errmsg *err)
{
	const char *level = text_of(o, "level");

	if (!level || !log_level_find(&r->level, level))
		return wrong(err, "\"level\" must be error, warning, info or debug");
	return SC_OK;
}

static enum sc_error
parse_members(struct request *r, struct json_object *o, struct errmsg *err)
{
	const char *name = text_of(o, "request");
	size_t kind = name ? place_of(name, kind_names, REQUEST_KINDS) : REQUEST_KINDS;
	int members = 1;
	enum sc_error error = SC_OK;

	if (kind == REQUEST_KINDS)
		return wrong(err,
			"\"request\" must be one of status, version, reload, drain, stop, renew, "
			"log, keys");
	r->kind = (enum request_kind)kind;
	if (r->kind == REQUEST_RENEW)
		error = parse_peer(r, o, err);
	if (r->kind == REQUEST_LOG)
		error = parse_level(r, o, err);
	members += r->kind == REQUEST_RENEW || r->kind == REQUEST_LOG;
	if (error == SC_OK && json_object_object_length(o) != members)
		return errmsg_set(err, SC_ERR_INVALID,
			"the request \"%s\" has members that it does not take", name);
	return error;
}

enum sc_error
request_parse(struct request *request, const char *line, size_t n, struct errmsg *err)
{
	memset(request, 0, sizeof(*request));
	if (n >= REQUEST_LINE_MAX)
		return wrong(err, "the line is too long");
	for (size_t i = 0; i < n; i++) /* a NUL would look like the end */
		if ((unsigned char)line[i] < 0x20 && line[i] != '\t' && line[i] != '\r')
			return wrong(err, "the line holds a byte that is not text");
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	struct json_object *o = parse_object(line, n);
	if (!o)
		return wrong(err, "a request is one JSON object in a line, such as "
				  "{\"request\": \"status\"}");
	enum sc_error error = parse_members(request, o, err);
	json_object_put(o);
	return error;
}

size_t
request_format(char out[REQUEST_LINE_MAX], const struct request *r)
{
	const char *name = kind_names[r->kind];
	int n;

	/* Names of peers and levels need no escapes. */
	if (r->kind == REQUEST_RENEW)
		n = snprintf(out, REQUEST_LINE_MAX, "{\"request\":\"%s\",\"peer\":\"%s\"}\n", name,
			r->peer);
	else if (r->kind == REQUEST_LOG)
		n = snprintf(out, REQUEST_LINE_MAX, "{\"request\":\"%s\",\"level\":\"%s\"}\n", name,
			log_level_name(r->level));
	else
		n = snprintf(out, REQUEST_LINE_MAX, "{\"request\":\"%s\"}\n", name);
	return (size_t)n;
}

enum request_more
request_read(struct request_reader *r, const char **data, size_t *n, size_t *size)
{
	const char *lf = *n > 0 ? memchr(*data, '\n', *n) : NULL;
	size_t take = lf ? (size_t)(lf - *data) : *n;

	if (r->used + take >= sizeof(r->line))
		return REQUEST_LONG;
	if (take > 0)
		memcpy(r->line + r->used, *data, take);
	r->used += take;
	take += lf != NULL;
	*data += take;
	*n -= take;
	if (!lf)
		return REQUEST_NONE;
	*size = r->used;
	r->used = 0;
	return REQUEST_LINE;
}

void
answer_add(struct json_object *answer, const char *key, struct json_object *value)
{
	if (!answer || json_object_object_add(answer, key, value) != 0)
		json_object_put(value);
}

struct json_object *
answer_new(void)
{
	struct json_object *o = json_object_new_object();
	answer_add(o, "ok", json_object_new_boolean(true));
	return o;
}

struct json_object *
answer_error(const char *text)
{
	struct json_object *o = json_object_new_object();
	answer_add(o, "ok", json_object_new_boolean(false));
	answer_add(o, "error", json_object_new_string(text));
	return o;
}
