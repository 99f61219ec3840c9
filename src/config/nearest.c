/* Knows how far one word is from another; knows nothing of where the words come from. */
#include "config/nearest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"

#define WORD_MAX 80

static int
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *two_back = rows[0], *back = rows[1], *row = rows[2];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	memset(rows, 0, sizeof(rows));
	for (size_t k = 0; k <= m; k++)
		back[k] = k;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t k = 1; k <= m; k++) {
			row[k] = back[k - 1] + (same(a[i - 1], b[k - 1]) ? 0 : 1);
			row[k] = min_size(row[k], min_size(back[k], row[k - 1]) + 1);
			if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]))
				row[k] = min_size(row[k], two_back[k - 2] + 1);
		}
		size_t *spare = two_back;
		two_back = back;
		back = row;
		row = spare;
	}
	return back[m];
}

void
nearest_consider(const char **best, const char *word, const char *candidate)
{
	size_t distance = edit_distance(word, candidate);
	if (distance > 1 + strlen(candidate) / 4)
		return;
	if (!*best || distance < edit_distance(word, *best))
		*best = candidate;
}
