/* What a configuration that was read anew changes: sections that came and went, and keys with
   another value. */
#ifndef SC_CONFIG_DIFF_H
#define SC_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/options.h"
#include "config/read.h"

enum change_kind {
	CHANGE_CAME, /* the section is new */
	CHANGE_WENT, /* it is not there any more */
	CHANGE_VALUE /* it was there and is, and this key of it has another value */
};

struct config_change {
	enum change_kind kind;
	enum section_id section;
	const char *name;            /* of the section; "" for those without names */
	const struct option *option; /* CHANGE_VALUE; otherwise NULL */
	/* Where the new files say it (its section, where the key has no line of its own); what
	   went: where the old ones did. */
	struct place at;
};

/* Sections in the order of section_id, those of a kind as the new files have them, then those that
   went; keys as in the table of options. */
struct config_diff {
	struct config_change *changes;
	size_t n;
};

/* Compares what is in force with what was read. Keys that a running process cannot take over
   (APPLY_RESTART) are compared with what it was started with, so that they are named until it is
   restarted or they are as they were. `started` may be `old`. The diff points into old and now.
   False: out of memory. To be given to config_diff_fini in any case. */
bool
config_diff_init(struct config_diff *diff, const struct config *started, const struct config *old,
	const struct config *now);

void
config_diff_fini(struct config_diff *diff);

/* How many changes there are that apply so. Sections that come and go apply now. */
size_t
config_diff_count(const struct config_diff *diff, enum option_apply apply);

/* "[route inventory] listen", as messages name a change. */
void
config_change_title(char *out, size_t size, const struct config_change *change);

#endif
