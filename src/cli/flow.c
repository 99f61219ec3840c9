/* Breaks text into lines. */
#include "cli/flow.h"

#include <stdbool.h>
#include <string.h>

#define JOINT (FLOW_JOINT[0])

static size_t
word_length(const char *word)
{
	return strcspn(word, " \n");
}

static bool
is_number(const char *word, size_t n)
{
	return n > 0 && strspn(word, "0123456789.") == n;
}

/* Bytes of what stays in one line: a word, or a number with the word behind it. */
static size_t
unit_length(const char *text)
{
	size_t n = word_length(text), last = 0;

	while (is_number(text + last, n - last) && text[n] == ' ' &&
		word_length(text + n + 1) > 0) {
		last = n + 1;
		n = last + word_length(text + last);
	}
	return n;
}

static void
put(FILE *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputc(text[i] == JOINT ? ' ' : text[i], out);
}

void
flow_text(FILE *out, const struct flow *flow, const char *text)
{
	size_t column = flow->column;

	while (*text) {
		size_t spaces = strspn(text, " "), n = unit_length(text + spaces);
		if (flow->width && column + spaces + n > flow->width && column > flow->indent) {
			fprintf(out, "\n%*s", (int)flow->indent, "");
			column = flow->indent;
			text += spaces;
			continue;
		}
		put(out, text, spaces + n);
		column += spaces + n;
		text += spaces + n;
		if (*text == '\n') {
			fputc(*text++, out);
			column = 0;
		}
	}
}
