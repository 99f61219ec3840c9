/* A configuration to start from, with every section and key that there is, explained. */
#ifndef SC_CONFIG_TEMPLATE_H
#define SC_CONFIG_TEMPLATE_H

#include <stdio.h>

/* The values that are set; NULL leaves the default, as a comment. */
struct template_values {
	const char *name, *state, *asymmetric;
};

/* Writes it. What is not set stands there as ";key = value", so that removing the ';' is all there
   is to do. */
void
config_template(FILE *out, const struct template_values *values);

#endif
