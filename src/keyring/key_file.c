/* Knows how the text of a key is read; knows nothing of folders and files. */
#include "keyring/key_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/hash.h"

static bool
parse_time(int64_t *seconds, const char *text)
{
	struct tm utc = {.tm_sec = 0};
	char again[TIME_TEXT_SIZE];
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);

	if (!end || *end != '\0')
		return false;
	*seconds = (int64_t)timegm(&utc);
	time_text(again, *seconds);
	return strcmp(again, text) == 0;
}

/* Goes from line to line; the first problem sticks in err. A line that begins with a space may hold
   digits of a private key: they are not copied, line is " " then. */
struct parser {
	const char *next, *end;
	unsigned line_number, value_line; /* of line, and of what was taken last */
	char line[160];
	struct span digits;
	bool failed;
	struct errmsg *err;
};

static void
fail_at(struct parser *p, unsigned line_number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
fail_at(struct parser *p, unsigned line_number, const char *format, ...)
{
	char what[256];
	va_list args;
	if (p->failed)
		return;
	p->failed = true;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	errmsg_set(p->err, SC_ERR_FORMAT, "line %u: %s", line_number, what);
}

#define fail(p, ...)       fail_at(p, (p)->line_number, __VA_ARGS__)
#define fail_value(p, ...) fail_at(p, (p)->value_line, __VA_ARGS__)

/* Moves to the next line that is not blank, in p->line, without spaces at its end ("" at the end of
   the text). */
static void
next_line(struct parser *p)
{
	p->line[0] = '\0';
	while (!p->failed && p->next < p->end && p->line[0] == '\0') {
		const char *newline = memchr(p->next, '\n', (size_t)(p->end - p->next));
		const char *stop = newline ? newline : p->end;
		size_t n = (size_t)(stop - p->next);
		p->line_number++;
		while (n > 0 && strchr(" \t\r", p->next[n - 1]) && p->next[n - 1] != '\0')
			n--;
		if (n >= sizeof(p->line)) {
			fail(p, "it is too long for a line of a key file");
			return;
		}
		for (size_t i = 0; i < n; i++)
			if (p->next[i] < 0x20 || p->next[i] > 0x7e) {
				fail(p, "it holds a byte that is no text");
				return;
			}
		p->digits = (struct span){(const uint8_t *)p->next, n};
		n = n > 0 && p->next[0] == ' ' ? 1 : n;
		memcpy(p->line, p->next, n);
		p->line[n] = '\0';
		p->next = newline ? newline + 1 : p->end;
	}
	if (p->line[0] == '\0' && !p->failed)
		fail(p, "the file ends here, before its last line (\"end\")");
}

/* The value of "field: value", which the present line must be; moves on. "" for any problem. */
static void
take(struct parser *p, const char *field, char *out, size_t size)
{
	size_t n = strlen(field);

	out[0] = '\0';
	if (p->failed)
		return;
	if (strncmp(p->line, field, n) != 0 || p->line[n] != ':') {
		fail(p, "\"%s:\" is expected here", field);
		return;
	}
	const char *value = p->line + n + 1;
	p->value_line = p->line_number;
	while (*value == ' ')
		value++;
	if (strlen(value) >= size)
		fail(p, "the %s is too long", field);
	else
		memcpy(out, value, strlen(value) + 1);
	next_line(p);
}

/* The digits of one line, behind those that there are already in out. False: one of them is none.
 */
static bool
add_digits(uint8_t *out, size_t n, size_t *used, struct span line)
{
	bool good = true;

	for (; line.size > 0 && line.data[0] == ' '; line.size--)
		line.data++;
	for (size_t i = 0; i < line.size; i++) {
		int digit = hex_digit((char)line.data[i]);
		good = good && digit >= 0;
		if (good && *used < 2 * n)
			out[*used / 2] = (uint8_t)(*used % 2 ? out[*used / 2] | digit : digit << 4);
		++*used;
	}
	return good;
}

/* "field:" and n bytes in hex, in the lines after it, each of which begins with a space. */
static void
take_hex(struct parser *p, const char *field, uint8_t *out, size_t n)
{
	char nothing[1];
	size_t used = 0;
	bool good = true;

	take(p, field, nothing, sizeof(nothing));
	for (; !p->failed && p->line[0] == ' '; next_line(p)) {
		good = add_digits(out, n, &used, p->digits) && good;
		if (used > 2 * ASYM_PUBLIC_MAX)
			fail(p, "the %s key is too long", field);
	}
	if (!p->failed && (!good || used != 2 * n))
		fail_value(p, "%s must be %zu hex digits, and is not", field, 2 * n);
}

/* The same of a field that may be missing. True if it is there. */
static bool
take_optional(struct parser *p, const char *field, char *out, size_t size)
{
	size_t n = strlen(field);

	out[0] = '\0';
	if (p->failed || strncmp(p->line, field, n) != 0 || p->line[n] != ':')
		return false;
	take(p, field, out, size);
	return !p->failed;
}

static void
take_kind(struct parser *p, struct key_record *r)
{
	char text[16];
	take(p, "kind", text, sizeof(text));
	for (size_t i = 0; i < KEY_KINDS; i++)
		if (strcmp(text, key_kind_names[i]) == 0) {
			r->kind = (enum key_kind)i;
			r->key.state = r->kind == KIND_PENDING    ? KEY_PENDING
				       : r->kind == KIND_EXPECTED ? KEY_EXPECTED
				       : r->kind == KIND_REVOKED  ? KEY_REVOKED
								  : KEY_VERIFIED;
			return;
		}
	fail_value(p, "this kind of key is not known to this version");
}

static void
take_peer(struct parser *p, struct key_record *r)
{
	take(p, "peer", r->key.peer, sizeof(r->key.peer));
	if (strcmp(r->key.peer, KEY_NO_PEER) == 0 && r->kind == KIND_PENDING)
		r->key.peer[0] = '\0';
	else if (!peer_name_valid(r->key.peer))
		fail_value(p, "this is no name for a peer");
}

static void
take_algorithm(struct parser *p, struct key_record *r)
{
	char text[64];
	take(p, "algorithm", text, sizeof(text));
	r->key.asym = asym_find(text);
	if (!r->key.asym)
		fail_value(p, "this algorithm is not known to this version");
}

/* The form of the fingerprint alone; what it stands for comes later. */
static void
read_fingerprint(struct parser *p, char out[FINGERPRINT_SIZE], const char *text)
{
	if (fingerprint_parse(out, text) != 0 || strcmp(out, text) != 0)
		fail_value(p, "this is no whole fingerprint");
}

static void
take_fingerprint(struct parser *p, struct key_record *r)
{
	char text[FINGERPRINT_SIZE];
	take(p, "fingerprint", text, sizeof(text));
	read_fingerprint(p, r->key.fingerprint, text);
}

static void
take_time(struct parser *p, struct key_record *r)
{
	char text[TIME_TEXT_SIZE];
	take(p, "time", text, sizeof(text));
	if (!parse_time(&r->key.time, text))
		fail_value(p, "this is no time");
}

static void
take_source(struct parser *p, struct key_record *r)
{
	take(p, "source", r->key.source, sizeof(r->key.source));
	if (strcmp(r->key.source, "-") == 0)
		r->key.source[0] = '\0';
}

/* What ties a key to another one of the peer. */
static void
take_beside(struct parser *p, struct key_record *r)
{
	const char *field = r->kind == KIND_PENDING ? "vouched" : "beside";
	char text[FINGERPRINT_SIZE];

	if (!take_optional(p, field, text, sizeof(text)))
		return;
	read_fingerprint(p, r->key.beside, text);
	if (r->kind == KIND_VERIFIED && take_optional(p, "used", text, TIME_TEXT_SIZE) &&
		!parse_time(&r->key.used, text))
		fail_value(p, "this is no time");
}

static void
take_identity(struct parser *p, struct key_record *r)
{
	if (take_optional(p, "identity", r->identity, sizeof(r->identity)) &&
		!peer_name_valid(r->identity))
		fail_value(p, "this is no name for an identity");
}

static void
take_answer(struct parser *p, struct key_record *r)
{
	char text[16];
	take(p, "answer", text, sizeof(text));
	for (size_t i = 0; i < KEYROLL_ANSWERS; i++)
		if (strcmp(text, keyroll_answer_names[i]) == 0) {
			r->answer = (enum keyroll_answer)i;
			return;
		}
	fail_value(p, "this answer is not known to this version");
}

static void
take_keys(struct parser *p, struct key_record *r)
{
	const struct asym_algorithm *a = p->failed ? NULL : r->key.asym->algorithm;
	uint8_t check[KEY_CHECK_SIZE], expected[KEY_CHECK_SIZE];
	char fingerprint[FINGERPRINT_SIZE];

	if (!a)
		return;
	take_hex(p, "public", r->key.public_key, a->public_size);
	fingerprint_of(fingerprint, a, r->key.public_key);
	if (strcmp(fingerprint, r->key.fingerprint) != 0)
		fail_value(p, "the public key does not have the fingerprint above");
	if (!key_kind_has(r->kind, FIELD_PRIVATE))
		return;
	take_hex(p, "private", r->private_key, a->private_size);
	take_hex(p, "check", check, sizeof(check));
	key_pair_check(expected, r);
	if (!p->failed && !equal_constant_time(check, expected, sizeof(check)))
		fail_value(p, "the key pair is damaged");
}

enum sc_error
key_record_parse(struct key_record *r, const char *text, size_t size, struct errmsg *err)
{
	struct parser p = {.next = text, .end = text + size, .err = err};

	memset(r, 0, sizeof(*r));
	next_line(&p);
	if (!p.failed && strncmp(p.line, "SecureConn key ", 15) != 0)
		fail(&p, "this is no key file of secureconn");
	else if (!p.failed && strcmp(p.line, KEY_VERSION_LINE) != 0)
		fail(&p, "the file is of a newer version of secureconn (\"%.40s\")", p.line);
	next_line(&p);
	take_kind(&p, r);
	const struct {
		enum key_field field;
		void (*take)(struct parser *p, struct key_record *r);
	} fields[] = {{FIELD_PEER, take_peer}, {FIELD_IDENTITY, take_identity},
		{FIELD_KEY, take_algorithm}, {FIELD_FINGERPRINT, take_fingerprint},
		{FIELD_TIME, take_time}, {FIELD_SOURCE, take_source}, {FIELD_SOURCE, take_beside},
		{FIELD_ANSWER, take_answer}, {FIELD_KEY, take_keys}};
	for (size_t i = 0; !p.failed && i < ARRAY_SIZE(fields); i++)
		if (key_kind_has(r->kind, fields[i].field))
			fields[i].take(&p, r);
	if (!p.failed && strcmp(p.line, "end") != 0)
		fail(&p, "\"end\" is expected here");
	if (key_kind_has(r->kind, FIELD_PRIVATE)) {
		wipe_stack();
		wipe(p.line, sizeof(p.line)); /* in a damaged file, any line may have held digits */
	}
	if (p.failed)
		wipe(r, sizeof(*r));
	return p.failed ? SC_ERR_FORMAT : SC_OK;
}

enum sc_error
key_file_parse(const char *text, size_t size, const struct asym_impl **asym,
	uint8_t public_key[ASYM_PUBLIC_MAX], struct errmsg *err)
{
	struct key_record r;
	enum sc_error error = key_record_parse(&r, text, size, err);

	if (error == SC_OK && r.kind != KIND_PUBLIC)
		error = errmsg_set(err, SC_ERR_FORMAT,
			"it is a file of a state folder, of kind \"%s\"; use what `secureconn key "
			"export` writes at the peer",
			key_kind_names[r.kind]);
	if (error == SC_OK) {
		*asym = r.key.asym;
		memcpy(public_key, r.key.public_key, ASYM_PUBLIC_MAX);
	}
	wipe(&r, sizeof(r));
	return error;
}
