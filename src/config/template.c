/* Knows how the table of options reads as a file for people. */
#include "config/template.h"

#include <string.h>

#include "config/options.h"

static const char *
chosen(const struct option *o, const struct template_values *values)
{
	if (o->section != SECTION_NODE)
		return NULL;
	if (strcmp(o->key, "name") == 0)
		return values->name;
	if (strcmp(o->key, "state") == 0)
		return values->state;
	if (strcmp(o->key, "asymmetric") == 0)
		return values->asymmetric;
	return NULL;
}

static void
write_option(FILE *out, const struct option *o, const struct template_values *values)
{
	const char *value = chosen(o, values);
	const char *example = o->example ? o->example : o->fallback;

	fprintf(out, "; %s", o->help);
	if (!o->fallback)
		fprintf(out, " (must be there)");
	else if (o->example && o->fallback[0] != '\0')
		fprintf(out, " (default: %s)", o->fallback);
	fprintf(out, value ? "\n%s = %s\n" : "\n;%s = %s\n", o->key, value ? value : example);
}

void
config_template(FILE *out, const struct template_values *values)
{
	fputs("; secureconn: one node. Lines with a ; are comments: those like \";key = value\" "
	      "show the\n"
	      "; default or an example; remove the ; to use one. `secureconn check` tells what is "
	      "wrong and\n"
	      "; where. Times take ms, s, m or h. A long list goes on in the next line, "
	      "indented.\n",
		out);
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		const struct section_form *form = &section_forms[i];
		fprintf(out, "\n; %s%s\n", form->help,
			form->named ? " As many such sections as there are." : "");
		fprintf(out, form->named ? ";[%s %s]\n" : "[%s]\n", form->word, form->example_name);
		for (const struct option *o = config_options; o->key; o++)
			if (o->section == i)
				write_option(out, o, values);
	}
}
