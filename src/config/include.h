/* The files that `include` names. */
#ifndef SC_CONFIG_INCLUDE_H
#define SC_CONFIG_INCLUDE_H

#include <glob.h>

#include "base/error.h"
#include "config/read.h"

/* Finds the files of `include = value`, which stands at `at`: a path or a pattern, relative to the
   folder of at.file; empty: none. Their paths are found->gl_pathv, in the order of their names, and
   to be given to globfree in any case. SC_OK, also where a pattern fits no file; otherwise with err
   set: SC_ERR_INVALID, value is a plain name and there is no such file; SC_ERR_IO, a folder cannot
   be read; SC_ERR_LIMIT, there are too many; SC_ERR_MEMORY. */
enum sc_error
include_find(glob_t *found, const char *value, struct place at, struct errmsg *err);

#endif
