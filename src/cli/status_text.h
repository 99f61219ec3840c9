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

/* "5 s", "3 min 5 s", "2 h 3 min", "4 d 2 h" */
const char *
age_text(char out[32], uint64_t seconds);

/* "17 B", "1.5 KiB", "300 MiB" */
const char *
size_text(char out[32], uint64_t bytes);

#endif
