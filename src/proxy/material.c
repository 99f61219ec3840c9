/* Knows how names of algorithms in the configuration become keys and implementations. */
#include "proxy/material.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define LAST_RESORT    "CAST-128" /* every node supports it (protocol.md 2) */
#define HELLO_NAME_MAX 63

static bool
load_keys(struct node *n, struct errmsg *err)
{
	const struct name_list *names = &n->config->node.asymmetric;

	n->pairs = calloc(names->n + 1, sizeof(*n->pairs));
	n->keys = calloc(names->n + 1, sizeof(*n->keys));
	if (!n->pairs || !n->keys) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	for (size_t i = 0; i < names->n; i++) {
		const struct asym_impl *asym = asym_find(names->at[i]);
		const struct key_pair *pair = asym ? keyring_own(n->ring, asym) : NULL;
		if (!pair) {
			errmsg_set(err, SC_ERR_NOT_FOUND,
				"%s: no key for \"%s\", which `asymmetric` names: run `secureconn init`",
				n->config->node.state, names->at[i]);
			return false;
		}
		n->pairs[i] = *pair;
		n->keys[n->n_keys++] = (struct conn_key){
			asym, n->pairs[i].public_key, n->pairs[i].private_key};
	}
	return true;
}

static void
self_test_failed(const struct bulk_impl *impl)
{
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "self_test_failed");
	log_str(&line, "symmetric", impl->algorithm->name);
	log_str(&line, "implementation", impl->name);
	log_str(&line, "hint", "it is not used; the library on this host is damaged or not the one "
			       "this program was built for");
	log_end(&line);
}

static bool
has_bulk(const struct node *n, const struct bulk_algorithm *algorithm)
{
	for (size_t i = 0; i < n->n_bulk; i++)
		if (n->bulk[i]->algorithm == algorithm)
			return true;
	return false;
}

static void
add_bulk(struct node *n, const char *name)
{
	const struct name_list *order = &n->config->node.implementations;
	const struct bulk_algorithm *algorithm = bulk_algorithm_find(name);

	if (!algorithm || has_bulk(n, algorithm))
		return;
	const struct bulk_impl *impl = bulk_choose(algorithm, (const char *const *)order->at,
		order->n, self_test_failed);
	if (impl) {
		n->bulk[n->n_bulk++] = impl;
		return;
	}
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "symmetric_unavailable");
	log_str(&line, "symmetric", name);
	log_str(&line, "hint", "none of the `implementations` has it here: it is not offered");
	log_end(&line);
}

static bool
load_bulk(struct node *n, struct errmsg *err)
{
	const struct name_list *names = &n->config->node.symmetric;

	n->bulk = calloc(names->n + 1, sizeof(struct bulk_impl *));
	if (!n->bulk) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	for (size_t i = 0; i < names->n; i++)
		add_bulk(n, names->at[i]);
	add_bulk(n, LAST_RESORT);
	if (n->n_bulk == 0)
		errmsg_set(err, SC_ERR_NOT_FOUND, "no bulk cipher can be used here: see `implementations`");
	return n->n_bulk > 0;
}

bool
material_init(struct node *n, struct errmsg *err)
{
	n->hello = (struct hello){
		.window = NODE_WINDOW, .max_streams = NODE_STREAMS_MAX, .has_instance = true};
	snprintf(n->hello.name, sizeof(n->hello.name), "%.*s", HELLO_NAME_MAX, n->config->node.name);
	random_fill(&n->random, n->hello.instance, sizeof(n->hello.instance));
	return load_keys(n, err) && load_bulk(n, err);
}

void
material_fini(struct node *n)
{
	wipe_free(n->pairs, n->pairs ? n->n_keys * sizeof(*n->pairs) : 0);
	free(n->keys);
	free(n->bulk);
}
