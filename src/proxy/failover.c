/* Knows which of a route's peers a connection goes to; the policies are choice.c's. */
#include "proxy/failover.h"

#include "base/log.h"
#include "proxy/client.h"
#include "proxy/peer.h"

void
failover_init(struct route *r)
{
	const struct name_list *names = &r->config->peers;

	r->n_peers = 0;
	for (size_t i = 0; i < names->n && i < CHOICE_MAX; i++) {
		struct peer *p = peer_find(r->owner, names->at[i], false);
		if (p)
			r->peers[r->n_peers++] = p;
	}
}

/* The number of the peer; r->n_peers: none is left. tried: a bit for each. */
static size_t
choose(struct route *r, uint32_t tried)
{
	struct candidate c[CHOICE_MAX];
	uint64_t now = node_now();
	size_t turn = atomic_fetch_add(&r->turn, 1) % r->n_peers;

	for (size_t i = 0; i < r->n_peers; i++) {
		c[i].standing = peer_standing(r->peers[i], now);
		c[i].connections = atomic_load(&r->peers[i]->clients);
		c[i].tried = tried >> i & 1;
	}
	return choose_peer(r->config->policy, c, r->n_peers, turn);
}

/* New connections go to another peer than those before. */
static void
note(struct route *r, size_t chosen)
{
	size_t before;

	if (r->config->policy != ROUTE_FAILOVER ||
		peer_standing(r->peers[chosen], node_now()) != STANDING_UP)
		return;
	before = atomic_exchange(&r->current, chosen);
	if (before == chosen)
		return;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "route_failover");
	log_str(&line, "route", r->config->name);
	log_str(&line, "from", r->peers[before]->name);
	log_str(&line, "to", r->peers[chosen]->name);
	log_str(&line, "reason",
		chosen < before ? "it is there again" : "there is no link to the one before");
	log_end(&line);
}

struct peer *
failover_choose(struct route *r)
{
	size_t chosen = 0;

	if (r->n_peers > 1) {
		chosen = choose(r, 0);
		note(r, chosen);
	}
	return r->peers[chosen];
}

static uint32_t
bit_of(const struct route *r, const struct peer *p)
{
	for (size_t i = 0; i < r->n_peers; i++)
		if (r->peers[i] == p->home)
			return 1u << i;
	return 0;
}

bool
failover_look(struct local *l)
{
	struct route *r = l->route;
	enum standing standing = peer_standing(l->peer->home, node_now());

	if (r->n_peers < 2)
		return false;
	if (standing == STANDING_UP && r->config->own) /* a link is dialed for it */
		return false;
	if (standing == STANDING_UP) /* its link takes no more streams */
		l->tried |= bit_of(r, l->peer);
	size_t chosen = choose(r, l->tried);
	if (chosen == r->n_peers || r->peers[chosen] == l->peer->home)
		return false;
	enum standing other = peer_standing(r->peers[chosen], node_now());
	if (other != STANDING_UP && (standing == STANDING_UP || other >= standing))
		return false;
	if (l->tried == 0)
		note(r, chosen);
	client_move(l, r->peers[chosen]);
	return true;
}

/* Codes with which an acceptor refuses what it has not passed on. */
static bool
says_nothing_was_passed_on(unsigned code)
{
	switch (code) {
	case CODE_INTERNAL_ERROR:
	case CODE_DENIED:
	case CODE_REFUSED:
	case CODE_CONNECT_TIMEOUT:
	case CODE_NOT_FOUND:
	case CODE_SHUTTING_DOWN:
	case CODE_TOO_MANY_STREAMS:
	case CODE_OPTION_NOT_SUPPORTED:
		return true;
	default:
		return false;
	}
}

static void
log_moved(const struct local *l, const struct peer *to, unsigned code)
{
	struct log_line line = local_log(LOG_LEVEL_INFO, "connection_moved", l);

	log_str(&line, "to", to->name);
	log_str(&line, "reason", code_text(code));
	log_end(&line);
}

bool
failover_refused(struct local *l, unsigned code)
{
	struct route *r = l->route;
	struct peer *to = NULL;

	if (!says_nothing_was_passed_on(code))
		return false;
	l->tried |= bit_of(r, l->peer);
	size_t chosen = r->n_peers > 1 ? choose(r, l->tried) : r->n_peers;
	if (chosen < r->n_peers &&
		peer_standing(r->peers[chosen], node_now()) != STANDING_AWAY) {
		to = r->peers[chosen];
	} else if (code == CODE_SHUTTING_DOWN) { /* the link ends; the peer may have another one */
		to = l->peer->home;
		l->tried = 0;
	}
	if (!to || !carry_take(&l->carry, l->stream))
		return false;
	l->stream = NULL;
	l->tally->moved++;
	if (to != l->peer->home && flood_pass(&l->owner->floods[FLOOD_MOVED], node_now()))
		log_moved(l, to, code);
	l->id[0] = '\0';
	l->session = NULL;
	list_remove(&l->at);
	client_move(l, to);
	return true;
}
