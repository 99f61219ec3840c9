/* Knows what a line may look like; knows nothing of what lines say. */
#include "secureconn/line.h"

#include <stdbool.h>

static size_t
most(size_t own, size_t protocol)
{
	return own > 0 ? min_size(own, protocol) : protocol;
}

static enum sc_error
line_found(struct line_reader *reader, struct span data, size_t lf, struct span *line)
{
	size_t size = lf;

	if (size > 0 && data.data[size - 1] == '\r')
		size--;
	if (size == 0)
		return SC_ERR_LINE_EMPTY;
	reader->total += lf + 1;
	if (++reader->count > most(reader->rules.count, LINES_MAX))
		return SC_ERR_LINE_COUNT;
	*line = (struct span){data.data, size};
	reader->scanned = 0;
	return SC_OK;
}

enum sc_error
line_next(struct line_reader *reader, struct span data, struct span *line, size_t *used)
{
	const size_t longest = most(reader->rules.size, LINE_SIZE_MAX);
	const size_t left = most(reader->rules.total, LINE_TOTAL_MAX) - reader->total;

	*used = 0;
	for (size_t i = reader->scanned; i < data.size; i++) {
		uint8_t c = data.data[i];

		if (i >= longest)
			return SC_ERR_LINE_LONG;
		if (i >= left)
			return SC_ERR_LINE_TOTAL;
		if (c == '\n') {
			*used = i + 1;
			return line_found(reader, data, i, line);
		}
		/* A CR is allowed as the last byte before the LF only. */
		bool after_cr = i > 0 && data.data[i - 1] == '\r';
		if (after_cr || ((c < 0x20 || c > 0x7e) && c != '\r'))
			return SC_ERR_LINE_BYTE;
		reader->scanned = i + 1;
	}
	if (reader->scanned >= longest)
		return SC_ERR_LINE_LONG;
	return reader->scanned >= left ? SC_ERR_LINE_TOTAL : SC_OK;
}
