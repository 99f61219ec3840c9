/* secureconn verify: the dialog in which two people verify a key (section 1.3 of the paper). */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tty.h"

#define TRIES         3
#define CALLERS_SHOWN 5

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
		if (key->peer[0] && (!*dialed || key->time > (*dialed)->time))
			*dialed = key;
	}
	return n;
}

/* "2026-01-31 12:00 UTC" */
static const char *
minute_text(char out[TIME_TEXT_SIZE], int64_t time)
{
	char full[TIME_TEXT_SIZE];

	time_text(full, time);
	snprintf(out, TIME_TEXT_SIZE, "%.10s %.5s UTC", full, full + 11);
	return out;
}

/* The order of the list: a comes before b. NULL comes before all. */
static bool
comes_before(const struct peer_key *a, const struct peer_key *b)
{
	if (!a || a->time != b->time)
		return !a || a->time > b->time;
	return strcmp(a->fingerprint, b->fingerprint) < 0;
}

/* Keys without a name: where each came from, the youngest first, a few of them. */
static void
show_callers(const struct cli *cli, const struct keyring *ring)
{
	const struct peer_key *key, *last = NULL, *next;
	char when[TIME_TEXT_SIZE];
	size_t total = 0, shown = 0;

	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		total += key->state == KEY_PENDING && !key->peer[0];
	if (total > 0)
		cli_say(cli, 2, "Callers that nobody knows have shown a key:\n");
	for (; shown < total && shown < CALLERS_SHOWN; shown++, last = next) {
		next = NULL;
		for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
			if (key->state == KEY_PENDING && !key->peer[0] && comes_before(last, key) &&
				(!next || comes_before(key, next)))
				next = key;
		cli_say(cli, 9, "  %s, %s\n", next->source, minute_text(when, next->time));
	}
	if (total > shown)
		cli_say(cli, 2, "  and %zu more\n", total - shown);
	if (total > 0)
		fputc('\n', cli->out);
}

/* This node's keys that the peer may have seen: those of the algorithms that its own key may be
   of. */
static size_t
own_keys(const struct keyring *ring, const struct config_peer *peer, const struct key_pair **own,
	size_t room)
{
	const struct peer_key *key;
	size_t n = 0;

	for (size_t i = 0; asym_impls[i] && n < room; i++) {
		const struct key_pair *pair =
			keyring_pair(ring, peer->identity, asym_impls[i], PAIR_CURRENT);
		bool seen = false;
		for (size_t k = 0; (key = keyring_peer_key(ring, k)); k++)
			seen = seen ||
			       (is_candidate(key, peer->name) && key->asym == asym_impls[i]);
		if (pair && seen)
			own[n++] = pair;
	}
	return n;
}

/* Another key for a peer that has one: that is what an impostor would show too. */
static void
show_on_hold(const struct cli *cli, const struct keyring *ring, const char *peer)
{
	if (keyring_has_verified(ring, peer, NULL))
		cli_say(cli, 0,
			"%s has a verified key already, which goes on being used. Verify another "
			"one only if the person who runs %s says that they have changed it.\n\n",
			peer, peer);
}

static void
show_dialog(const struct cli *cli, const struct config *config, const struct keyring *ring,
	const char *peer)
{
	const struct peer_key *dialed;
	const struct key_pair *own[SETTINGS_MAX];
	char when[TIME_TEXT_SIZE], seen[KEY_SOURCE_SIZE + 60] = "";

	count_candidates(ring, peer, &dialed);
	show_on_hold(cli, ring, peer);
	if (dialed && dialed->source[0])
		snprintf(seen, sizeof(seen), " (last seen at %s, %s)", dialed->source,
			minute_text(when, dialed->time));
	cli_say(cli, 0, "Call the person who runs %s%s on a number you already have.\n\n", peer,
		seen);
	if (!dialed)
		show_callers(cli, ring);
	cli_say(cli, 5,
		"  1. Read this to them; it is the fingerprint of the key of this node (%s):\n",
		config->node.name);
	size_t n = own_keys(ring, config_peer_find(config, peer), own, ARRAY_SIZE(own));
	for (size_t i = 0; i < n; i++) {
		if (n > 1)
			fprintf(cli->out, "     if theirs is a key for %s:\n",
				own[i]->asym->algorithm->name);
		fprintf(cli->out, "         %s\n", own[i]->fingerprint);
	}
	cli_say(cli, 5, "  2. Ask them to read theirs to you, and type it here: ");
	fflush(cli->out);
}

/* One line without its end, which may be CR LF. One that is too long, or holds a NUL, comes as "":
   it is no fingerprint, and what is left of it must not pass for one. False at the end of input. */
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
	if (n > 0 && out[n - 1] == '\r')
		n--;
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

/* The one that vouches for the new key stays for a while. */
static bool
is_still_verified(const struct keyring *ring, const char *fingerprint)
{
	const struct peer_key *key;

	for (size_t i = 0; (key = keyring_peer_key(ring, i)) && key->state == KEY_VERIFIED; i++)
		if (strcmp(key->fingerprint, fingerprint) == 0)
			return true;
	return false;
}

static void
show_verified(const struct cli *cli, const struct keyring *ring, const struct peer_key *key,
	const struct former *former, size_t n_former)
{
	cli_say(cli, 0, "\n%s is verified. A running node uses its %s key within a second.\n",
		key->peer, key->asym->algorithm->name);
	for (size_t i = 0; i < n_former; i++) {
		if (former[i].asym != key->asym)
			continue;
		if (is_still_verified(ring, former[i].fingerprint))
			cli_say(cli, 0,
				"Its key %s, which vouches for this one, is accepted until %d "
				"days after the first link under the new one.\n",
				former[i].fingerprint, ROLL_OVERLAP / (24 * 3600));
		else
			cli_say(cli, 0, "Its former key, %s, is not accepted any more.\n",
				former[i].fingerprint);
	}
}

/* The next try: on a terminal in its groups, else a line as it comes. False: there is none. */
static bool
read_try(const struct cli *cli, struct tty *tty, char *out, size_t size)
{
	if (tty) {
		fputc('\n', cli->out);
		return tty_read(tty, out);
	}
	bool more = read_line(cli->in, out, size);
	if (!more || !isatty(fileno(cli->in)))
		fputc('\n', cli->out); /* on a terminal, Enter has done that */
	fflush(cli->out);
	return more;
}

static int
ask(const struct cli *cli, const struct config *config, struct keyring *ring, const char *peer,
	struct tty *tty)
{
	struct former former[SETTINGS_MAX];
	size_t n_former = former_keys(ring, peer, former, ARRAY_SIZE(former));
	struct peer_key key;
	struct errmsg err;
	char typed[256];

	for (int left = TRIES; left > 0; left--) {
		if (!read_try(cli, tty, typed, sizeof(typed)))
			return cli_fail(cli, CLI_FAILED, "nothing was typed; nothing has changed");
		enum sc_error error = keyring_verify(ring, peer, typed, &key, &err);
		if (error == SC_OK) {
			show_verified(cli, ring, &key, former, n_former);
			if (n_former == 0)
				cli_say(cli, 0,
					"The link comes up when its operator has verified %s "
					"too.\n",
					config->node.name);
			return CLI_DONE;
		}
		if (error != SC_ERR_INVALID)
			return cli_fail(cli, CLI_FAILED, "%s; nothing has changed", err.text);
		cli_say(cli, 5, "     Wrong: %s.\n", err.text);
		if (left > 1)
			cli_say(cli, 5, "     Ask them to read it once more: ");
		fflush(cli->out);
	}
	return cli_fail(cli, CLI_FAILED,
		"%s is not verified, and nothing has changed. If the two of you are sure of what "
		"was read and typed, then what came from the network is not the key of %s",
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
		/* Before the first word: what is typed from then on is not shown twice. */
		struct tty *tty = tty_open(cli->in, cli->out);
		show_dialog(cli, config, ring, peer);
		int status = ask(cli, config, ring, peer, tty);
		tty_close(tty);
		return status;
	}
	cli_name(cli, name, sizeof(name));
	if (keyring_has_verified(ring, peer, NULL))
		return cli_fail(cli, CLI_FAILED,
			"%s is verified already, and no other key has come; see: %s peers", peer,
			name);
	if (keyring_has_revoked(ring, peer))
		return cli_fail(cli, CLI_FAILED,
			"a key of %s was revoked here, and no other one has come; if it is to "
			"count again: %s trust %s --fingerprint F --again",
			peer, name, peer);
	return cli_fail(cli, CLI_FAILED,
		"no key of %s has come yet. Start both nodes (%s run): they meet, show each other "
		"their keys and wait for this command. Or give the fingerprint beforehand: %s "
		"trust %s --fingerprint F",
		peer, name, name, peer);
}

int
cmd_verify(const struct cli *cli, int argc, char **argv)
{
	const struct cli_option options[] = {{.name = NULL}};
	const struct cli_usage usage = {"verify", "PEER",
		"Verifies the key that PEER showed when the two nodes met: shows the\n"
		"fingerprint to read to its operator, and asks for the one that they read to\n"
		"you (from standard input, three tries). Only the right one changes anything. A\n"
		"running node uses it at once.\n",
		options, 1, 1};
	const char *args[1];
	struct cli_state s;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	status = cli_open(cli, &s);
	if (status == CLI_GO_ON)
		status = run_dialog(cli, s.config, s.ring, args[0]);
	return cli_close(&s, status);
}
