/* Knows what a link's connection may ask about keys: whose one is, and what is ready for it. */
#include "proxy/link.h"

enum key_verdict
link_verdict(const struct link *l, const struct asym_impl *asym, const uint8_t *public_key,
	char name[PEER_NAME_SIZE])
{
	const char *peer = l->dialed ? l->peer->name : NULL;
	if (asym->algorithm->weak && !l->owner->node->config->node.allow_weak)
		return VERDICT_WEAK;
	return shared_ring_check(&l->owner->node->ring, peer, asym, public_key, name);
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

void
link_set_keys(struct link *l, struct conn_config *config)
{
	config->accept_key = accept_key;
	config->find_key = find_key;
	config->take_prepared = take_prepared;
	config->take_ephemeral = take_ephemeral;
	config->arg = l;
}
