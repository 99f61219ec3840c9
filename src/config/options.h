/* The table of everything that can be configured. */
#ifndef SC_CONFIG_OPTIONS_H
#define SC_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum section_id {
	SECTION_NODE,
	SECTION_PEER,
	SECTION_ROUTE,
	SECTION_SERVICE,
	SECTION_LIMITS,
	SECTION_COUNT
};

/* What a value is, and the type of the member that holds it. */
enum value_type {
	VALUE_NAME,      /* char[CONFIG_NAME_SIZE]: letters, digits, '.', '_', '-' */
	VALUE_SERVICE,   /* char[256]: the same, longer */
	VALUE_ENDPOINTS, /* struct endpoint_list: host:port */
	VALUE_SOCKETS,   /* struct endpoint_list: host:port, or a path */
	VALUE_LIST,      /* struct name_list: any words */
	VALUE_PEERS,     /* struct name_list: names, or one "*" */
	VALUE_PREFIXES,  /* struct prefix_list: prefixes of addresses */
	VALUE_PATH,      /* char *: relative to the folder of the file */
	VALUE_UNIX,      /* char *: the path of a Unix socket, likewise; empty: none */
	VALUE_PATTERN,   /* no member: files to read too */
	VALUE_TIME,      /* uint64_t: nanoseconds */
	VALUE_NUMBER,    /* uint32_t; 0 for the word, if words has one */
	VALUE_SIZE,      /* uint64_t: bytes */
	VALUE_FLAG,      /* bool: one of two words, the second is true */
	VALUE_CHOICE     /* unsigned: the place of the word among words */
};

/* What a value that a running node reads anew does. */
enum option_apply {
	APPLY_NOW = 1, /* counts at once */
	APPLY_NEXT,    /* counts for connections and links that begin from then on */
	APPLY_RESTART  /* counts for the next process; the running one goes on with the old */
};

struct option {
	enum section_id section;
	const char *key;
	enum value_type type;
	enum option_apply apply;
	size_t offset;        /* of the member in the section's struct */
	const char *fallback; /* where the file has none; NULL: there must be one; "": empty */
	uint64_t min, max;    /* VALUE_TIME (nanoseconds), VALUE_NUMBER, VALUE_SIZE */
	const char *words;    /* VALUE_FLAG, VALUE_CHOICE: "no|yes"; VALUE_NUMBER: "auto" or NULL */
	const char *example;  /* for the commented file; NULL: the fallback */
	const char *help;     /* one or two clauses for the commented file */
};

#define OPTIONS_MAX CONFIG_OPTIONS_MAX

/* All of them, by section; a NULL key ends them. */
extern const struct option config_options[OPTIONS_MAX];

/* How a section is written and which struct holds it. */
struct section_form {
	const char *word; /* "peer" */
	bool named;       /* [peer NAME] */
	size_t size, name_size, name_offset, line_offset, file_offset;
	const char *help, *example_name;
};

extern const struct section_form section_forms[SECTION_COUNT];

/* The option of that key in that section, or NULL. */
const struct option *
option_find(enum section_id section, const char *key);

/* The number of word in "a|b|c", or -1. */
int
words_find(const char *words, const char *word);

/* The sections of that kind, as an array of its struct, and their number; 1 of those without
   names. */
const void *
config_sections(const struct config *config, enum section_id section, size_t *n);

#endif
