/* secureconn key rotate: makes new pairs, changes over to them, and shows which peers know them. A
   running node does the rest. */
#include "cli/rotate.h"

#include <json.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"

#define KNOWS          "knows it"
#define PATIENCE_TRIES 20 /* in a second */

/* ---- who knows ---- */

/* A pair that peers have to hear of: a next one, or one in use that has taken the place of
   another. */
static bool
is_news(const struct keyring *ring, const struct key_pair *pair)
{
	if (pair->role == PAIR_NEXT)
		return true;
	return pair->role == PAIR_CURRENT &&
	       (keyring_pair(ring, pair->identity, pair->asym, PAIR_FORMER) ||
		       keyring_pair(ring, pair->identity, pair->asym, PAIR_RETIRED));
}

/* The peers that are shown this pair, or will be. */
static bool
concerns(const struct keyring *ring, const struct config_peer *peer, const struct key_pair *pair)
{
	return strcmp(peer->identity, pair->identity) == 0 &&
	       keyring_has_verified(ring, peer->name, NULL);
}

static const char *
said(const struct keyring *ring, const struct config_peer *peer, const struct key_pair *pair)
{
	static const char *const texts[] = {KNOWS, "needs a call", "refuses it"};
	enum keyroll_answer answer;
	int64_t time;

	if (!keyring_answer(ring, peer->name, pair->fingerprint, &answer, &time))
		return "not asked yet";
	return texts[answer];
}

static void
show_peers(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const struct key_pair *pair)
{
	size_t n = 0, knowing = 0;

	for (size_t i = 0; i < config->n_peers; i++) {
		const struct config_peer *peer = &config->peers[i];
		if (!concerns(ring, peer, pair))
			continue;
		const char *text = said(ring, peer, pair);
		n++;
		knowing += strcmp(text, KNOWS) == 0;
		fprintf(cli->out, "    %-16s %s\n", peer->name, text);
	}
	cli_say(cli, 2, "  Known to %zu of %zu peers.\n", knowing, n);
}

static void
show_pair(const struct cli *cli, const struct keyring *ring, const struct key_pair *pair)
{
	const struct key_pair *current =
		keyring_pair(ring, pair->identity, pair->asym, PAIR_CURRENT);

	fprintf(cli->out, "%s%s%s\n", pair->asym->algorithm->name,
		pair->identity[0] ? ", identity " : "", pair->identity);
	if (pair->role == PAIR_NEXT && current)
		fprintf(cli->out, "  in use  %s\n", current->fingerprint);
	fprintf(cli->out, "  %s  %s\n", pair->role == PAIR_NEXT ? "new   " : "in use",
		pair->fingerprint);
}

static bool
all_know(const struct config *config, const struct keyring *ring, const struct key_pair *pair)
{
	for (size_t i = 0; i < config->n_peers; i++)
		if (concerns(ring, &config->peers[i], pair) &&
			strcmp(said(ring, &config->peers[i], pair), KNOWS) != 0)
			return false;
	return true;
}

/* True if every key that peers have to hear of is known to them, and in use. */
static bool
is_settled(const struct config *config, const struct keyring *ring)
{
	const struct key_pair *pair;

	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++)
		if (is_news(ring, pair) &&
			(pair->role == PAIR_NEXT || !all_know(config, ring, pair)))
			return false;
	return true;
}

/* A running node asks those peers again that had not verified the new key: one who has heard on the
   telephone that it is done sees it here. What they say is waited for a moment. */
static void
ask_again(const struct config *config, struct keyring *ring)
{
	const struct request request = {.kind = REQUEST_KEYS};
	const struct timespec pause = {.tv_nsec = 1000000000 / PATIENCE_TRIES};

	if (is_settled(config, ring))
		return;
	struct json_object *answer = client_question(config, &request);
	for (unsigned i = 0; answer && i < PATIENCE_TRIES && !is_settled(config, ring); i++) {
		nanosleep(&pause, NULL);
		keyring_refresh(ring);
	}
	json_object_put(answer);
}

static int
show_status(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	const struct key_pair *pair;
	bool any = false, waits = false;
	char name[600];

	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++) {
		if (!is_news(ring, pair) ||
			(pair->role == PAIR_CURRENT &&
				keyring_pair(ring, pair->identity, pair->asym, PAIR_NEXT)))
			continue;
		any = true;
		waits = waits || pair->role == PAIR_NEXT;
		show_pair(cli, ring, pair);
		show_peers(cli, config, ring, pair);
	}
	if (!any)
		cli_say(cli, 0, "No key of this node is being changed.\n");
	if (waits)
		cli_say(cli, 0,
			"\n"
			"A running node changes over by itself when all know the new key; sooner "
			"with: %s key rotate --finish\n"
			"Once a peer's operator has verified it, this asks again: %s key rotate "
			"--status\n",
			cli_name(cli, name, sizeof(name)), name);
	return CLI_DONE;
}

static int
show_status_json(const struct cli *cli, const struct config *config, const struct keyring *ring)
{
	struct json_object *top = json_object_new_object(), *keys = json_object_new_array();
	const struct key_pair *pair;

	json_object_object_add(top, "node", json_object_new_string(config->node.name));
	json_object_object_add(top, "keys", keys);
	for (size_t i = 0; (pair = keyring_pair_at(ring, i)); i++) {
		if (!is_news(ring, pair))
			continue;
		struct json_object *key = json_object_new_object();
		struct json_object *peers = json_object_new_object();
		json_object_object_add(
			key, "algorithm", json_object_new_string(pair->asym->algorithm->name));
		json_object_object_add(key, "identity",
			pair->identity[0] ? json_object_new_string(pair->identity) : NULL);
		json_object_object_add(
			key, "fingerprint", json_object_new_string(pair->fingerprint));
		json_object_object_add(key, "state",
			json_object_new_string(pair->role == PAIR_NEXT ? "new" : "in use"));
		json_object_object_add(key, "peers", peers);
		for (size_t k = 0; k < config->n_peers; k++)
			if (concerns(ring, &config->peers[k], pair))
				json_object_object_add(peers, config->peers[k].name,
					json_object_new_string(
						said(ring, &config->peers[k], pair)));
		json_object_array_add(keys, key);
	}
	fprintf(cli->out, "%s\n",
		json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
	return CLI_DONE;
}

/* ---- doing it ---- */

static int
make_next(const struct cli *cli, struct keyring *ring, const struct rotate_wish *wish,
	const struct asym_impl *asym, bool *created)
{
	struct errmsg err;

	if (keyring_make(ring, wish->identity, asym, PAIR_NEXT, &random_system, created, &err) !=
		SC_OK)
		return cli_fail(cli, CLI_FAILED, "%s", err.text);
	return CLI_GO_ON;
}

static int
change_over(const struct cli *cli, const struct config *config, struct keyring *ring,
	const struct rotate_wish *wish, const struct asym_impl *asym)
{
	struct errmsg err;

	if (keyring_change_over(ring, wish->identity, asym, &err) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "%s", err.text);
	const struct key_pair *pair = keyring_pair(ring, wish->identity, asym, PAIR_CURRENT);
	cli_say(cli, 0, "The new %s key is in use from now on: new links are made with it.\n\n",
		asym->algorithm->name);
	if (!pair)
		return CLI_DONE;
	show_pair(cli, ring, pair);
	show_peers(cli, config, ring, pair);
	cli_say(cli, 0,
		"\n"
		"Peers that do not know it make no new links until their operators verify it. The "
		"old key is wiped when the last link under it has ended.\n");
	return CLI_DONE;
}

static int
begin(const struct cli *cli, const struct config *config, struct keyring *ring,
	const struct rotate_wish *wish, const struct asym_impl *asym)
{
	bool created;
	int status = make_next(cli, ring, wish, asym, &created);

	if (status != CLI_GO_ON)
		return status;
	const struct key_pair *pair = keyring_pair(ring, wish->identity, asym, PAIR_NEXT);
	if (!pair) /* a running node has changed over to it already */
		return cli_fail(cli, CLI_DONE, "the new key is in use already; see: key");
	cli_say(cli, 0,
		"%s %s key. A running node tells its peers of it over the links that are up; both "
		"keys are valid there from then on.\n\n",
		created ? "Made a new" : "There is a new", asym->algorithm->name);
	return show_status(cli, config, ring);
}

int
rotate_keys(const struct cli *cli, const struct config *config, struct keyring *ring,
	const struct rotate_wish *wish)
{
	struct errmsg err;
	bool created;

	if (wish->status) {
		ask_again(config, ring);
		return (wish->json ? show_status_json : show_status)(cli, config, ring);
	}
	const struct asym_impl *asym = settings_find_asym(
		wish->algorithm ? wish->algorithm : config->node.asymmetric.at[0], true, &err);
	if (!asym)
		return cli_fail(cli, CLI_USAGE, "key rotate: --asymmetric: %s", err.text);
	if (wish->finish)
		return change_over(cli, config, ring, wish, asym);
	if (!wish->now)
		return begin(cli, config, ring, wish, asym);
	int status = make_next(cli, ring, wish, asym, &created);
	return status == CLI_GO_ON ? change_over(cli, config, ring, wish, asym) : status;
}
