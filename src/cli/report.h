/* What `doctor` finds, line by line: for people as it goes, or for programs as one object in the
   end. */
#ifndef SC_CLI_REPORT_H
#define SC_CLI_REPORT_H

#include <stdbool.h>

#include <json.h>

#include "cli/cli.h"

struct report {
	const struct cli *cli;
	struct json_object *checks; /* NULL: text */
	const char *about;          /* the present part: the node, or a peer */
	unsigned failed, notes;
};

enum report_kind {
	REPORT_OK,
	REPORT_NOTE, /* nothing is wrong, but somebody may wonder */
	REPORT_FAIL
};

void
report_init(struct report *r, const struct cli *cli, bool json);

/* A new part. name stays the caller's until the next one. */
void
report_part(struct report *r, const char *title, const char *name);

/* check: a word or two that stays, such as "connect". */
void
report_say(struct report *r, enum report_kind kind, const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What mends what was said last. */
void
report_advice(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the rest and frees. CLI_DONE, or CLI_FAILED if something has failed. */
int
report_end(struct report *r);

#endif
