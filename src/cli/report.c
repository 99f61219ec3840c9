/* Knows how findings are shown; knows nothing of what was looked at. */
#include "cli/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT 1500

static const char *const kind_names[] = {"ok", "note", "FAIL"};

void
report_init(struct report *r, const struct cli *cli, bool json)
{
	*r = (struct report){.cli = cli, .checks = json ? json_object_new_array() : NULL};
}

void
report_part(struct report *r, const char *title, const char *name)
{
	if (!r->checks)
		fprintf(r->cli->out, "%s%s %s\n", r->about ? "\n" : "", title, name);
	r->about = name;
}

static void
add(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

void
report_say(struct report *r, enum report_kind kind, const char *check, const char *format, ...)
{
	char text[TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->failed += kind == REPORT_FAIL;
	r->notes += kind == REPORT_NOTE;
	if (r->checks) {
		static const char *const results[] = {"ok", "note", "failed"};
		struct json_object *o = json_object_new_object();
		add(o, "about", r->about);
		add(o, "check", check);
		add(o, "result", results[kind]);
		add(o, "text", text);
		json_object_array_add(r->checks, o);
		return;
	}
	cli_say(r->cli, 8, "  %-5s %s: %s\n", kind_names[kind], check, text);
	fflush(r->cli->out); /* the next one may take a while */
}

void
report_advice(struct report *r, const char *format, ...)
{
	char text[TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (r->checks)
		add(json_object_array_get_idx(r->checks, json_object_array_length(r->checks) - 1),
			"advice", text);
	else
		cli_say(r->cli, 8, "        %s\n", text);
}

int
report_end(struct report *r)
{
	const int form = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	FILE *out = r->cli->out;

	if (r->checks) {
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "ok", json_object_new_boolean(r->failed == 0));
		json_object_object_add(o, "checks", r->checks);
		fprintf(out, "%s\n", json_object_to_json_string_ext(o, form));
		json_object_put(o);
	} else if (r->failed == 0) {
		fprintf(out, "\nNothing is wrong%s.\n",
			r->notes ? " that can be seen from here" : "");
	} else {
		fprintf(out, "\n%u thing%s to be mended.\n", r->failed, r->failed == 1 ? "" : "s");
	}
	return r->failed ? CLI_FAILED : CLI_DONE;
}
