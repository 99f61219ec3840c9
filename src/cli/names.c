/* Knows how names stand one after the other, and how it is said that there are too many of them. */
#include "cli/names.h"

#include <stdio.h>
#include <string.h>

#define MORE_SIZE 32 /* " and N more" */

void
names_init(struct names *n)
{
	n->text[0] = '\0';
	n->used = n->more = 0;
}

void
names_add(struct names *n, const char *name)
{
	const char *comma = n->used > 0 ? ", " : "";

	if (n->more > 0 ||
		n->used + strlen(comma) + strlen(name) >= sizeof(n->text) - MORE_SIZE) {
		n->more++;
		return;
	}
	n->used += (size_t)sprintf(n->text + n->used, "%s%s", comma, name);
}

const char *
names_text(struct names *n)
{
	if (n->more > 0)
		snprintf(n->text + n->used, sizeof(n->text) - n->used, "%s%zu more",
			n->used > 0 ? " and " : "", n->more);
	return n->text;
}
