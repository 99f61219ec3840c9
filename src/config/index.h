/* Sections by their names: of thousands of peers each is found at once. */
#ifndef SC_CONFIG_INDEX_H
#define SC_CONFIG_INDEX_H

#include "config/options.h"

/* The section of that kind, which has names, and that name; NULL: there is none. */
const void *
config_find(const struct config *config, enum section_id section, const char *name);

/* The last section of that kind, which is not in the index, and whose name none has. False: out of
   memory. */
bool
index_add(struct config *config, enum section_id section);

void
index_free(struct config *config);

#endif
