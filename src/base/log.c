/* Knows how a log line looks and where it goes; knows nothing of the events. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log_writer.h"
#include "base/syslog.h"
#include "base/util.h"

static struct {
	_Atomic enum log_level level;
	_Atomic enum log_format format;
	_Atomic int fd;
	_Atomic(const char *) syslog; /* NULL: to the descriptor */
} log_to = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO, NULL};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const enum syslog_severity severities[] = {
	SYSLOG_ERROR, SYSLOG_WARNING, SYSLOG_INFO, SYSLOG_DEBUG};

void
log_setup(enum log_level level, enum log_format format, int fd)
{
	log_to.level = level;
	log_to.format = format;
	log_to.fd = fd;
}

void
log_set_level(enum log_level level)
{
	log_to.level = level;
}

void
log_set_format(enum log_format format)
{
	log_to.format = format;
}

void
log_set_target(enum log_target target, const char *syslog_path)
{
	log_to.syslog = target == LOG_TO_SYSLOG ? syslog_path : NULL;
}

enum log_level
log_get_level(void)
{
	return log_to.level;
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_level_find(enum log_level *level, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++)
		if (strcmp(level_names[i], name) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

bool
log_enabled(enum log_level level)
{
	return level <= log_to.level;
}

/* Room is always kept for the end of the line: a quote, a brace, a newline. */
static bool
append(struct log_line *l, const char *text, size_t n)
{
	if (l->full || l->used + n + 3 > sizeof(l->text)) {
		l->full = true;
		return false;
	}
	memcpy(l->text + l->used, text, n);
	l->used += n;
	return true;
}

static void
append_key(struct log_line *l, const char *key)
{
	size_t n = strlen(key);
	/* Key, quotes and at least an empty value, or nothing of the pair. */
	if (l->full || l->used + n + 16 > sizeof(l->text)) {
		l->full = true;
		return;
	}
	if (l->json) {
		append(l, l->used > 1 ? ",\"" : "\"", l->used > 1 ? 2 : 1);
		append(l, key, n);
		append(l, "\":", 2);
	} else {
		append(l, " ", 1);
		append(l, key, n);
		append(l, "=", 1);
	}
}

/* One byte of a quoted value, escaped so that both forms can be read back. */
static bool
append_escaped(struct log_line *l, uint8_t c)
{
	char out[8];
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return append(l, out, 2);
	}
	if (c >= 0x20 && c <= 0x7e) {
		out[0] = (char)c;
		return append(l, out, 1);
	}
	const char *form = l->json ? "\\u00%02x" : "\\x%02x";
	int n = snprintf(out, sizeof(out), form, c);
	return append(l, out, (size_t)n);
}

static bool
is_bare(const uint8_t *value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (value[i] <= 0x20 || value[i] > 0x7e || strchr("\"\\=", value[i]))
			return false;
	return n > 0;
}

static void
append_value(struct log_line *l, const void *value, size_t n)
{
	const uint8_t *in = value;
	if (l->full)
		return;
	if (!l->json && is_bare(in, n)) {
		append(l, value, min_size(n, sizeof(l->text) - 3 - l->used));
		return;
	}
	append(l, "\"", 1);
	for (size_t i = 0; i < n; i++)
		if (!append_escaped(l, in[i]))
			break;
	l->text[l->used++] = '"'; /* from the room that append keeps */
}

struct log_line
log_begin(enum log_level level, const char *event)
{
	struct log_line l = {
		.on = log_enabled(level), .json = log_to.format == LOG_FORMAT_JSON, .level = level};
	struct timespec now;
	struct tm utc;
	char stamp[64];

	if (!l.on)
		return l;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp + n, sizeof(stamp) - n, ".%03ldZ", now.tv_nsec / 1000000);
	if (l.json) {
		append(&l, "{", 1);
		log_str(&l, "time", stamp);
		log_str(&l, "level", level_names[level]);
		log_str(&l, "event", event);
	} else {
		append(&l, stamp, strlen(stamp));
		append(&l, " ", 1);
		append(&l, level_names[level], strlen(level_names[level]));
		append(&l, " ", 1);
		l.event = l.used;
		append(&l, event, strlen(event));
	}
	return l;
}

void
log_bytes(struct log_line *l, const char *key, const void *value, size_t n)
{
	if (!l->on)
		return;
	append_key(l, key);
	append_value(l, value, n);
}

void
log_str(struct log_line *l, const char *key, const char *value)
{
	log_bytes(l, key, value, strlen(value));
}

void
log_u64(struct log_line *l, const char *key, uint64_t value)
{
	size_t before = l->used;
	char digits[24];
	if (!l->on)
		return;
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	append_key(l, key);
	if (!append(l, digits, (size_t)n))
		l->used = before; /* a key without a value is no JSON */
}

void
log_fmt(struct log_line *l, const char *key, const char *format, ...)
{
	char value[1024];
	va_list args;

	if (!l->on)
		return;
	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	log_str(l, key, value);
}

void
log_close(struct log_line *l)
{
	/* From the room that append keeps. */
	if (l->json)
		l->text[l->used++] = '}';
	l->text[l->used++] = '\n';
}

void
log_end(struct log_line *l)
{
	const char *daemon = log_to.syslog;

	if (!l->on)
		return;
	log_close(l);
	if (daemon && syslog_send(daemon, severities[l->level], l->text + l->event,
			      l->used - 1 - l->event))
		return;
	if (log_writer_put(l->text, l->used))
		return;
	/* A log that cannot be written must not stop the node. */
	ssize_t ignored = write(log_to.fd, l->text, l->used);
	(void)ignored;
}
