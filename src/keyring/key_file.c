/* Knows how a key is written as text and read back; knows nothing of folders and files. */
#include "keyring/key_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/hash.h"

#define VERSION_LINE "SecureConn key 1"
#define NO_PEER      "?" /* no name can look like that */
#define CHECK_SIZE   8
#define HEX_LINE     64           /* digits in a line */
#define LAST_SECOND  253402300799 /* of the year 9999 */

static const char *const kind_names[] = {"own", "verified", "pending", "expected", "public"};

void
time_text(char out[TIME_TEXT_SIZE], int64_t seconds)
{
	time_t t = (time_t)(seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : seconds);
	struct tm utc;
	gmtime_r(&t, &utc);
	strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

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

/* The fields that a kind of file has. */
static bool
has_peer(enum key_kind kind)
{
	return kind == KIND_VERIFIED || kind == KIND_PENDING || kind == KIND_EXPECTED;
}

static bool
has_source(enum key_kind kind)
{
	return kind == KIND_VERIFIED || kind == KIND_PENDING;
}

/* Tells a pair that was damaged on disk before a peer does: nothing else ties the private key to
   the rest. */
static void
pair_check(uint8_t check[CHECK_SIZE], const struct key_record *r)
{
	const struct asym_algorithm *a = r->key.asym->algorithm;
	uint8_t digest[HASH_SIZE];
	const struct span parts[] = {
		{(const uint8_t *)a->name, strlen(a->name) + 1},
		{r->key.public_key, a->public_size},
		{r->private_key, a->private_size},
	};
	hash_parts(digest, parts, ARRAY_SIZE(parts));
	memcpy(check, digest, CHECK_SIZE);
	wipe(digest, sizeof(digest));
}

/* --- writing --- */

struct writer {
	char *out;
	size_t size, used;
	bool full;
};

static void
put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
put(struct writer *w, const char *format, ...)
{
	va_list args;
	if (w->full)
		return;
	va_start(args, format);
	int n = vsnprintf(w->out + w->used, w->size - w->used, format, args);
	va_end(args);
	w->full = n < 0 || (size_t)n >= w->size - w->used;
	w->used += w->full ? 0 : (size_t)n;
}

static void
put_hex(struct writer *w, const char *field, const uint8_t *data, size_t n)
{
	char digits[HEX_LINE + 1];
	put(w, "%s:\n", field);
	for (size_t at = 0; at < n; at += HEX_LINE / 2) {
		hex_encode(digits, data + at, min_size(n - at, HEX_LINE / 2));
		put(w, "  %s\n", digits);
	}
	wipe(digits, sizeof(digits));
}

size_t
key_record_format(char *out, size_t size, const struct key_record *r)
{
	const struct asym_algorithm *a = r->key.asym ? r->key.asym->algorithm : NULL;
	struct writer w = {.out = out, .size = size};
	char time_of[TIME_TEXT_SIZE];
	uint8_t check[CHECK_SIZE];

	put(&w, "%s\nkind: %s\n", VERSION_LINE, kind_names[r->kind]);
	if (has_peer(r->kind))
		put(&w, "peer: %s\n", r->key.peer[0] ? r->key.peer : NO_PEER);
	if (a)
		put(&w, "algorithm: %s\n", a->name);
	put(&w, "fingerprint: %s\n", r->key.fingerprint);
	if (r->kind != KIND_PUBLIC) {
		time_text(time_of, r->key.time);
		put(&w, "time: %s\n", time_of);
	}
	if (has_source(r->kind))
		put(&w, "source: %s\n", r->key.source[0] ? r->key.source : "-");
	if (a)
		put_hex(&w, "public", r->key.public_key, a->public_size);
	if (r->kind == KIND_OWN) {
		put_hex(&w, "private", r->private_key, a->private_size);
		pair_check(check, r);
		put_hex(&w, "check", check, sizeof(check));
	}
	put(&w, "end\n");
	if (w.full)
		wipe(out, size);
	return w.full ? 0 : w.used;
}

/* --- reading --- */

/* Goes from line to line; the first problem sticks in err. */
struct parser {
	const char *next, *end;
	unsigned line_number, value_line; /* of line, and of what was taken last */
	char line[160];
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

/* "field:" and n bytes in hex, in the lines after it, each of which begins with a space. */
static void
take_hex(struct parser *p, const char *field, uint8_t *out, size_t n)
{
	char digits[2 * ASYM_PUBLIC_MAX + 1];
	size_t used = 0;

	take(p, field, digits, 1);
	while (!p->failed && p->line[0] == ' ') {
		const char *more = p->line + strspn(p->line, " ");
		size_t length = strlen(more);
		if (used + length >= sizeof(digits)) {
			fail(p, "the %s key is too long", field);
			break;
		}
		memcpy(digits + used, more, length);
		used += length;
		next_line(p);
	}
	if (!p->failed && hex_decode(out, n, digits, used) != 0)
		fail_value(p, "%s must be %zu hex digits, and is not", field, 2 * n);
	wipe(digits, sizeof(digits));
}

static void
take_kind(struct parser *p, struct key_record *r)
{
	char text[16];
	take(p, "kind", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (strcmp(text, kind_names[i]) == 0) {
			r->kind = (enum key_kind)i;
			r->key.state = r->kind == KIND_PENDING    ? KEY_PENDING
				       : r->kind == KIND_EXPECTED ? KEY_EXPECTED
								  : KEY_VERIFIED;
			return;
		}
	fail_value(p, "this kind of key is not known to this version");
}

static void
take_peer(struct parser *p, struct key_record *r)
{
	take(p, "peer", r->key.peer, sizeof(r->key.peer));
	if (strcmp(r->key.peer, NO_PEER) == 0 && r->kind == KIND_PENDING)
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
take_fingerprint(struct parser *p, struct key_record *r)
{
	char text[FINGERPRINT_SIZE];
	take(p, "fingerprint", text, sizeof(text));
	if (fingerprint_parse(r->key.fingerprint, text) != 0 ||
		strcmp(r->key.fingerprint, text) != 0)
		fail_value(p, "this is no whole fingerprint");
}

static void
take_time_and_source(struct parser *p, struct key_record *r)
{
	char text[TIME_TEXT_SIZE];
	take(p, "time", text, sizeof(text));
	if (!parse_time(&r->key.time, text))
		fail_value(p, "this is no time");
	if (!has_source(r->kind))
		return;
	take(p, "source", r->key.source, sizeof(r->key.source));
	if (strcmp(r->key.source, "-") == 0)
		r->key.source[0] = '\0';
}

static void
take_keys(struct parser *p, struct key_record *r)
{
	const struct asym_algorithm *a = p->failed ? NULL : r->key.asym->algorithm;
	uint8_t check[CHECK_SIZE], expected[CHECK_SIZE];
	char fingerprint[FINGERPRINT_SIZE];

	if (!a)
		return;
	take_hex(p, "public", r->key.public_key, a->public_size);
	fingerprint_of(fingerprint, a, r->key.public_key);
	if (strcmp(fingerprint, r->key.fingerprint) != 0)
		fail_value(p, "the public key does not have the fingerprint above");
	if (r->kind != KIND_OWN)
		return;
	take_hex(p, "private", r->private_key, a->private_size);
	take_hex(p, "check", check, sizeof(check));
	pair_check(expected, r);
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
	else if (!p.failed && strcmp(p.line, VERSION_LINE) != 0)
		fail(&p, "the file is of a newer version of secureconn (\"%.40s\")", p.line);
	next_line(&p);
	take_kind(&p, r);
	if (has_peer(r->kind))
		take_peer(&p, r);
	if (r->kind != KIND_EXPECTED)
		take_algorithm(&p, r);
	take_fingerprint(&p, r);
	if (r->kind != KIND_PUBLIC)
		take_time_and_source(&p, r);
	if (r->kind != KIND_EXPECTED)
		take_keys(&p, r);
	if (!p.failed && strcmp(p.line, "end") != 0)
		fail(&p, "\"end\" is expected here");
	wipe(p.line, sizeof(p.line));
	if (p.failed)
		wipe(r, sizeof(*r));
	return p.failed ? SC_ERR_FORMAT : SC_OK;
}

/* --- for commands --- */

enum sc_error
key_file_export(char *out, size_t size, const struct key_pair *pair)
{
	struct key_record r = {.kind = KIND_PUBLIC, .key = {.asym = pair->asym}};

	memcpy(r.key.fingerprint, pair->fingerprint, sizeof(r.key.fingerprint));
	memcpy(r.key.public_key, pair->public_key, pair->asym->algorithm->public_size);
	return key_record_format(out, size, &r) ? SC_OK : SC_ERR_LIMIT;
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
			"export` "
			"writes at the peer",
			kind_names[r.kind]);
	if (error == SC_OK) {
		*asym = r.key.asym;
		memcpy(public_key, r.key.public_key, ASYM_PUBLIC_MAX);
	}
	wipe(&r, sizeof(r));
	return error;
}
