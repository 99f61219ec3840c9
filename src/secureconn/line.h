/* Lines of the handshake: where one ends in the bytes that have come, and whether it may stand (protocol.md 1). */
#ifndef SC_SECURECONN_LINE_H
#define SC_SECURECONN_LINE_H

#include "base/error.h"
#include "base/util.h"

#define LINE_SIZE_MAX 8192 /* bytes, LF included */
#define LINES_MAX     64   /* that a peer may send in a handshake */

/* How far the present line has been looked at, and how many there were. Starts as zero. */
struct line_reader {
	size_t scanned;
	unsigned count;
};

/* Looks for a whole line at the start of data, which grows from call to call until a line is found. SC_OK with *used 0: not
   yet. SC_OK with *used > 0: line is its text without LF and without a CR before it, and used bytes of data are behind
   it. Or an error: a forbidden byte is found at once, not only when the line is complete. */
enum sc_error
line_next(struct line_reader *reader, struct span data, struct span *line, size_t *used);

#endif
