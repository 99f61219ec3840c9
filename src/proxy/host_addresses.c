/* Knows how the system is asked for its addresses, and when again; knows nothing of what they are
   compared with. */
#include "proxy/host_addresses.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "proxy/address.h"

static bool
look(struct host_addresses *h)
{
	struct ifaddrs *list;
	size_t n = 0;

	if (getifaddrs(&list) != 0)
		return false;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		n++;
	struct stream_address *at = calloc(n + 1, sizeof(*at));
	n = 0;
	for (const struct ifaddrs *i = list; at && i; i = i->ifa_next) {
		struct stream_address a = {0};
		if (i->ifa_addr)
			a = address_to_stream(i->ifa_addr);
		if (a.size > 0)
			at[n++] = a;
	}
	freeifaddrs(list);
	if (!at)
		return false;
	free(h->at);
	h->at = at;
	h->n = n;
	return true;
}

bool
host_addresses_have(struct host_addresses *h, const struct stream_address *address, uint64_t now)
{
	if (!h->at || now >= h->until) {
		if (!look(h))
			return true;
		h->until = now + HOST_ADDRESSES_AGE;
	}
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].size == address->size &&
			memcmp(h->at[i].bytes, address->bytes, address->size) == 0)
			return true;
	return false;
}

void
host_addresses_fini(struct host_addresses *h)
{
	free(h->at);
	*h = (struct host_addresses){.at = NULL};
}
