/* The picture of a running node as text for people. Knows no node and no terminal. */
#ifndef SC_CLI_STATUS_TEXT_H
#define SC_CLI_STATUS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include <json.h>

struct status_look {
	unsigned width; /* columns: longer lines go on in the next one */
	bool colour;
	const char *program; /* how it is called, for advice */
};

/* picture: as the control socket gives it; what is missing in it is left out. */
void
status_text(FILE *out, struct json_object *picture, const struct status_look *look);

#endif
