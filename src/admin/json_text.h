/* JSON written as text from front to back, without a tree of it in between: for what is long and
   asked for often. It looks as json-c's plain form without escaped slashes. */
#ifndef SC_ADMIN_JSON_TEXT_H
#define SC_ADMIN_JSON_TEXT_H

#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Somewhere in an object or an array. Memory that is out shows in out->failed. */
struct json_text {
	struct text *out;
	bool follows; /* there is something before it in there: a comma comes first */
};

/* A key as it stands in the text, and its length: literals, of which nothing is to be escaped. */
#define JSON_KEY(key) "\"" key "\":", sizeof("\"" key "\":") - 1
/* For what stands in an array. */
#define JSON_NO_KEY "", 0

/* bracket: '{' or '['. */
void
json_open(struct json_text *j, const char *key, size_t size, char bracket);

/* bracket: '}' or ']'. */
void
json_close(struct json_text *j, char bracket);

/* Control characters, '"' and '\' are escaped; what is not UTF-8 stays as it is. NULL: null. */
void
json_string(struct json_text *j, const char *key, size_t size, const char *value);

void
json_number(struct json_text *j, const char *key, size_t size, uint64_t value);

void
json_flag(struct json_text *j, const char *key, size_t size, bool value);

#endif
