/* secureconn status: what the running node does, once or again and again. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/screen.h"
#include "cli/status_text.h"

#define WATCH_DEFAULT "1"
#define WATCH_MIN_MS  100
#define WATCH_MAX_MS  3600000

struct view {
	const struct cli *cli;
	const struct config *config;
	bool json, screen;
	struct status_look look;
};

/* "2", "0.5": seconds as milliseconds. 0: it is no such number. */
static unsigned
parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value * 1000 >= WATCH_MIN_MS && value * 1000 <= WATCH_MAX_MS))
		return 0;
	return (unsigned)(value * 1000);
}

static void
write_json(FILE *out, struct json_object *picture)
{
	const int form = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	fprintf(out, "%s\n", json_object_to_json_string_ext(picture, form));
}

/* On the screen: the page is made whole first, so that it does not flicker. */
static void
show_on_screen(const struct view *v, struct json_object *picture)
{
	struct status_look look = v->look;
	char *page = NULL;
	size_t n;
	FILE *memory = open_memstream(&page, &n);

	look.width = screen_width(v->cli->out);
	if (!memory)
		return;
	status_text(memory, picture, &look);
	fclose(memory);
	screen_show(v->cli->out, page);
	free(page);
}

/* Asks once and shows the answer. CLI_GO_ON, or CLI_FAILED after saying why not. */
static int
look(struct view *v, bool first)
{
	const struct request request = {.kind = REQUEST_STATUS};
	struct json_object *answer, *picture;
	int status = client_ask(v->cli, v->config, &request, &answer);

	if (status != CLI_GO_ON)
		return status;
	json_object_object_get_ex(answer, "status", &picture);
	if (v->json) {
		write_json(v->cli->out, picture);
	} else if (v->screen) {
		show_on_screen(v, picture);
	} else {
		fputs(first ? "" : "\n", v->cli->out);
		status_text(v->cli->out, picture, &v->look);
	}
	fflush(v->cli->out);
	json_object_put(answer);
	return CLI_GO_ON;
}

static int
watch(struct view *v, unsigned ms)
{
	bool first = true;
	int status;

	/* The first one before the screen is taken: if no node runs, that is all there is. */
	if (!v->json) {
		const struct request request = {.kind = REQUEST_VERSION};
		struct json_object *answer;
		status = client_ask(v->cli, v->config, &request, &answer);
		if (status != CLI_GO_ON)
			return status;
		json_object_put(answer);
	}
	v->screen = screen_open(v->cli->in, v->cli->out, !v->json);
	do {
		status = look(v, first);
		first = false;
	} while (status == CLI_GO_ON && !ferror(v->cli->out) && screen_wait(v->cli->in, ms));
	screen_close(v->cli->out);
	return status == CLI_GO_ON ? CLI_DONE : status;
}

int
cmd_status(const struct cli *cli, int argc, char **argv)
{
	bool json = false, again = false;
	const char *given = NULL, *args[1];
	const struct cli_option options[] = {{"--json", NULL, NULL, &json, "the same for programs"},
		{"--watch", "[SECONDS]", &given, &again, "again and again, until q or Ctrl-C"},
		{.name = NULL}};
	const struct cli_usage usage = {"status", "",
		"Shows what the running node does: its peers with their links and keys, and the\n"
		"connections of each route and service, those that were refused too.\n"
		"--watch shows it anew every SECONDS (default " WATCH_DEFAULT
		", from 0.1 to 3600).\n",
		options, 0, 1};
	struct config *config;
	char program[600];
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	const char *seconds = args[0] ? args[0] : given ? given : WATCH_DEFAULT;
	unsigned ms = parse_seconds(seconds);
	if ((args[0] && !again) || (args[0] && given))
		return cli_fail(cli, CLI_USAGE,
			"status: too many arguments, from %s; see: secureconn status --help",
			args[0]);
	if (ms == 0)
		return cli_fail(cli, CLI_USAGE,
			"status: --watch takes seconds, from 0.1 to 3600, and not \"%s\"", seconds);
	status = cli_load(cli, &config, NULL);
	if (status != CLI_GO_ON)
		return status;
	struct view view = {.cli = cli, .config = config, .json = json};
	view.look = (struct status_look){screen_width(cli->out), screen_has_colour(cli->out),
		cli_name(cli, program, sizeof(program))};
	status = again ? watch(&view, ms) : look(&view, true);
	config_free(config);
	return status == CLI_GO_ON ? CLI_DONE : status;
}
