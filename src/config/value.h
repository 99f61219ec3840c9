/* Reading the text of one value into a member of a section's struct. */
#ifndef SC_CONFIG_VALUE_H
#define SC_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "config/options.h"
#include "config/read.h"

/* Stores text as the option's type says in the section's struct, which begins at base. Lists grow:
   what is there stays. at is where the text is (line 0: it is the default). err gets no file:line.
   SC_ERR_INVALID, SC_ERR_MEMORY. */
enum sc_error
value_set(void *base, const struct option *option, const char *text, struct place at,
	struct errmsg *err);

/* A value as messages show it. */
struct shown {
	char text[80];
};

struct shown
value_show(const char *text);

/* True for types that may go on in the next line. */
bool
value_is_list(const struct option *option);

/* Frees what value_set has allocated, and zeroes the member. */
void
value_clear(void *base, const struct option *option);

/* True for 1 to max letters, digits, '.', '_' and '-', not '.' first. */
bool
name_valid(const char *name, size_t max);

/* The same, with a message if it is none. SC_OK or SC_ERR_INVALID. */
enum sc_error
name_check(const char *name, size_t max, struct errmsg *err);

/* A path as seen from the folder of file; to be freed. NULL: no memory. */
char *
path_beside(const char *file, const char *path);

/* "90s", "1h", "250ms": the shortest way to write ns. */
void
time_format(char out[32], uint64_t ns);

/* Below 0, 0 or above, as strcmp, in some order. 0: they are one place, however it is written:
   "[::1]:80" and "[0::1]:80". Names are not looked up. */
int
endpoint_order(const struct endpoint *a, const struct endpoint *b);

bool
endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* True if connecting to it, or listening there, does not leave this host. */
bool
endpoint_is_local(const struct endpoint *endpoint);

#endif
