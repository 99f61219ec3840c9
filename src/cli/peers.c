/* secureconn peers: what is known of each peer's key. */
#include <json.h>
#include <string.h>

#include "cli/cli.h"

/* A line of the list. */
struct row {
	const char *peer, *state, *algorithm, *fingerprint, *source;
	char time[TIME_TEXT_SIZE];
	const struct config_peer *section; /* NULL: the configuration has none */
};

/* The fingerprint of a key that waits is not shown: it is to come from the peer's operator, not
   from here. */
#define NOT_SHOWN "ask its operator"

static struct row
row_of(const struct keyring *ring, const struct config *config, const struct peer_key *key)
{
	struct row row = {
		.peer = key->peer, .source = key->source, .fingerprint = key->fingerprint};

	row.section = config_peer_find(config, key->peer);
	row.algorithm = key->asym ? key->asym->algorithm->name : "";
	time_text(row.time, key->time);
	if (key->state == KEY_VERIFIED) {
		row.state = "verified";
	} else if (key->state == KEY_EXPECTED) {
		row.state = "expected";
	} else if (key->state == KEY_REVOKED) {
		row.state = "revoked";
	} else {
		bool on_hold = key->peer[0] && keyring_has_verified(ring, key->peer, NULL);
		row.state = on_hold ? "on hold" : "pending";
		row.fingerprint = NULL;
	}
	return row;
}

typedef void
row_fn(void *arg, const struct row *row);

/* Every key, then the peers of which there is none. */
static void
each_row(const struct keyring *ring, const struct config *config, row_fn *fn, void *arg)
{
	const struct peer_key *key;
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++) {
		struct row row = row_of(ring, config, key);
		fn(arg, &row);
	}
	for (size_t i = 0; i < config->n_peers; i++) {
		struct row row = {.peer = config->peers[i].name,
			.state = "no key",
			.algorithm = "",
			.source = "",
			.section = &config->peers[i]};
		if (!keyring_knows(ring, row.peer))
			fn(arg, &row);
	}
}

/* What a row shows in each column. */
struct cells {
	const char *peer, *state, *algorithm, *fingerprint, *at;
	char since[11];
};

static struct cells
cells_of(const struct row *row)
{
	bool waits = !row->fingerprint && row->algorithm[0];
	bool dialed = row->section && row->section->address.n > 0;
	struct cells c = {
		.peer = row->peer[0] ? row->peer : "(a caller)",
		.state = row->state,
		.algorithm = row->algorithm,
		.fingerprint = row->fingerprint ? row->fingerprint
			       : waits          ? NOT_SHOWN
						: "",
		.at = row->source[0] ? row->source
		      : dialed       ? row->section->address.at[0].text
				     : "",
	};

	snprintf(c.since, sizeof(c.since), "%.10s", row->time);
	return c;
}

/* How the list fits. */
struct layout {
	const struct cli *cli;
	int peer;     /* columns of the longest name */
	size_t width; /* of the longest line */
};

#define PEER_MIN    16
#define TABLE       "%-*s %-9s %-13s %-39s  %-10s"
#define TABLE_WIDTH (1 + 9 + 1 + 13 + 1 + 39 + 2 + 10) /* without the peer */

static void
measure_row(void *arg, const struct row *row)
{
	struct layout *l = arg;
	struct cells c = cells_of(row);
	size_t at = strlen(c.at);

	if ((int)strlen(c.peer) > l->peer)
		l->peer = (int)strlen(c.peer);
	if (TABLE_WIDTH + 2 + at > l->width)
		l->width = TABLE_WIDTH + 2 + at;
}

static void
table_line(const struct layout *l, const struct cells *c)
{
	char line[800];
	int n = snprintf(line, sizeof(line), TABLE "  %s", l->peer, c->peer, c->state, c->algorithm,
		c->fingerprint, c->since, c->at);

	while (n > 0 && line[n - 1] == ' ')
		n--;
	fprintf(l->cli->out, "%.*s\n", n, line);
}

static void
table_row(void *arg, const struct row *row)
{
	struct cells c = cells_of(row);

	table_line(arg, &c);
}

/* Where the terminal has no room for the table: three lines a key. */
static void
narrow_row(void *arg, const struct row *row)
{
	const struct layout *l = arg;
	struct cells c = cells_of(row);

	cli_say(l->cli, 4, "%-*s %-9s%s%s\n", PEER_MIN, c.peer, c.state, c.algorithm[0] ? " " : "",
		c.algorithm);
	if (c.fingerprint[0])
		cli_say(l->cli, 4, "    %s\n", c.fingerprint);
	if (c.since[0] || c.at[0])
		cli_say(l->cli, 4, "    %s%s%s%s\n", c.since[0] ? "since " : "", c.since,
			c.since[0] && c.at[0] ? ", " : "", c.at);
}

static struct json_object *
text_or_null(const char *text)
{
	return text && text[0] ? json_object_new_string(text) : NULL;
}

static void
json_row(void *arg, const struct row *row)
{
	struct json_object *o = json_object_new_object(), *address = json_object_new_array();

	for (size_t i = 0; row->section && i < row->section->address.n; i++)
		json_object_array_add(
			address, json_object_new_string(row->section->address.at[i].text));
	json_object_object_add(o, "peer", text_or_null(row->peer));
	json_object_object_add(o, "state", json_object_new_string(row->state));
	json_object_object_add(o, "algorithm", text_or_null(row->algorithm));
	json_object_object_add(o, "fingerprint", text_or_null(row->fingerprint));
	json_object_object_add(o, "time", text_or_null(row->time));
	json_object_object_add(o, "source", text_or_null(row->source));
	json_object_object_add(o, "address", address);
	json_object_object_add(o, "configured", json_object_new_boolean(row->section != NULL));
	json_object_array_add(arg, o);
}

static void
show_json(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	struct json_object *top = json_object_new_object(), *peers = json_object_new_array();

	json_object_object_add(top, "node", json_object_new_string(config->node.name));
	json_object_object_add(top, "peers", peers);
	each_row(ring, config, json_row, peers);
	fprintf(cli->out, "%s\n",
		json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

static void
show_text(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	const struct cells titles = {"PEER", "STATE", "ALGORITHM", "FINGERPRINT", "AT", "SINCE"};
	struct layout layout = {cli, PEER_MIN, 0};
	char name[600];
	bool waits = false;
	const struct peer_key *key;

	if (!keyring_peer_key(ring, 0) && config->n_peers == 0) {
		fprintf(cli->out, "No peers yet: add a [peer NAME] section to %s.\n",
			cli->config_path);
		return;
	}
	each_row(ring, config, measure_row, &layout);
	if (cli_columns(cli) && cli_columns(cli) < layout.width + (size_t)layout.peer) {
		each_row(ring, config, narrow_row, &layout);
	} else {
		table_line(&layout, &titles);
		each_row(ring, config, table_row, &layout);
	}
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		waits = waits || key->state == KEY_PENDING;
	if (waits)
		cli_say(cli, 0,
			"\n"
			"A key that waits is not used before its operator has read its "
			"fingerprint to you: %s verify PEER\n",
			cli_name(cli, name, sizeof(name)));
}

int
cmd_peers(const struct cli *cli, int argc, char **argv)
{
	bool json = false;
	const struct cli_option options[] = {
		{"--json", NULL, NULL, &json, "the same for programs"}, {.name = NULL}};
	const struct cli_usage usage = {"peers", "",
		"Shows what is known of each peer's key: verified (used), expected (its\n"
		"fingerprint is trusted, it has not come yet), pending (it came, nobody has\n"
		"verified it), on hold (the peer showed another key than the verified one),\n"
		"revoked, no key. SINCE is when it was verified, or when it came last; AT is\n"
		"where from, or the peer's address.\n",
		options, 0, 0};
	const char *args[1];
	struct cli_state s;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	status = cli_open(cli, &s);
	if (status == CLI_GO_ON) {
		(json ? show_json : show_text)(cli, s.config, s.ring);
		status = CLI_DONE;
	}
	return cli_close(&s, status);
}
