/* Values that are lists: VALUE_ENDPOINTS, VALUE_SOCKETS, VALUE_LIST, VALUE_PEERS,
   VALUE_PREFIXES. */
#ifndef SC_CONFIG_VALUE_LIST_H
#define SC_CONFIG_VALUE_LIST_H

#include "config/options.h"
#include "config/read.h"

/* Adds the items of text to the member, a list of the option's type; what is there stays.
   SC_ERR_INVALID, SC_ERR_MEMORY. */
enum sc_error
value_list_add(void *member, const struct option *option, const char *text, struct place at,
	struct errmsg *err);

/* Frees the items, and zeroes the member. */
void
value_list_clear(void *member, const struct option *option);

#endif
