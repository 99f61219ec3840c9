/* Reading one INI file: sections and keys in the order of their lines. */
#ifndef SC_CONFIG_READ_H
#define SC_CONFIG_READ_H

#include <stdbool.h>

#include "base/error.h"

/* A line of a file, for messages. */
struct place {
	const char *file;
	unsigned line;
};

/* Writes "file:line: " and the rest; without a line, "file: ". Returns code. */
enum sc_error
place_error(struct errmsg *err, enum sc_error code, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What is found. Either function returns SC_OK to go on, or an error with err set, which ends the
   reading. The texts are valid during the call only. */
struct ini_events {
	/* "[peer hq]": what is between the brackets, spaces at both ends removed. */
	enum sc_error (*section)(void *arg, struct place at, const char *name, struct errmsg *err);
	/* "key = value". more: an indented line without a "=" that goes on with the value of the
	   key before. */
	enum sc_error (*value)(void *arg, struct place at, const char *key, const char *value,
		bool more, struct errmsg *err);
	void *arg;
};

/* Reads a file of at most 4 MiB. file must outlive the events (it is in their places).
   SC_ERR_NOT_FOUND if there is no such file; any other problem is an error too, with err set. */
enum sc_error
ini_read(const char *file, const struct ini_events *events, struct errmsg *err);

#endif
