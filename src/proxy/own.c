/* Knows when a connection's own link is dialed, kept, used and given up; what a link does is
   link.c's, what a stream does local.c's. */
#include "proxy/own.h"

#include <stdlib.h>

#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/route.h"
#include "proxy/session.h"

#define DIALING_MAX   8 /* at once: the other side counts unauthenticated connections */
#define DIAL_DEADLINE (30 * NS_PER_S)
#define PAUSE_MAX_MS  500 /* while somebody waits for a link */
#define LASTING       (NS_PER_S / 4) /* a link that was up so long was worth dialing for */

struct attempt {
	struct list node;
	struct peer *peer;
	struct connector *connector;
};

static void
on_retry(void *owner)
{
	struct peer *p = owner;
	p->own.pausing = false;
	p->own.credit = true;
	own_check(p);
}

bool
own_init(struct peer *p)
{
	struct own *o = &p->own;

	list_init(&o->links);
	list_init(&o->ready);
	list_init(&o->waiting);
	list_init(&o->lost);
	list_init(&o->attempts);
	o->credit = true;
	o->retry = alarm_make(on_retry, p);
	return o->retry != NULL;
}

void
own_begin(struct peer *p)
{
	alarm_begin(p->own.retry, &p->owner->loop);
}

void
own_fini(struct peer *p)
{
	alarm_free(p->own.retry);
	p->own.retry = NULL;
}

bool
own_wanted(const struct peer *p)
{
	return !list_empty(&p->own.waiting) || !list_empty(&p->own.lost);
}

/* Links may still come: while the node drains for those that wait. */
static bool
going_on(const struct peer *p)
{
	return p->owner->state == WORKER_RUNNING ||
	       (p->owner->state == WORKER_DRAINING && own_wanted(p));
}

/* ---- ready ---- */

/* Milliseconds. */
static uint64_t
pause_dialing(struct peer *p)
{
	struct own *o = &p->own;
	uint64_t cap = own_wanted(p) ? PAUSE_MAX_MS : BACKOFF_CAP_MS;

	if (!going_on(p) || o->pausing)
		return 0;
	uint64_t ms = backoff_next(&o->backoff, cap, &p->owner->node->random);
	o->pausing = true;
	alarm_set(o->retry, node_now() + ms * NS_PER_MS);
	return ms;
}

static void
take_ready(struct link *l)
{
	if (list_empty(&l->ready))
		return;
	list_remove(&l->ready);
	l->peer->own.n_ready--;
}

/* It has its stream, or shall have none: it ends when there is none left. */
static void
no_more_streams(struct link *l)
{
	take_ready(l);
	l->goaway = l->session->goaway = true;
	trunk_goaway(l->session->trunk, CODE_NONE);
	link_touch(l);
}

bool
own_open(struct local *l)
{
	struct peer *p = l->peer;
	struct list *first = list_first(&p->own.ready);

	if (!first)
		return false;
	struct link *link = container_of(first, struct link, ready);
	bool opened = route_open_on(l, link); /* l may be gone already */
	no_more_streams(link);
	if (opened)
		backoff_reset(&p->own.backoff);
	else /* out of memory; or the peer takes no streams at all */
		pause_dialing(p);
	return opened;
}

/* How many are to be kept for connections to come: while the peer is known to be there. Each worker
   has its part, and one at least, for the next connection goes to any. */
static unsigned
spare(const struct peer *p)
{
	const struct config *c = p->owner->config;
	unsigned n = 0, workers = p->owner->node->n_workers;

	if (!atomic_load(&p->home->up) || p->owner->state != WORKER_RUNNING)
		return 0;
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct config_route *r = &c->routes[i];
		for (size_t k = 0; r->own && k < r->peers.n; k++)
			if (strcmp(r->peers.at[k], p->name) == 0)
				n += r->spare;
	}
	return (n + workers - 1) / workers;
}

/* ---- dialing ---- */

static void
on_connected(void *owner, struct sock *sock, int error, const char *address)
{
	struct attempt *a = owner;
	struct peer *p = a->peer;
	struct sockaddr_storage to = {0};
	int size = sizeof(to);
	struct link *l = NULL;

	list_remove(&a->node);
	free(a);
	p->own.dialing--;
	bool wanted = going_on(p) && p->config;
	const char *why = sock ? "out of memory" : lookup_error_text(error);
	if (sock && !wanted) {
		sock_close(sock);
	} else if (sock &&
		uv_tcp_getpeername(&sock->uv.tcp, (struct sockaddr *)&to, &size) != 0) {
		sock_close(sock);
		why = "the connection ended at once";
	} else if (sock) {
		l = link_new(p->owner, p, true, sock, (struct sockaddr *)&to);
	}
	if (l) {
		p->own.dialing++;
		l->counts_as_dialing = true;
	} else if (wanted) {
		dial_note(p, address, why);
		dial_log(p, address, why, pause_dialing(p));
	}
}

static bool
dial(struct peer *p)
{
	struct attempt *a = calloc(1, sizeof(*a));
	const struct connect_plan plan = {
		.resolver = p->owner->resolver,
		.endpoints = &p->config->address,
		.next = CONNECT_STAGGER,
		.deadline = node_now() + DIAL_DEADLINE,
		.last = &p->dialer.dead_ends,
	};

	if (a)
		a->connector = connect_start(&p->owner->loop, &plan, on_connected, a);
	if (!a || !a->connector) {
		free(a);
		return false;
	}
	a->peer = p;
	list_insert_tail(&p->own.attempts, &a->node);
	p->own.dialing++;
	return true;
}

/* True if more links are wanted than are ready or on their way; one that is ready has a session. */
static bool
missing(const struct peer *p)
{
	const struct own *o = &p->own;
	unsigned have = o->n_ready + o->dialing, want = spare(p);

	if (o->n_lost > o->dialing)
		return true;
	want += o->n_lost;
	list_for_each (it, &o->waiting) {
		if (want > have)
			break;
		want++;
	}
	return want > have;
}

void
own_check(struct peer *p)
{
	struct own *o = &p->own;
	struct list *first;

	while ((first = list_first(&o->waiting)))
		if (!own_open(container_of(first, struct local, at)))
			break;
	if (!going_on(p) || !p->config || p->config->address.n == 0)
		return;
	if (o->pausing) {
		if (own_wanted(p))
			alarm_set_by(o->retry, node_now() + PAUSE_MAX_MS * NS_PER_MS);
		return;
	}
	while (o->dialing < DIALING_MAX && missing(p))
		if (dial_keys(p, NULL) == 0 || !dial(p)) {
			pause_dialing(p);
			return;
		}
}

/* ---- from the links ---- */

static void
settled(struct link *l)
{
	if (l->counts_as_dialing)
		l->peer->own.dialing--;
	l->counts_as_dialing = false;
}

void
own_up(struct link *l, const struct conn_info *info)
{
	struct own *o = &l->peer->own;

	settled(l);
	list_insert_tail(&o->links, &l->up);
	if (!l->dialed)
		return;
	dial_remember(l->peer, info);
	if (!l->session->goaway) {
		list_insert_tail(&o->ready, &l->ready);
		o->n_ready++;
	}
	own_check(l->peer);
	/* Whoever it was dialed for has gone, or got another one. */
	if (!list_empty(&l->ready) && o->n_ready > spare(l->peer))
		no_more_streams(l);
}

void
own_failed(struct link *l, enum sc_error error, const struct asym_impl *asym)
{
	settled(l);
	dial_rejected(l->peer, error, asym);
	dial_note(l->peer, l->address, sc_error_text(error));
	l->peer->dialer.last = error;
	if (!l->memory) /* 1.1 was refused: with 1.0 at once */
		pause_dialing(l->peer);
	own_check(l->peer);
}

/* A link is to be dialed in place of one: without a wait if that had lasted, and once after each
   wait if it had not: while a peer upgrades, that is what shows which of its processes has the
   session (handover.h). */
static void
again(struct peer *p, bool at_once, uint64_t lasted)
{
	struct own *o = &p->own;

	if (lasted >= LASTING) {
		backoff_reset(&o->backoff);
		o->credit = true;
	}
	if (!at_once || !o->credit)
		pause_dialing(p);
	else
		o->credit = lasted >= LASTING;
}

void
own_gone(struct link *l, bool at_once, uint64_t lasted)
{
	bool was_ready = !list_empty(&l->ready);

	settled(l);
	take_ready(l);
	if (l->dialed && (was_ready || !l->session)) /* its session waits */
		again(l->peer, at_once, lasted);
	own_check(l->peer);
}

void
own_dead(struct link *l)
{
	settled(l);
	take_ready(l);
	own_check(l->peer);
}

/* ---- sessions between two links ---- */

void
own_lost(struct session *s)
{
	struct list *lost = &s->peer->own.lost;

	list_insert_tail(s->tries % 2 == 1 ? lost->next : lost, &s->lost);
	s->peer->own.n_lost++;
}

void
own_found(struct session *s)
{
	if (list_empty(&s->lost))
		return;
	list_remove(&s->lost);
	s->peer->own.n_lost--;
}

struct session *
own_waiting(const struct peer *p)
{
	struct list *first = list_first(&p->own.lost);

	return first ? container_of(first, struct session, lost) : NULL;
}

void
own_resumed(struct peer *p)
{
	backoff_reset(&p->own.backoff);
	own_check(p);
}

/* ---- the end ---- */

void
own_stop(struct peer *p)
{
	alarm_set(p->own.retry, UINT64_MAX);
	list_for_each_safe (it, &p->own.attempts)
		connect_cancel(container_of(it, struct attempt, node)->connector);
}

bool
own_rests(const struct peer *p)
{
	return list_empty(&p->own.attempts);
}
