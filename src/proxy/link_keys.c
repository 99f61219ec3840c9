/* Knows what a link's connection may ask about keys: whose one is, and what is ready for it. */
#include "proxy/link.h"

#include <stdlib.h>

#include "proxy/report.h"
#include "proxy/rolls.h"

enum key_verdict
link_verdict(const struct link *l, const struct asym_impl *asym, const uint8_t *public_key,
	char name[PEER_NAME_SIZE])
{
	const char *peer = l->dialed ? l->peer->name : NULL;
	if (asym->algorithm->weak && !l->owner->config->node.allow_weak)
		return VERDICT_WEAK;
	enum key_verdict verdict =
		shared_ring_check(&l->owner->node->ring, peer, asym, public_key, name);
	/* Its operator has removed it, and its key is still there. */
	if (verdict == VERDICT_VERIFIED && !config_peer_find(l->owner->config, name))
		return VERDICT_OTHER;
	return verdict;
}

void
link_note_key(struct link *l)
{
	struct conn_info info;

	conn_get_info(l->conn, &info);
	report_key(l->owner, l->dialed ? l->peer->name : NULL, info.asym, info.peer_public,
		l->address);
}

void
link_note_expected(struct link *l)
{
	const char *peer = l->dialed ? l->peer->name : NULL;
	struct conn_info info;

	conn_get_info(l->conn, &info);
	if (shared_ring_expects(&l->owner->node->ring, peer, info.asym, info.peer_public))
		link_note_key(l);
}

static bool
accept_key(void *arg, const struct asym_impl *asym, const uint8_t *public_key)
{
	struct link *l = arg;
	return link_verdict(l, asym, public_key, l->key_peer) == VERDICT_VERIFIED;
}

static bool
find_key(void *arg, const struct asym_impl *asym, const char *fingerprint, uint8_t *public_key)
{
	struct link *l = arg;
	return shared_ring_find(&l->owner->node->ring, asym, fingerprint, public_key);
}

static bool
take_prepared(void *arg, const struct asym_impl *asym, const uint8_t *public_key, uint8_t *prepared)
{
	struct link *l = arg;
	return stock_take_prepared(l->owner->node->stock, asym, public_key, prepared);
}

static bool
take_ephemeral(void *arg, uint8_t private_key[X25519_SIZE], uint8_t public_key[X25519_SIZE])
{
	struct link *l = arg;
	return stock_take_ephemeral(l->owner->node->stock, private_key, public_key);
}

/* The caller has shown its key before this node shows one: a peer with an identity of its own gets
   that. */
static const struct conn_key *
choose_key(void *arg, const struct asym_impl *asym, const uint8_t *peer_public)
{
	const struct link *l = arg;
	const struct node *n = l->owner->node;
	const struct key_identity *own = &l->key_set->identities[0], *other;
	char name[PEER_NAME_SIZE];

	if (link_verdict(l, asym, peer_public, name) == VERDICT_VERIFIED) {
		const struct config_peer *peer = config_peer_find(l->owner->config, name);
		other = peer ? key_identity_find(l->key_set, peer->identity) : NULL;
		for (size_t i = 0; other && i < n->n_asym; i++)
			if (other->keys[i].asym == asym)
				return &other->keys[i];
	}
	for (size_t i = 0; i < n->n_asym; i++)
		if (own->keys[i].asym == asym)
			return &own->keys[i];
	return NULL; /* not reached: the algorithm was agreed on from this list */
}

bool
link_set_keys(struct link *l, struct conn_config *config)
{
	l->key_set = key_set_hold(l->owner->key_set);
	if (l->dialed) {
		l->keys = calloc(l->key_set->n_asym + 1, sizeof(*l->keys));
		if (!l->keys)
			return false;
		config->keys = l->keys;
		config->n_keys = dial_keys(l->peer, l->keys);
		config->memory = l->memory = dial_memory(l->peer);
	} else {
		config->keys = l->key_set->identities[0].keys;
		config->n_keys = l->key_set->n_asym;
		config->other_keys = l->key_set->shown;
		config->n_other_keys = l->key_set->n_shown;
		config->choose_key = choose_key;
	}
	config->accept_key = accept_key;
	config->find_key = find_key;
	config->judge_roll = rolls_judge;
	config->take_prepared = take_prepared;
	config->take_ephemeral = take_ephemeral;
	config->arg = l;
	return true;
}

void
link_settle_keys(struct link *l)
{
	struct conn_info info;

	conn_get_info(l->conn, &info);
	l->under = held_key_hold(info.own);
	key_set_settle(l->key_set);
}

void
link_release_keys(struct link *l)
{
	if (l->key_set && !l->under)
		key_set_settle(l->key_set);
	if (l->key_set)
		key_set_drop(l->key_set);
	held_key_release(l->under);
	held_key_release(l->announced_key);
	free(l->keys);
}
