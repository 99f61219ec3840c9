/* Knows how a configuration, a key ring and algorithms become what a node wants. */
#include "node_parts.h"

#include <unistd.h>

#include "base/log.h"
#include "unit.h"

static void
load(struct node_parts *p, const char *text)
{
	struct errmsg err;
	char whole[4096];
	size_t used = 0;

	for (const char *at = text; *at; at++) {
		bool folder = strncmp(at, "%s", 2) == 0;
		used += (size_t)snprintf(whole + used, sizeof(whole) - used, "%.*s",
			folder ? (int)sizeof(p->scratch.folder) : 1,
			folder ? p->scratch.folder : at);
		at += folder;
		assert_true(used < sizeof(whole));
	}
	scratch_write(&p->scratch, "x.ini", whole, used);
	if (config_load(&p->config, scratch_path(&p->scratch, "x.ini"), &err) != SC_OK)
		fail_msg("%s", err.text);
}

void
node_parts_init(struct node_parts *p, const char *text)
{
	struct errmsg err;
	char folder[SCRATCH_PATH_SIZE];
	bool created;

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
	memset(p, 0, sizeof(*p));
	scratch_init(&p->scratch);
	load(p, text);
	snprintf(folder, sizeof(folder), "%s", scratch_path(&p->scratch, "state"));
	assert_int_equal(keyring_create(folder, &err), SC_OK);
	assert_int_equal(keyring_open(&p->ring, folder, NULL, NULL, &err), SC_OK);
	p->asym[0] = asym_find("X25519");
	p->bulk[0] = bulk_choose(bulk_algorithm_find("ChaCha20-Poly1305"),
		(const char *const[]){"nettle"}, 1, NULL);
	assert_int_equal(keyring_generate(p->ring, p->asym[0], &random_system, &created, &err),
		SC_OK);
	p->setup = (struct node_setup){.config = p->config, .ring = p->ring, .asym = p->asym,
		.n_asym = 1, .bulk = p->bulk, .n_bulk = 1};
}

void
node_parts_fini(struct node_parts *p)
{
	keyring_free(p->ring);
	config_free(p->config);
	scratch_fini(&p->scratch);
}
