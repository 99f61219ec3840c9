/* Knows how values stand in JSON; knows nothing of what they mean. */
#include "admin/json_text.h"

#define NUMBER_SIZE 20 /* digits */
#define ESCAPE_SIZE 6  /* of one character: \u001f */

/* The comma and the key, with room for n bytes behind them. NULL: out of memory. */
static char *
begin(struct json_text *j, const char *key, size_t size, size_t n)
{
	char *at = text_room(j->out, 1 + size + n);

	if (!at)
		return NULL;
	if (j->follows)
		*at++ = ',';
	j->follows = true;
	memcpy(at, key, size);
	return at + size;
}

/* All that was written stands before here. */
static void
end(struct json_text *j, const char *at)
{
	j->out->size = (size_t)(at - j->out->data);
}

void
json_open(struct json_text *j, const char *key, size_t size, char bracket)
{
	char *at = begin(j, key, size, 1);

	if (!at)
		return;
	*at++ = bracket;
	end(j, at);
	j->follows = false;
}

void
json_close(struct json_text *j, char bracket)
{
	text_add(j->out, &bracket, 1);
	j->follows = true;
}

static bool
is_plain(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static char *
put_escaped(char *at, unsigned char c)
{
	static const char shorts[] = "\bb\nn\rr\tt\ff\"\"\\\\", digits[] = "0123456789abcdef";

	*at++ = '\\';
	for (const char *s = shorts; *s; s += 2) {
		if (*s == (char)c) {
			*at++ = s[1];
			return at;
		}
	}
	memcpy(at, "u00", 3);
	at[3] = digits[c >> 4];
	at[4] = digits[c & 15];
	return at + 5;
}

void
json_string(struct json_text *j, const char *key, size_t size, const char *value)
{
	size_t n = value ? strlen(value) : 0, plain = 0;

	while (plain < n && is_plain((unsigned char)value[plain]))
		plain++;
	char *at = begin(j, key, size, value ? 2 + plain + ESCAPE_SIZE * (n - plain) : 4);
	if (!at)
		return;
	if (value) {
		*at++ = '"';
		memcpy(at, value, plain);
		at += plain;
		for (size_t i = plain; i < n; i++) {
			unsigned char c = (unsigned char)value[i];
			if (is_plain(c))
				*at++ = value[i];
			else
				at = put_escaped(at, c);
		}
		*at++ = '"';
	} else {
		memcpy(at, "null", 4);
		at += 4;
	}
	end(j, at);
}

void
json_number(struct json_text *j, const char *key, size_t size, uint64_t value)
{
	char digits[NUMBER_SIZE];
	size_t n = 0;
	char *at = begin(j, key, size, NUMBER_SIZE);

	if (!at)
		return;
	do {
		digits[n++] = (char)('0' + value % 10);
	} while ((value /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	end(j, at);
}

void
json_flag(struct json_text *j, const char *key, size_t size, bool value)
{
	char *at = begin(j, key, size, 5);

	if (!at)
		return;
	memcpy(at, value ? "true" : "false", value ? 4 : 5);
	end(j, at + (value ? 4 : 5));
}
