/* Knows the rules by which a claimed address is used or not; knows nothing of what for. */
#include "proxy/claim.h"

enum claim
claim_judge(const struct stream_address *claimed, const struct config_peer *peer,
	struct host_addresses *own, uint64_t now)
{
	if (claimed->size == 0 || claimed->port == 0)
		return CLAIM_MISSING;
	if (address_never_claimed(claimed->bytes, claimed->size))
		return CLAIM_NEVER;
	if (!peer || !prefixes_have(&peer->sources, claimed->bytes, claimed->size))
		return CLAIM_NOT_GRANTED;
	if (host_addresses_have(own, claimed, now))
		return CLAIM_OWN;
	return CLAIM_GOOD;
}

const char *
claim_text(enum claim claim)
{
	static const char *const texts[] = {
		[CLAIM_GOOD] = "granted",
		[CLAIM_MISSING] = "the peer names no source",
		[CLAIM_NEVER] = "its source is of loopback, link-local or multicast",
		[CLAIM_NOT_GRANTED] = "its source is not in `sources` of the peer",
		[CLAIM_OWN] = "its source is an address of this host",
	};
	return texts[claim];
}
