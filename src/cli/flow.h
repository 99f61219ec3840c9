/* Knows where a line of text may be broken; knows no terminal. */
#ifndef SC_CLI_FLOW_H
#define SC_CLI_FLOW_H

#include <stdio.h>

/* A space at which no line is broken. */
#define FLOW_JOINT "\x1f"

struct flow {
	size_t width;  /* columns of a line; 0: it is never broken */
	size_t indent; /* spaces before what did not fit into a line */
	size_t column; /* where the text begins */
};

/* Writes the text, broken between words where a line would be longer than that. A newline in it
   begins a new line. A number is not parted from what it counts. */
void
flow_text(FILE *out, const struct flow *flow, const char *text);

#endif
