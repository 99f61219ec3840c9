/* secureconn revoke: takes back what `verify` or `trust` decided; a running node closes the peer's
   links at once. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/nearest.h"

static int
revoke(const struct cli *cli, struct keyring *ring, const char *peer, const char *fingerprint,
	bool pending)
{
	struct errmsg err;
	char name[600];
	size_t n;
	enum sc_error error = pending ? keyring_revoke_pending(ring, peer, &n, &err)
				      : keyring_revoke(ring, peer, fingerprint, &n, &err);

	if (error == SC_ERR_IO)
		return cli_fail(cli, CLI_FAILED,
			"%s; %s: until that is mended, take [peer %s] out of the configuration, "
			"and `%s reload` cuts it off",
			err.text,
			n > 0 ? "only some of its keys are revoked" : "its keys are NOT revoked",
			peer, cli_name(cli, name, sizeof(name)));
	if (error != SC_OK)
		return cli_fail(cli, CLI_FAILED, "%s%s%s", fingerprint ? "--fingerprint: " : "",
			err.text, n > 0 ? "; some of its keys are revoked: run it again" : "");
	cli_say(cli, 0,
		"%s: %zu key%s revoked. No link is made with %s any more, a running node closes "
		"those that are up, and the fingerprint is remembered.\n",
		peer, n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them");
	if (keyring_has_verified(ring, peer, NULL))
		cli_say(cli, 0, "Another key of %s is still verified.\n", peer);
	return CLI_DONE;
}

/* A peer whose section is gone may still have keys; one that nobody has heard of is a typing
   error. */
static bool
is_known(const struct cli *cli, const struct cli_state *s, const char *peer)
{
	const char *near = NULL;
	char name[600], shown[80];

	if (keyring_knows(s->ring, peer) || config_peer_find(s->config, peer))
		return true;
	escape_text(shown, sizeof(shown), peer, strlen(peer));
	for (size_t i = 0; i < s->config->n_peers; i++)
		nearest_consider(&near, peer, s->config->peers[i].name);
	cli_fail(cli, CLI_FAILED, "nothing is known of a peer \"%s\"; %s%s%s%s peers shows whose "
				  "keys there are",
		shown, near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "",
		cli_name(cli, name, sizeof(name)));
	return false;
}

int
cmd_revoke(const struct cli *cli, int argc, char **argv)
{
	const char *fingerprint = NULL;
	bool pending = false;
	const struct cli_option options[] = {
		{"--fingerprint", "F", &fingerprint, NULL,
			"only the key of this whole fingerprint"},
		{"--pending", NULL, NULL, &pending, "only keys that wait to be verified"},
		{.name = NULL}};
	const struct cli_usage usage = {"revoke", "PEER [--fingerprint F | --pending]",
		"Takes back every key of PEER, or one: no link is made with it any more, a\n"
		"running node closes its links at once, and it is remembered, so that it\n"
		"neither waits again nor can be verified by mistake (`trust PEER ... --again`\n"
		"is the way back). PEER needs no section in the configuration any more.\n",
		options, 1, 1};
	const char *args[1];
	struct cli_state s;
	int status = cli_parse(cli, &usage, argc, argv, args);

	if (status != CLI_GO_ON)
		return status;
	if (fingerprint && pending)
		return cli_fail(cli, CLI_USAGE,
			"revoke: either --fingerprint F or --pending; see: secureconn revoke "
			"--help");
	status = cli_open(cli, &s);
	if (status == CLI_GO_ON && !is_known(cli, &s, args[0]))
		status = CLI_FAILED;
	if (status == CLI_GO_ON)
		status = revoke(cli, s.ring, args[0], fingerprint, pending);
	return cli_close(&s, status);
}
