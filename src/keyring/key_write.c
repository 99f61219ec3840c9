/* Knows how a key is written as text, and which fields each kind has; how it is read is
   key_file.c's. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "crypto/hash.h"
#include "keyring/key_file.h"

#define HEX_LINE    64           /* digits in a line */
#define LAST_SECOND 253402300799 /* of the year 9999 */

const char *const key_kind_names[KEY_KINDS] = {"own", "verified", "pending", "expected", "public",
	"revoked", "next", "retired", "answer"};

const char *const keyroll_answer_names[KEYROLL_ANSWERS] = {"verified", "pending", "refused"};

bool
key_kind_has(enum key_kind kind, enum key_field field)
{
	static const unsigned fields[KEY_KINDS] = {
		[KIND_OWN] = FIELD_IDENTITY | FIELD_KEY | FIELD_TIME | FIELD_PRIVATE,
		[KIND_NEXT] = FIELD_IDENTITY | FIELD_KEY | FIELD_TIME | FIELD_PRIVATE,
		[KIND_RETIRED] = FIELD_IDENTITY | FIELD_KEY | FIELD_TIME,
		[KIND_VERIFIED] = FIELD_PEER | FIELD_KEY | FIELD_TIME | FIELD_SOURCE,
		[KIND_PENDING] = FIELD_PEER | FIELD_KEY | FIELD_TIME | FIELD_SOURCE,
		[KIND_EXPECTED] = FIELD_PEER | FIELD_TIME,
		[KIND_REVOKED] = FIELD_PEER | FIELD_TIME,
		[KIND_ANSWER] = FIELD_PEER | FIELD_TIME | FIELD_ANSWER,
		[KIND_PUBLIC] = FIELD_KEY,
	};
	return field == FIELD_FINGERPRINT || (fields[kind] & field) != 0;
}

void
time_text(char out[TIME_TEXT_SIZE], int64_t seconds)
{
	time_t t = (time_t)(seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : seconds);
	struct tm utc;
	gmtime_r(&t, &utc);
	strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void
key_pair_check(uint8_t check[KEY_CHECK_SIZE], const struct key_record *r)
{
	const struct asym_algorithm *a = r->key.asym->algorithm;
	uint8_t digest[HASH_SIZE];
	const struct span parts[] = {
		{(const uint8_t *)a->name, strlen(a->name) + 1},
		{r->key.public_key, a->public_size},
		{r->private_key, a->private_size},
	};
	hash_parts(digest, parts, ARRAY_SIZE(parts));
	memcpy(check, digest, KEY_CHECK_SIZE);
	wipe(digest, sizeof(digest));
}

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

/* Straight into the text: nothing of a private key is to lie anywhere else. */
static void
put_hex(struct writer *w, const char *field, const uint8_t *data, size_t n)
{
	put(w, "%s:\n", field);
	for (size_t at = 0, bytes; at < n; at += bytes) {
		bytes = min_size(n - at, HEX_LINE / 2);
		put(w, "  ");
		w->full = w->full || w->size - w->used <= 2 * bytes;
		if (!w->full) {
			hex_encode(w->out + w->used, data + at, bytes);
			w->used += 2 * bytes;
		}
		put(w, "\n");
	}
}

static void
put_time(struct writer *w, const char *field, int64_t seconds)
{
	char text[TIME_TEXT_SIZE];
	time_text(text, seconds);
	put(w, "%s: %s\n", field, text);
}

static bool
has(const struct key_record *r, enum key_field field)
{
	return key_kind_has(r->kind, field);
}

size_t
key_record_format(char *out, size_t size, const struct key_record *r)
{
	const struct asym_algorithm *a = r->key.asym ? r->key.asym->algorithm : NULL;
	struct writer w = {.out = out, .size = size};
	uint8_t check[KEY_CHECK_SIZE];

	put(&w, "%s\nkind: %s\n", KEY_VERSION_LINE, key_kind_names[r->kind]);
	if (has(r, FIELD_PEER))
		put(&w, "peer: %s\n", r->key.peer[0] ? r->key.peer : KEY_NO_PEER);
	if (has(r, FIELD_IDENTITY) && r->identity[0])
		put(&w, "identity: %s\n", r->identity);
	if (has(r, FIELD_KEY))
		put(&w, "algorithm: %s\n", a->name);
	put(&w, "fingerprint: %s\n", r->key.fingerprint);
	if (has(r, FIELD_TIME))
		put_time(&w, "time", r->key.time);
	if (has(r, FIELD_SOURCE))
		put(&w, "source: %s\n", r->key.source[0] ? r->key.source : "-");
	if (has(r, FIELD_SOURCE) && r->key.beside[0])
		put(&w, "%s: %s\n", r->kind == KIND_PENDING ? "vouched" : "beside", r->key.beside);
	if (r->kind == KIND_VERIFIED && r->key.beside[0] && r->key.used)
		put_time(&w, "used", r->key.used);
	if (has(r, FIELD_ANSWER))
		put(&w, "answer: %s\n", keyroll_answer_names[r->answer]);
	if (has(r, FIELD_KEY))
		put_hex(&w, "public", r->key.public_key, a->public_size);
	if (has(r, FIELD_PRIVATE)) {
		put_hex(&w, "private", r->private_key, a->private_size);
		key_pair_check(check, r);
		put_hex(&w, "check", check, sizeof(check));
		wipe_stack();
	}
	put(&w, "end\n");
	if (w.full)
		wipe(out, size);
	return w.full ? 0 : w.used;
}

enum sc_error
key_file_export(char *out, size_t size, const struct key_pair *pair)
{
	struct key_record r = {.kind = KIND_PUBLIC, .key = {.asym = pair->asym}};

	memcpy(r.key.fingerprint, pair->fingerprint, sizeof(r.key.fingerprint));
	memcpy(r.key.public_key, pair->public_key, pair->asym->algorithm->public_size);
	return key_record_format(out, size, &r) ? SC_OK : SC_ERR_LIMIT;
}
