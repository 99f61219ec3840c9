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

static void
text_row(void *arg, const struct row *row)
{
	const struct cli *cli = arg;
	bool waits = !row->fingerprint && row->algorithm[0];
	const char *address =
		row->section && row->section->address.n > 0 ? row->section->address.at[0].text : "";

	fprintf(cli->out, "%-16s %-9s %-13s %-39s  %-10.10s  %s\n",
		row->peer[0] ? row->peer : "(a caller)", row->state, row->algorithm,
		row->fingerprint ? row->fingerprint
		: waits          ? NOT_SHOWN
				 : "",
		row->time, row->source[0] ? row->source : address);
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
	char name[600];
	bool waits = false;
	const struct peer_key *key;

	if (!keyring_peer_key(ring, 0) && config->n_peers == 0) {
		fprintf(cli->out, "No peers yet: add a [peer NAME] section to %s.\n",
			cli->config_path);
		return;
	}
	fprintf(cli->out, "%-16s %-9s %-13s %-39s  %-10s  %s\n", "PEER", "STATE", "ALGORITHM",
		"FINGERPRINT", "SINCE", "AT");
	each_row(ring, config, text_row, (void *)cli);
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		waits = waits || key->state == KEY_PENDING;
	if (waits)
		fprintf(cli->out, "\nKeys that wait are not used before: %s verify PEER\n",
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
