/* Lines of the handshake: where one ends in the bytes that have come, and whether it may stand
   (protocol.md 1). */
#ifndef SC_SECURECONN_LINE_H
#define SC_SECURECONN_LINE_H

#include "base/error.h"
#include "base/util.h"

#define LINE_SIZE_MAX 8192 /* bytes, LF included */
#define LINES_MAX     64   /* that a peer may send in a handshake */
#define LINE_TOTAL_MAX ((size_t)LINES_MAX * LINE_SIZE_MAX)

/* What a node allows of that; 0: as much as the protocol does. */
struct line_rules {
	size_t size;    /* of a line, LF included */
	unsigned count; /* of lines */
	size_t total;   /* of all of them together */
};

/* No name, key or ciphertext of the protocol needs more: who allows so much refuses nobody. */
#define LINE_SIZE_LEAST  4352          /* SYM-KEY-1 under ElGamal 8192 has 4,109 */
#define LINES_LEAST      32
#define LINE_TOTAL_LEAST (32u * 1024)

/* How far the present line has been looked at, and how many there were. Starts as zero, but for the
   rules. */
struct line_reader {
	struct line_rules rules;
	size_t scanned;
	unsigned count;
	size_t total; /* bytes of whole lines */
};

/* Looks for a whole line at the start of data, which grows from call to call until a line is found.
   SC_OK with *used 0: not yet. SC_OK with *used > 0: line is its text without LF and without a CR
   before it, and used bytes of data are behind it. Or an error: a forbidden byte is found at once,
   not only when the line is complete. */
enum sc_error
line_next(struct line_reader *reader, struct span data, struct span *line, size_t *used);

#endif
