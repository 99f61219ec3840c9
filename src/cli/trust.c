/* secureconn trust: the decision of `verify` made beforehand, for unattended set-up. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

#define KEY_TEXT_MAX 16384

/* What stands in the file at --key. */
struct given {
	const char *path;
	char text[KEY_TEXT_MAX];
	size_t n;
};

/* Reads the file whole; "-" is standard input. CLI_GO_ON, or CLI_FAILED after saying what is
   wrong. */
static int
read_key(const struct cli *cli, struct given *key)
{
	const char *path = key->path;
	bool standard_input = strcmp(path, "-") == 0;
	FILE *file = standard_input ? cli->in : fopen(path, "rb");

	if (!file)
		return cli_fail(cli, CLI_FAILED, "%s: cannot be opened: %s", path, strerror(errno));
	size_t n = key->n = fread(key->text, 1, sizeof(key->text), file);
	bool failed = ferror(file) != 0;
	if (!standard_input)
		fclose(file);
	if (n > 0 && n < sizeof(key->text) && !failed)
		return CLI_GO_ON;
	return cli_fail(cli, CLI_FAILED,
		"%s: %s; what `secureconn key export` writes at the peer is needed", path,
		failed   ? "cannot be read"
		: n == 0 ? "is empty"
			 : "is too long for a key");
}

static int
trust_key(const struct cli *cli, struct keyring *ring, const char *peer, const struct given *key,
	bool again)
{
	const char *path = key->path;
	char fingerprint[FINGERPRINT_SIZE];
	uint8_t public_key[ASYM_PUBLIC_MAX];
	const struct asym_impl *asym;
	struct errmsg err;

	if (key_file_parse(key->text, key->n, &asym, public_key, &err) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "%s: %s", path, err.text);
	if (keyring_trust_key(ring, peer, asym, public_key, again, &err) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "%s: %s", path, err.text);
	fingerprint_of(fingerprint, asym->algorithm, public_key);
	fprintf(cli->out, "%s: this %s key is verified: %s\n", peer, asym->algorithm->name,
		fingerprint);
	return CLI_DONE;
}

static int
trust_fingerprint(const struct cli *cli, struct keyring *ring, const char *peer, const char *typed,
	bool again)
{
	char fingerprint[FINGERPRINT_SIZE];
	struct errmsg err;
	const struct peer_key *key;

	if (keyring_trust_fingerprint(ring, peer, typed, again, &err) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "--fingerprint: %s", err.text);
	fingerprint_parse(fingerprint, typed);
	for (size_t i = 0; (key = keyring_peer_key(ring, i)); i++)
		if (key->state == KEY_VERIFIED && strcmp(key->fingerprint, fingerprint) == 0) {
			fprintf(cli->out, "%s: the %s key with this fingerprint is verified: %s\n",
				peer, key->asym->algorithm->name, fingerprint);
			return CLI_DONE;
		}
	fprintf(cli->out,
		"%s: the key with this fingerprint is verified as soon as it comes, if within %lld "
		"hours: %s\n",
		peer, (long long)(keyring_get_limits(ring)->expected / 3600), fingerprint);
	return CLI_DONE;
}

int
cmd_trust(const struct cli *cli, int argc, char **argv)
{
	const char *fingerprint = NULL;
	struct given key = {.path = NULL};
	bool again = false;
	const struct cli_option options[] = {
		{"--key", "FILE", &key.path, NULL,
			"what `secureconn key export` wrote at the peer; -: standard input"},
		{"--fingerprint", "F", &fingerprint, NULL, "the whole fingerprint of its key"},
		{"--again", NULL, NULL, &again, "also if that key was revoked"},
		{.name = NULL}};
	const struct cli_usage usage = {"trust", "PEER --key FILE | --fingerprint F [--again]",
		"Verifies a key of PEER without the dialog, also before the two nodes have met:\n"
		"by the key itself or by its fingerprint. Both must have come to this machine\n"
		"in a way that nobody could change them on. May be repeated, for a key of each\n"
		"algorithm.\n",
		options, 1, 1};
	const char *args[1];
	struct cli_state s = {.config = NULL};
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	if (!key.path == !fingerprint)
		return cli_fail(cli, CLI_USAGE,
			"trust: either --key FILE or --fingerprint F is needed; see: secureconn "
			"trust --help");
	status = cli_load(cli, &s.config, NULL);
	if (status == CLI_GO_ON && !cli_find_peer(cli, s.config, args[0]))
		status = CLI_FAILED;
	/* before the ring is opened, as whoever runs this: that may be another user's */
	if (status == CLI_GO_ON && key.path)
		status = read_key(cli, &key);
	if (status == CLI_GO_ON)
		status = cli_open_ring(cli, s.config, &s.ring);
	if (status == CLI_GO_ON)
		status = key.path ? trust_key(cli, s.ring, args[0], &key, again)
			     : trust_fingerprint(cli, s.ring, args[0], fingerprint, again);
	return cli_close(&s, status);
}
