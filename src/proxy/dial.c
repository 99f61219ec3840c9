/* Knows when to dial a peer and with which keys; knows nothing of what goes over the link. */
#include "proxy/dial.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "proxy/branch.h"
#include "proxy/connect.h"
#include "proxy/session.h"

#define DIAL_DEADLINE (30 * NS_PER_S) /* over all addresses */
/* After a key of the peer was verified, its operator most likely is about to verify ours. */
#define EAGER_FOR      (5 * 60 * NS_PER_S)
#define IMPATIENT_MS   500            /* the longest wait while somebody waits for the link */
#define LASTING        (NS_PER_S / 4) /* a link that was up so long was worth dialing for */
#define MEMORY_FOR     (7 * 24 * 3600 * NS_PER_S) /* protocol.md 10 */
#define FLIGHT_PAUSE   (3600 * NS_PER_S)
#define FAILURES_SHOWN 5 /* in ten seconds */
#define DEAD_END_FOR   (10 * 60 * NS_PER_S)
#define REFRESH        (60 * NS_PER_S) /* names of peers, also while nothing is dialed */

static void
on_retry(void *owner)
{
	struct peer *p = owner;
	p->dialer.waiting = false;
	dial_check(p);
}

bool
dial_init(struct peer *p)
{
	struct dialer *d = &p->dialer;

	d->failures = (struct flood){.event = "dial_failed", .lines = FAILURES_SHOWN};
	d->retry = alarm_make(on_retry, p);
	d->rejected = calloc(p->owner->node->n_asym + 1, sizeof(*d->rejected));
	d->credit = true;
	return d->retry && d->rejected;
}

void
dial_begin(struct peer *p)
{
	alarm_begin(p->dialer.retry, &p->owner->loop);
	if (shared_ring_has_verified(&p->owner->node->ring, p->name, NULL))
		p->dialer.eager_until = node_now() + EAGER_FOR;
}

void
dial_fini(struct peer *p)
{
	alarm_free(p->dialer.retry);
	free(p->dialer.rejected);
	p->dialer.retry = NULL;
	p->dialer.rejected = NULL;
}

/* Links may still come: also for what is left while the node drains, and for those that wait. */
static bool
going_on(const struct peer *p)
{
	return p->owner->state == WORKER_RUNNING ||
	       (p->owner->state == WORKER_DRAINING &&
		       (sessions_hold(p) || !list_empty(&p->waiting)));
}

static bool
wanted(const struct peer *p)
{
	if (peer_is_branch(p) || !going_on(p) || !p->config || p->config->address.n == 0)
		return false;
	bool always = !p->config->on_demand && p->owner->state == WORKER_RUNNING;
	bool needed = always || !list_empty(&p->waiting);
	return sessions_hold(p) || (needed && (sessions_wait(p) || !peer_link(p)));
}

/* How long to wait after a failure; sets the alarm. Milliseconds. */
static uint64_t
wait_for_next(struct peer *p, bool rejected)
{
	struct dialer *d = &p->dialer;
	bool patient = list_empty(&p->waiting) && !sessions_hold(p);
	uint64_t cap = patient ? BACKOFF_CAP_MS : IMPATIENT_MS;
	if (rejected && node_now() < d->eager_until)
		cap = backoff_eager_cap(node_now() + EAGER_FOR - d->eager_until);
	uint64_t ms = backoff_next(&d->backoff, cap, &p->owner->node->random);

	if (d->again)
		ms = 0;
	d->again = false;
	d->waiting = true;
	d->retry_at = node_now() + ms * NS_PER_MS;
	alarm_set(d->retry, d->retry_at);
	return ms;
}

void
dial_note(struct peer *p, const char *address, const char *why)
{
	p->dialer.last = SC_OK;
	snprintf(p->dialer.last_error, sizeof(p->dialer.last_error), "%s: %s", address, why);
	peer_away(p);
	peer_error(p, address, why);
}

void
dial_log(struct peer *p, const char *address, const char *why, uint64_t ms)
{
	if (!flood_pass(&p->dialer.failures, node_now()))
		return;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "dial_failed");
	log_str(&line, "peer", p->name);
	log_str(&line, "address", address);
	log_str(&line, "error", why);
	log_u64(&line, "retry_ms", ms);
	log_end(&line);
}

static void
failed_to_connect(struct peer *p, const char *address, const char *why)
{
	dial_note(p, address, why);
	if (going_on(p) && p->config)
		dial_log(p, address, why, wait_for_next(p, false));
}

static void
on_connected(void *owner, struct sock *sock, int error, const char *address)
{
	struct peer *p = owner;
	struct dialer *d = &p->dialer;
	struct sockaddr_storage to = {0};
	int size = sizeof(to);

	d->connector = NULL;
	if (!sock) {
		failed_to_connect(p, address, lookup_error_text(error));
	} else if (!wanted(p)) { /* the peer was quicker, or the node stops */
		sock_close(sock);
	} else if (uv_tcp_getpeername(&sock->uv.tcp, (struct sockaddr *)&to, &size) != 0) {
		sock_close(sock);
		failed_to_connect(p, address, "the connection ended at once");
	} else {
		d->to = to;
		d->link = link_new(p->owner, p, false, sock, (struct sockaddr *)&to);
		if (!d->link)
			failed_to_connect(p, address, "out of memory");
	}
}

void
dial_check(struct peer *p)
{
	struct dialer *d = &p->dialer;

	if (!wanted(p) || d->connector || d->link)
		return;
	if (d->waiting) {
		if (!list_empty(&p->waiting))
			alarm_set_by(d->retry, node_now() + IMPATIENT_MS * NS_PER_MS);
		return;
	}
	if (dial_keys(p, NULL) == 0) {
		failed_to_connect(p, p->config->address.at[0].text,
			"no key of this node is of an algorithm of which one of the peer's is "
			"verified: see `asymmetric`");
		return;
	}
	peer_dialing(p);
	if (node_now() >= d->dead_until)
		d->dead_ends.n = 0;
	const struct connect_plan plan = {
		.resolver = p->owner->resolver,
		.endpoints = &p->config->address,
		.next = CONNECT_STAGGER,
		.deadline = node_now() + DIAL_DEADLINE,
		.last = &d->dead_ends,
	};
	d->connector = connect_start(&p->owner->loop, &plan, on_connected, p);
	if (!d->connector)
		failed_to_connect(p, p->config->address.at[0].text, "out of memory");
}

void
dial_now(struct peer *p)
{
	struct dialer *d = &p->dialer;

	d->eager_until = node_now() + EAGER_FOR;
	backoff_reset(&d->backoff);
	d->again = d->connector || d->link;
	d->waiting = false;
	alarm_set(d->retry, UINT64_MAX);
	dial_check(p);
}

void
dial_refresh(struct peer *p)
{
	struct dialer *d = &p->dialer;
	uint64_t now = node_now();

	if (!p->config || now < d->refreshed + REFRESH)
		return;
	d->refreshed = now;
	for (size_t i = 0; i < p->config->address.n; i++)
		connect_refresh(p->owner->resolver, &p->config->address.at[i]);
}

void
dial_stop(struct peer *p)
{
	alarm_set(p->dialer.retry, UINT64_MAX);
	if (p->dialer.connector)
		connect_cancel(p->dialer.connector);
}

void
dial_remember(struct peer *p, const struct conn_info *info)
{
	struct dialer *d = &p->dialer;
	const struct key_identity *own = key_identity_find(p->owner->key_set, p->config->identity);

	d->memory_until = 0;
	for (size_t i = 0; own && i < p->owner->node->n_asym; i++)
		if (own->keys[i].asym && own->keys[i].public_key == info->own->public_key) {
			d->memory.own = &own->keys[i];
			d->memory_until = node_now() + MEMORY_FOR;
		}
	d->memory.bulk = info->bulk;
	memcpy(d->memory.peer_public, info->peer_public, info->asym->algorithm->public_size);
}

const struct conn_memory *
dial_memory(const struct peer *p)
{
	const struct dialer *d = &p->dialer;
	char name[PEER_NAME_SIZE];

	if (node_now() >= d->memory_until || node_now() < d->flight_from)
		return NULL;
	/* Not with a key that an operator has taken back since. */
	if (shared_ring_check(&p->owner->node->ring, p->name, d->memory.own->asym,
		    d->memory.peer_public, name) != VERDICT_VERIFIED)
		return NULL;
	return &d->memory;
}

void
dial_forget(struct peer *p)
{
	p->dialer.memory_until = 0;
}

void
dial_flight_failed(struct peer *p, enum sc_error error)
{
	struct dialer *d = &p->dialer;
	struct log_line line = log_begin(LOG_LEVEL_INFO, "flight_failed");

	log_str(&line, "peer", p->name);
	log_str(&line, "error", sc_error_name(error));
	log_str(&line, "hint", "SecureConn 1.1 is not suggested to this peer for an hour");
	log_end(&line);
	d->flight_from = node_now() + FLIGHT_PAUSE;
	d->again = d->link != NULL; /* with 1.0, at once */
}

void
dial_succeeded(struct peer *p, const struct conn_info *info)
{
	struct dialer *d = &p->dialer;

	dial_remember(p, info);
	dead_ends_remove(&d->dead_ends, &d->to);
	d->link = NULL;
	d->again = false;
	d->last_error[0] = '\0';
	d->last = SC_OK;
}

void
dial_rejected(struct peer *p, enum sc_error error, const struct asym_impl *asym)
{
	struct dialer *d = &p->dialer;

	if (error != SC_ERR_KEY_REJECTED && error != SC_ERR_KEY_NOT_VERIFIED)
		return;
	for (size_t i = 0; i < p->owner->node->n_asym; i++)
		if (p->owner->node->asym[i] == asym)
			d->rejected[i] = ++d->rejections;
}

void
dial_failed(struct peer *p, enum sc_error error, const struct asym_impl *asym)
{
	struct dialer *d = &p->dialer;

	peer_away(p);
	dead_ends_add(&d->dead_ends, &d->to);
	d->dead_until = node_now() + DEAD_END_FOR;
	d->last = error;
	snprintf(d->last_error, sizeof(d->last_error), "%s", sc_error_text(error));
	peer_error(p, d->link ? d->link->address : p->name, sc_error_text(error));
	d->link = NULL;
	dial_rejected(p, error, asym);
	if (going_on(p))
		wait_for_next(p, error == SC_ERR_KEY_REJECTED);
}

void
dial_lost(struct peer *p, bool at_once, uint64_t lasted)
{
	struct dialer *d = &p->dialer;

	if (lasted >= LASTING) {
		backoff_reset(&d->backoff);
		d->credit = true;
	}
	if (!wanted(p) || d->waiting || d->connector || d->link)
		return;
	if (!at_once || !d->credit)
		wait_for_next(p, false);
	else
		d->credit = lasted >= LASTING;
	dial_check(p);
}

size_t
dial_keys(const struct peer *p, struct conn_key *keys)
{
	struct node *n = p->owner->node;
	const uint64_t *rejected = p->dialer.rejected;
	bool any = shared_ring_has_verified(&n->ring, p->name, NULL);
	const struct key_identity *own = key_identity_find(p->owner->key_set, p->config->identity);
	size_t out = 0;
	uint64_t last = 0;

	if (!own)
		return 0;

	/* Those never rejected in their order, then the others, the one rejected last at the
	   end. */
	for (uint64_t next = 0; next != UINT64_MAX; last = next) {
		next = UINT64_MAX;
		for (size_t i = 0; i < n->n_asym; i++)
			if (rejected[i] > last && rejected[i] < next)
				next = rejected[i];
		for (size_t i = 0; i < n->n_asym; i++) {
			bool fits = !any || shared_ring_has_verified(&n->ring, p->name, n->asym[i]);
			if (rejected[i] != last || !fits || !own->keys[i].asym)
				continue;
			if (keys)
				keys[out] = own->keys[i];
			out++;
		}
	}
	return out;
}
