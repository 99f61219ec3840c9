/* Knows how a call becomes a link, or is refused; who may stay is limits.c's to say. */
#include "proxy/callers.h"

#include <unistd.h>

#include "base/log.h"
#include "proxy/handover.h"
#include "proxy/link.h"
#include "proxy/listen.h"
#include "proxy/worker.h"

void
callers_remember(struct node *n)
{
	int64_t wall = (int64_t)time(NULL);
	const struct peer_key *key;

	for (size_t i = 0; (key = keyring_peer_key(shared_ring_own(&n->ring), i)); i++) {
		if (key->state != KEY_VERIFIED)
			return; /* those come first */
		struct source source = address_source_parse(key->source);
		uint64_t ago = wall > key->time ? (uint64_t)(wall - key->time) : 0;
		if (ago < UINT32_MAX)
			limits_remember(n->limits, &source, node_now(), ago * NS_PER_S);
	}
}

static void
refused(struct node *n, const char *address, enum reached limit, const char *reason)
{
	node_main(n)->reached[limit]++;
	if (!flood_pass(&n->floods[FLOOD_REFUSED], node_now()))
		return;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "caller_refused");
	log_str(&line, "address", address);
	log_str(&line, "reason", reason);
	log_end(&line);
}

void
callers_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	struct node *n = owner;
	struct source source = address_source(address);
	char text[ADDRESS_TEXT_SIZE];
	bool known = limits_known(n->limits, &source, node_now());
	uint32_t place;
	void *victim;

	if (!is_unix && handover_link(n, &source, fd))
		return;
	address_text(text, address);
	switch (limits_admit(n->limits, &source, node_now(), &place, &victim)) {
	case LIMITS_SOURCE_PLACES:
		close(fd);
		refused(n, text, known ? REACHED_KNOWN_SOURCE : REACHED_SOURCE,
			"too many unauthenticated connections of this source at once");
		return;
	case LIMITS_SOURCE_RATE:
		close(fd);
		refused(n, text, known ? REACHED_KNOWN_SOURCE_RATE : REACHED_SOURCE_RATE,
			"too many connections of this source in a second");
		return;
	case LIMITS_RESERVED:
		close(fd);
		refused(n, text, REACHED_RESERVED, "all places are for known sources");
		return;
	case LIMITS_OK:
		break;
	}
	if (victim) {
		struct link *out = victim;
		refused(n, out->address, REACHED_UNAUTHENTICATED,
			"its place went to another one: too many of them");
		out->has_place = false;
		link_kill(out);
	}
	struct sock *sock = sock_open(&node_main(n)->loop, fd, is_unix, NULL);
	struct link *l = sock ? link_new(node_main(n), NULL, false, sock, address) : NULL;
	if (!l) {
		limits_leave(n->limits, place);
		return;
	}
	limits_own(n->limits, place, l);
	link_set_place(l, place);
}
