/* Knows the form of an INI file, and inih with its limits; knows nothing of what the keys mean. */
#include "config/read.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define FILE_MAX ((size_t)4 << 20)

/* inih cuts long lines, and names of sections, without a word, and tells nothing of a section
   without keys. So this reader hands it the lines one by one, sees to their length, and looks at
   the section lines itself. */
struct reader {
	const struct ini_events *events;
	struct errmsg *err;
	enum sc_error error; /* the first one; nothing is read after it */
	struct place at;
	const char *next, *end;
	bool has_key; /* in this section: an indented line may go on with its value */
	bool more;    /* this line does */
};

enum sc_error
place_error(struct errmsg *err, enum sc_error code, struct place place, const char *format, ...)
{
	struct errmsg rest;
	va_list args;

	va_start(args, format);
	vsnprintf(rest.text, sizeof(rest.text), format, args);
	va_end(args);
	if (place.line == 0)
		return errmsg_set(err, code, "%s: %s", place.file, rest.text);
	return errmsg_set(err, code, "%s:%u: %s", place.file, place.line, rest.text);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static void
fail(struct reader *r, const char *what)
{
	r->error = place_error(r->err, SC_ERR_FORMAT, r->at, "%s", what);
}

/* Where a comment begins, as inih sees it: at a ';' after a space. */
static size_t
before_comment(const char *text, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (text[i] == ';' && is_space(text[i - 1]))
			return i;
	return n;
}

static void
section_line(struct reader *r, const char *text, size_t n)
{
	const char *close = memchr(text, ']', n);
	char name[128];

	if (!close) {
		fail(r, "a \"]\" is missing at the end of the section's name");
		return;
	}
	const char *after = close + 1;
	while (after < text + n && is_space(*after))
		after++;
	if (after < text + n && *after != ';' && *after != '#') {
		fail(r, "there is something after the \"]\"; a section stands alone on its line");
		return;
	}
	text++;
	while (text < close && is_space(*text))
		text++;
	while (close > text && is_space(close[-1]))
		close--;
	if ((size_t)(close - text) >= sizeof(name)) {
		fail(r, "the section's name is too long; at most 127 characters");
		return;
	}
	memcpy(name, text, (size_t)(close - text));
	name[close - text] = '\0';
	r->has_key = false;
	r->error = r->events->section(r->events->arg, r->at, name, r->err);
}

/* What inih is to see of a line: the text itself, or nothing of it. */
static size_t
key_line(struct reader *r, char *out, const char *text, size_t n, bool indented)
{
	size_t used = 0;

	r->more = indented && !memchr(text, '=', before_comment(text, n));
	if (r->more) {
		if (!r->has_key) {
			fail(r, "an indented line goes on with the line before, and there is no "
				"key there");
			return 0;
		}
		/* inih takes a comment there for a part of the value. */
		n = before_comment(text, n);
		out[used++] = ' ';
	}
	r->has_key = true;
	memcpy(out + used, text, n);
	return used + n;
}

static void
check_bytes(struct reader *r, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			r->error = place_error(r->err, SC_ERR_FORMAT, r->at,
				"there is a byte 0x%02x, which is no text; remove it", c);
			return;
		}
	}
}

/* An ini_reader: one line into buffer, which holds size bytes; NULL at the end. */
static char *
next_line(char *buffer, int size, void *arg)
{
	struct reader *r = arg;
	size_t used = 0;

	if (r->error != SC_OK || r->next >= r->end)
		return NULL;
	const char *line = r->next, *newline = memchr(line, '\n', (size_t)(r->end - line));
	const char *stop = newline ? newline : r->end;
	r->next = newline ? newline + 1 : r->end;
	r->at.line++;
	if (r->at.line == 1 && stop - line >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3; /* a byte order mark, as some editors write it */
	if (stop > line && stop[-1] == '\r')
		stop--;
	check_bytes(r, line, (size_t)(stop - line));
	const char *text = line;
	while (text < stop && is_space(*text))
		text++;
	size_t n = (size_t)(stop - text), room = (size_t)size - 3; /* ' ', '\n', NUL */
	if (r->error == SC_OK && n > room)
		r->error = place_error(r->err, SC_ERR_FORMAT, r->at,
			"the line has %zu characters, and at most %zu are read; go on with a long "
			"list in the next line, indented",
			n, room);
	if (r->error == SC_OK && n > 0 && *text == '[')
		section_line(r, text, n);
	else if (r->error == SC_OK && n > 0 && *text != ';' && *text != '#')
		used = key_line(r, buffer, text, n, text > line);
	else
		used = 0;
	if (r->error != SC_OK)
		return NULL;
	buffer[used] = '\n';
	buffer[used + 1] = '\0';
	return buffer;
}

/* An ini_handler. */
static int
found(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *r = arg;
	(void)section;
	if (r->error == SC_OK)
		r->error = r->events->value(r->events->arg, r->at, key, value, r->more, r->err);
	return r->error == SC_OK;
}

static enum sc_error
read_whole(const char *file, char **text, size_t *size, struct errmsg *err)
{
	const struct place at = {file, 0};
	enum sc_error error = SC_OK;
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*text = NULL;
	*size = 0;
	if (fd < 0)
		return place_error(err, errno == ENOENT ? SC_ERR_NOT_FOUND : SC_ERR_IO, at,
			"cannot be opened: %s", strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		error = place_error(err, SC_ERR_FORMAT, at, "is not a file");
	else if ((uint64_t)st.st_size > FILE_MAX)
		error = place_error(
			err, SC_ERR_FORMAT, at, "is too long; at most %zu bytes", FILE_MAX);
	else if (!(*text = malloc((size_t)st.st_size + 1)))
		error = place_error(err, SC_ERR_MEMORY, at, "out of memory");
	while (error == SC_OK && *size < (size_t)st.st_size) {
		ssize_t n = read(fd, *text + *size, (size_t)st.st_size - *size);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			error = place_error(
				err, SC_ERR_IO, at, "cannot be read: %s", strerror(errno));
		if (n > 0)
			*size += (size_t)n;
	}
	close(fd);
	return error;
}

enum sc_error
ini_read(const char *file, const struct ini_events *events, struct errmsg *err)
{
	char *text;
	size_t size;
	enum sc_error error = read_whole(file, &text, &size, err);

	if (error == SC_OK) {
		struct reader r = {.events = events, .err = err, .at = {file, 0}, .next = text};
		r.end = text + size;
		int bad_line = ini_parse_stream(next_line, &r, found, &r);
		error = r.error;
		if (bad_line < 0)
			error = place_error(
				err, SC_ERR_MEMORY, (struct place){file, 0}, "out of memory");
		/* inih goes on after a line that it does not understand; the first problem
		   counts. */
		else if (bad_line > 0 && (error == SC_OK || (unsigned)bad_line < r.at.line))
			error = place_error(err, SC_ERR_FORMAT,
				(struct place){file, (unsigned)bad_line},
				"there is no \"=\" in this line; write it as key = value");
	}
	free(text);
	return error;
}
