/* secureconn verify: the dialog in which two people verify a key (section 1.3 of the paper). */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define TRIES 3

/* True if this key may turn out to be the peer's. */
static bool
is_candidate(const struct peer_key *key, const char *peer)
{
	return key->state == KEY_PENDING && (key->peer[0] == '\0' || strcmp(key->peer, peer) == 0);
}

/* Of the keys that may be the peer's: how many, and the one shown on a connection that this node
   opened, which the peer's address vouches for a little. */
static size_t
count_candidates(const struct keyring *ring, const char *peer, const struct peer_key **dialed)
{
	const struct peer_key *key;
	size_t n = 0;

	*dialed = NULL;
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++) {
		if (!is_candidate(key, peer))
			continue;
		n++;
		if (key->peer[0])
			*dialed = key;
	}
	return n;
}

/* This node's keys that the peer may have seen: those of the algorithms that its own key may be
   of. */
static size_t
own_keys(const struct keyring *ring, const char *peer, const struct key_pair **own, size_t room)
{
	const struct peer_key *key;
	size_t n = 0;

	for (size_t i = 0; asym_impls[i] && n < room; i++) {
		const struct key_pair *pair = keyring_own(ring, asym_impls[i]);
		bool seen = false;
		for (size_t k = 0; (key = keyring_peer_key(ring, k)); k++)
			seen = seen || (is_candidate(key, peer) && key->asym == asym_impls[i]);
		if (pair && seen)
			own[n++] = pair;
	}
	return n;
}

static void
show_dialog(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const char *peer)
{
	const struct peer_key *dialed;
	const struct key_pair *own[SETTINGS_MAX];
	size_t n;

	count_candidates(ring, peer, &dialed);
	fprintf(cli->out, "Call the person who runs %s", peer);
	if (dialed && dialed->source[0])
		fprintf(cli->out, " (last seen at %s)", dialed->source);
	fprintf(cli->out,
		" on a number you already have.\n\n"
		"  1. Read this to them; it is the fingerprint of the key of this node (%s):\n",
		config->node.name);
	n = own_keys(ring, peer, own, ARRAY_SIZE(own));
	for (size_t i = 0; i < n && n == 1; i++)
		fprintf(cli->out, "         %s\n", own[i]->fingerprint);
	for (size_t i = 0; i < n && n > 1; i++)
		fprintf(cli->out, "         %s   if theirs is a key for %s\n", own[i]->fingerprint,
			own[i]->asym->algorithm->name);
	fputs("  2. Ask them to read theirs to you, and type it here: ", cli->out);
	fflush(cli->out);
}

/* One line without its end. One that is too long, or holds a NUL, comes as "": it is no
   fingerprint, and what is left of it must not pass for one. False at the end of input. */
static bool
read_line(FILE *in, char *out, size_t size)
{
	size_t n = 0;
	bool bad = false;
	int c;

	while ((c = getc(in)) != EOF && c != '\n') {
		bad = bad || c == '\0' || n + 1 == size;
		if (!bad)
			out[n++] = (char)c;
	}
	out[bad ? 0 : n] = '\0';
	return c != EOF || n > 0;
}

/* A key that was verified for the peer before. */
struct former {
	const struct asym_impl *asym;
	char fingerprint[FINGERPRINT_SIZE];
};

static size_t
former_keys(const struct keyring *ring, const char *peer, struct former *former, size_t room)
{
	const struct peer_key *key;
	size_t n = 0;

	for (size_t i = 0; n < room && (key = keyring_peer_key(ring, i)); i++)
		if (key->state == KEY_VERIFIED && strcmp(key->peer, peer) == 0) {
			former[n].asym = key->asym;
			memcpy(former[n++].fingerprint, key->fingerprint, FINGERPRINT_SIZE);
		}
	return n;
}

static void
show_verified(const struct cli *cli, const struct config *config, const struct peer_key *key,
	const struct former *former, size_t n_former)
{
	fprintf(cli->out, "\n%s is verified. A running node uses its %s key within a second.\n",
		key->peer, key->asym->algorithm->name);
	for (size_t i = 0; i < n_former; i++)
		if (former[i].asym == key->asym)
			fprintf(cli->out, "Its former key, %s, is not accepted any more.\n",
				former[i].fingerprint);
	fprintf(cli->out, "The link comes up when its operator has verified %s too.\n",
		config->node.name);
}

static int
ask(const struct cli *cli, const struct config *config, struct keyring *ring, const char *peer)
{
	struct former former[SETTINGS_MAX];
	size_t n_former = former_keys(ring, peer, former, ARRAY_SIZE(former));
	struct peer_key key;
	struct errmsg err;
	char typed[256];

	for (int left = TRIES; left > 0; left--) {
		bool more = read_line(cli->in, typed, sizeof(typed));
		if (!more || !isatty(fileno(cli->in)))
			fputc('\n', cli->out); /* on a terminal, Enter has done that */
		fflush(cli->out);
		if (!more)
			return cli_fail(cli, CLI_FAILED, "nothing was typed; nothing has changed");
		enum sc_error error = keyring_verify(ring, peer, typed, &key, &err);
		if (error == SC_OK) {
			show_verified(cli, config, &key, former, n_former);
			return CLI_DONE;
		}
		if (error != SC_ERR_INVALID)
			return cli_fail(cli, CLI_FAILED, "%s; nothing has changed", err.text);
		fprintf(cli->out, "     Wrong: %s.\n", err.text);
		if (left > 1)
			fputs("     Ask them to read it once more: ", cli->out);
		fflush(cli->out);
	}
	return cli_fail(cli, CLI_FAILED,
		"%s is not verified, and nothing has changed. If the two of you are sure of what "
		"was read "
		"and typed, then what came from the network is not the key of %s",
		peer, peer);
}

static int
run_dialog(
	const struct cli *cli, const struct config *config, struct keyring *ring, const char *peer)
{
	const struct peer_key *dialed;
	char name[600];

	if (!cli_find_peer(cli, config, peer))
		return CLI_FAILED;
	if (count_candidates(ring, peer, &dialed) > 0) {
		show_dialog(cli, config, ring, peer);
		return ask(cli, config, ring, peer);
	}
	cli_name(cli, name, sizeof(name));
	if (keyring_has_verified(ring, peer, NULL))
		return cli_fail(cli, CLI_FAILED,
			"%s is verified already, and no other key has come; see: %s peers", peer,
			name);
	return cli_fail(cli, CLI_FAILED,
		"no key of %s has come yet. Start both nodes (%s run): they meet, show each other "
		"their keys "
		"and wait for this command. Or give the fingerprint beforehand: %s trust %s "
		"--fingerprint F",
		peer, name, name, peer);
}

int
cmd_verify(const struct cli *cli, int argc, char **argv)
{
	const struct cli_option options[] = {{.name = NULL}};
	const struct cli_usage usage = {"verify", "PEER",
		"Verifies the key that PEER showed when the two nodes met: shows the fingerprint "
		"to read\n"
		"to its operator, and asks for the one that they read to you (from standard input, "
		"three\n"
		"tries). Only the right one changes anything. A running node uses it at once.\n",
		options, 1, 1};
	const char *args[1];
	struct config *config = NULL;
	struct keyring *ring = NULL;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	status = cli_load(cli, &config, NULL);
	if (status == CLI_GO_ON)
		status = cli_open_ring(cli, config, &ring);
	if (status == CLI_GO_ON)
		status = run_dialog(cli, config, ring, args[0]);
	keyring_free(ring);
	config_free(config);
	return status;
}
