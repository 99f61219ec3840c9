/* Runs a command in this process, with a configuration in a folder of its own and its output in
   memory. */
#ifndef SC_TESTS_CLI_HARNESS_H
#define SC_TESTS_CLI_HARNESS_H

#include "cli/cli.h"
#include "scratch.h"
#include "unit.h"

#define HARNESS_ARGS_MAX 8

struct harness {
	struct scratch scratch;
	struct cli cli;
	char config_path[SCRATCH_PATH_SIZE];
	char *out, *err; /* of the last run, the scratch folder's path in it as "DIR" */
};

static inline void
harness_init(struct harness *h)
{
	memset(h, 0, sizeof(*h));
	scratch_init(&h->scratch);
	snprintf(h->config_path, sizeof(h->config_path), "%s", scratch_path(&h->scratch, "x.ini"));
	h->cli.config_path = h->config_path;
}

static inline void
harness_fini(struct harness *h)
{
	free(h->out);
	free(h->err);
	scratch_fini(&h->scratch);
}

static inline void
harness_config(struct harness *h, const char *text)
{
	scratch_write(&h->scratch, "x.ini", text, strlen(text));
}

static inline void
harness_hide_folder(const struct harness *h, char *text)
{
	size_t n = strlen(h->scratch.folder);
	for (char *at; (at = strstr(text, h->scratch.folder));) {
		memcpy(at, "DIR", 3);
		memmove(at + 3, at + n, strlen(at + n) + 1);
	}
}

/* args: words with single spaces between them; the first is the command's name. */
static inline int
harness_run(struct harness *h, cli_command_fn *fn, const char *input, const char *args)
{
	char *copy = strdup(args), *rest = copy, *argv[HARNESS_ARGS_MAX + 1] = {NULL};
	size_t n_out, n_err;
	int argc = 0;

	free(h->out);
	free(h->err);
	h->cli.in = fmemopen((void *)input, input[0] ? strlen(input) : 1, "r");
	if (!input[0])
		getc(h->cli.in); /* fmemopen takes no empty buffer */
	h->cli.out = open_memstream(&h->out, &n_out);
	h->cli.err = open_memstream(&h->err, &n_err);
	assert_true(copy && h->cli.in && h->cli.out && h->cli.err);
	while (rest && argc < HARNESS_ARGS_MAX)
		argv[argc++] = strsep(&rest, " ");
	int status = fn(&h->cli, argc, argv);
	fclose(h->cli.in);
	fclose(h->cli.out);
	fclose(h->cli.err);
	free(copy);
	harness_hide_folder(h, h->out);
	harness_hide_folder(h, h->err);
	return status;
}

static inline struct keyring *
harness_ring(struct harness *h, const char *state)
{
	struct keyring *ring;
	struct errmsg err;
	if (keyring_open(&ring, scratch_path(&h->scratch, state), NULL, NULL, &err) != SC_OK)
		fail_msg("%s", err.text);
	return ring;
}

static inline void
harness_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* A key as another node would show it. Returns its fingerprint; valid until the next call. */
static inline const char *
harness_note(struct harness *h, const char *state, const char *peer, uint64_t seed)
{
	static char fingerprint[FINGERPRINT_SIZE];
	const struct asym_impl *asym = asym_find("X25519");
	uint8_t private_key[ASYM_PRIVATE_MAX], public_key[ASYM_PUBLIC_MAX] = {0};
	struct keyring *ring = harness_ring(h, state);
	struct seeded_random random;
	struct errmsg err;
	bool verified;

	seeded_random_init(&random, seed);
	assert_int_equal(asym->generate(asym, &random.source, private_key, public_key), 0);
	assert_int_equal(
		keyring_note(ring, peer, asym, public_key, "203.0.113.5:7400", &verified, &err),
		SC_OK);
	fingerprint_of(fingerprint, asym->algorithm, public_key);
	keyring_free(ring);
	return fingerprint;
}

#endif
