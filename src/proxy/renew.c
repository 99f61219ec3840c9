/* Knows how an operator's word reaches the links of a peer; renewing is the connection's. */
#include "proxy/renew.h"

#include "proxy/branch.h"
#include "proxy/link.h"

static void
renew_link(struct renewed *out, struct link *l)
{
	uint64_t now = node_now();

	conn_renew(l->conn);
	uint64_t next = conn_get_keys(l->conn).next, wait = next > now ? next - now : 0;
	out->wait = out->links++ == 0 ? wait : min_u64(out->wait, wait);
	link_touch(l);
}

static bool
on_ask(struct worker *w, void *part, const char *name)
{
	struct renewed *out = part;

	list_for_each (it, &w->peers) {
		struct peer *p = container_of(it, struct peer, at);
		if (peer_is_branch(p) || strcmp(p->name, name) != 0)
			continue;
		out->known = true;
		list_for_each (up, &p->links)
			renew_link(out, container_of(up, struct link, up));
	}
	return false;
}

static void
on_done(void *owner, void *parts, unsigned n)
{
	const struct renewed *of = parts;
	struct renewal_order *order = owner;
	struct renewed all = {false, 0, 0};

	for (unsigned i = 0; i < n; i++)
		if (of[i].known) /* on one worker only */
			all = of[i];
	if (order)
		order->fn(order->owner, &all);
}

bool
renew_peer(struct node *n, const char *peer, struct renewal_order *order)
{
	static const struct round_question question = {sizeof(struct renewed), on_ask, on_done};

	return round_start(n, &question, peer, order, &order->round);
}
