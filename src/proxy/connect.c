/* Knows names, addresses and attempts; when to try which is race.c's. Knows nothing of what the
   connection is for. */
#include "proxy/connect.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/alarm.h"
#include "proxy/race.h"
#include "proxy/transparent.h"

#define BUSY_RETRY    (20 * NS_PER_MS)
#define ENDPOINTS_MAX 64

/* The owner of an attempt's socket. */
struct attempt {
	struct connector *connector;
	const struct endpoint *endpoint;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;         /* unless that is a path; a quarter of a sockaddr_storage */
	struct sock *sock; /* NULL: not under way */
};

struct name {
	struct connector *connector;
	size_t endpoint;
	struct question question;
};

struct connector {
	uv_loop_t *loop;
	struct connect_plan plan;
	struct endpoint_list endpoints; /* copies: a configuration may go before its connector */
	size_t n_endpoints;
	struct race race;
	struct name *names; /* one for each endpoint */
	struct alarm *alarm;
	bool over;                                       /* failed: only fn is left to be called */
	int error;                                       /* of the last attempt */
	char text[sizeof(((struct endpoint *)0)->text)]; /* where to, the last attempt */
	connect_fn *fn;
	void *owner;
	struct attempt attempts[]; /* as many as there can be addresses */
};

static void
connector_free(struct connector *c)
{
	alarm_free(c->alarm);
	free(c->endpoints.at);
	free(c->names);
	free(c);
}

/* Reset: it may be there already, and an end would look as if somebody had come and had nothing to
   say. */
static void
stop_attempt(struct attempt *a)
{
	sock_reset(a->sock);
	a->sock = NULL;
}

static void
stop_all(struct connector *c)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		resolver_cancel(&c->names[i].question);
	for (size_t i = 0; i < c->race.n; i++)
		stop_attempt(&c->attempts[i]);
}

/* The last thing that happens to it. */
static void
tell(struct connector *c, struct sock *won)
{
	stop_all(c);
	c->fn(c->owner, won, won ? 0 : c->error, c->text);
	connector_free(c);
}

/* Failed; the alarm calls fn. */
static void
fail(struct connector *c, int error)
{
	c->over = true;
	c->error = error;
	stop_all(c);
	alarm_set(c->alarm, 0);
}

static void
attempt_text(const struct attempt *a, char out[static sizeof(a->connector->text)])
{
	char text[ADDRESS_TEXT_SIZE];

	if (a->endpoint->is_unix) {
		snprintf(out, sizeof(a->connector->text), "%s", a->endpoint->text);
		return;
	}
	address_text(text, &a->address.any);
	snprintf(out, sizeof(a->connector->text), "%s", text);
}

static void
advance(struct connector *c);

static void
on_connect(void *owner, int status)
{
	struct attempt *a = owner;
	struct sock *s = a->sock;
	struct connector *c = a->connector;
	size_t which = (size_t)(a - c->attempts);
	if (status == 0) {
		a->sock = NULL;
		s->owner = NULL;
		if (!s->is_unix)
			uv_tcp_nodelay(&s->uv.tcp, 1);
		attempt_text(a, c->text);
		tell(c, s);
		return;
	}
	stop_attempt(a);
	c->error = status;
	attempt_text(a, c->text);
	/* its queue is full just now: the same one again */
	if (s->is_unix && status == UV_EAGAIN)
		race_busy(&c->race, which, uv_hrtime() + BUSY_RETRY);
	else
		race_failed(&c->race, which);
	advance(c);
}

/* A socket for the attempt. 0 or libuv's error. */
static int
open_attempt(struct attempt *a)
{
	struct connector *c = a->connector;
	const struct stream_address *source = &c->plan.source;

	if (source->size == 0) {
		a->sock = sock_new(c->loop, a->endpoint->is_unix, a);
		return a->sock ? 0 : UV_ENOMEM;
	}
	if (a->endpoint->is_unix || address_to_stream(&a->address.any).size != source->size)
		return UV_EAFNOSUPPORT;
	int fd = transparent_socket(source);
	if (fd < 0)
		return fd;
	a->sock = sock_open(c->loop, fd, false, a);
	return a->sock ? 0 : UV_ENOMEM;
}

static void
start_attempt(struct connector *c, size_t which)
{
	struct attempt *a = &c->attempts[which];

	attempt_text(a, c->text);
	int error = open_attempt(a);
	if (error == 0)
		error = sock_connect(a->sock, &a->address.any, a->endpoint->path, on_connect);
	if (error != 0) {
		c->error = error;
		stop_attempt(a);
		race_failed(&c->race, which);
	}
}

/* Does what is due. */
static void
advance(struct connector *c)
{
	size_t which;
	uint64_t wake;
	bool late;

	for (;;) {
		switch (race_next(&c->race, uv_hrtime(), &which, &wake)) {
		case RACE_START:
			start_attempt(c, which);
			break;
		case RACE_STOP:
			stop_attempt(&c->attempts[which]);
			c->error = UV_ETIMEDOUT;
			attempt_text(&c->attempts[which], c->text);
			break;
		case RACE_WAIT:
			alarm_set(c->alarm, wake);
			return;
		case RACE_FAILED:
			late = uv_hrtime() >= c->plan.deadline && c->error != UV_EAGAIN;
			fail(c, late ? UV_ETIMEDOUT : c->error);
			return;
		}
	}
}

static void
on_alarm(void *owner)
{
	struct connector *c = owner;

	if (c->over)
		tell(c, NULL);
	else
		advance(c);
}

/* ---- addresses ---- */

/* 0: it is none; else the higher the shorter ago it led nowhere. */
static size_t
dead_end(const struct connector *c, const struct sockaddr_storage *address)
{
	const struct dead_ends *d = c->plan.last;

	for (size_t i = 0; d && i < d->n; i++)
		if (address_equal(&d->at[i], address))
			return i + 1;
	return 0;
}

static void
add_address(struct connector *c, size_t endpoint, const struct sockaddr_storage *address)
{
	const struct endpoint *e = &c->plan.endpoints->at[endpoint];
	struct sockaddr_storage full = {0};

	if (address) {
		full = *address;
		address_set_port(&full, e->port);
	}
	size_t which = race_add(&c->race, endpoint, address ? dead_end(c, &full) : 0);
	if (which == RACE_MAX)
		return;
	struct attempt *a = &c->attempts[which];
	*a = (struct attempt){.connector = c, .endpoint = e};
	memcpy(&a->address, &full, sizeof(a->address));
}

static void
on_answer(void *owner, const struct resolver_answer *answer)
{
	struct name *name = owner;
	struct connector *c = name->connector;
	struct sockaddr_storage addresses[LOOKUP_ADDRESSES_MAX];

	if (answer->error) {
		c->error = answer->error;
		snprintf(
			c->text, sizeof(c->text), "%s", c->plan.endpoints->at[name->endpoint].text);
	} else {
		memcpy(addresses, answer->addresses, answer->n * sizeof(*addresses));
		race_interleave(addresses, answer->n);
		for (size_t i = 0; i < answer->n; i++)
			add_address(c, name->endpoint, &addresses[i]);
	}
	race_known(&c->race, name->endpoint);
	advance(c);
}

/* An address that is one already needs no look-up. */
static bool
numeric(const struct endpoint *e, struct sockaddr_storage *out)
{
	return uv_ip4_addr(e->host, e->port, (struct sockaddr_in *)out) == 0 ||
	       uv_ip6_addr(e->host, e->port, (struct sockaddr_in6 *)out) == 0;
}

static void
begin_endpoint(struct connector *c, size_t endpoint)
{
	const struct endpoint *e = &c->plan.endpoints->at[endpoint];
	struct name *name = &c->names[endpoint];
	struct sockaddr_storage address = {0};

	name->connector = c;
	name->endpoint = endpoint;
	if (!e->is_unix && !numeric(e, &address)) {
		int error = resolver_ask(c->plan.resolver, e->host, c->plan.max_age,
			&name->question, on_answer, name);
		if (error == 0)
			return;
		c->error = error;
		snprintf(c->text, sizeof(c->text), "%s", e->text);
	} else {
		add_address(c, endpoint, e->is_unix ? NULL : &address);
	}
	race_known(&c->race, endpoint);
}

/* How many addresses the endpoints can have. */
static size_t
most_addresses(const struct endpoint *endpoints, size_t n)
{
	struct sockaddr_storage address;
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		bool one = endpoints[i].is_unix || numeric(&endpoints[i], &address);
		most += one ? 1 : LOOKUP_ADDRESSES_MAX;
	}
	return min_size(most, RACE_MAX);
}

struct connector *
connect_start(uv_loop_t *loop, const struct connect_plan *plan, connect_fn *fn, void *owner)
{
	const struct race_rules rules = {
		.stagger = CONNECT_STAGGER,
		.next = plan->next,
		.patience = CONNECT_PATIENCE,
		.attempt = CONNECT_ADDRESS_DEADLINE,
		.deadline = plan->deadline,
	};
	size_t n = min_size(plan->endpoints->n, ENDPOINTS_MAX);
	size_t most = most_addresses(plan->endpoints->at, n);
	struct connector *c = calloc(1, sizeof(*c) + most * sizeof(c->attempts[0]));

	if (!c)
		return NULL;
	c->n_endpoints = n;
	c->names = calloc(c->n_endpoints + 1, sizeof(*c->names));
	c->endpoints.at = calloc(c->n_endpoints + 1, sizeof(*c->endpoints.at));
	c->alarm = c->names && c->endpoints.at ? alarm_new(loop, on_alarm, c) : NULL;
	if (!c->alarm) {
		free(c->names);
		free(c->endpoints.at);
		free(c);
		return NULL;
	}
	c->loop = loop;
	memcpy(c->endpoints.at, plan->endpoints->at, c->n_endpoints * sizeof(*c->endpoints.at));
	c->endpoints.n = c->n_endpoints;
	c->plan = *plan;
	c->plan.endpoints = &c->endpoints;
	c->error = UV_ETIMEDOUT;
	c->fn = fn;
	c->owner = owner;
	snprintf(c->text, sizeof(c->text), "%s", plan->endpoints->at[0].text);
	race_init(&c->race, &rules, c->n_endpoints, uv_hrtime());
	for (size_t i = 0; i < c->n_endpoints; i++)
		begin_endpoint(c, i);
	advance(c);
	return c;
}

void
connect_cancel(struct connector *c)
{
	if (!c->over)
		fail(c, UV_ECANCELED);
}

void
connect_refresh(struct resolver *r, const struct endpoint *endpoint)
{
	struct sockaddr_storage address;

	if (!endpoint->is_unix && !numeric(endpoint, &address))
		resolver_refresh(r, endpoint->host, 0);
}

void
dead_ends_remove(struct dead_ends *d, const struct sockaddr_storage *address)
{
	size_t keep = 0;

	for (size_t i = 0; i < d->n; i++)
		if (!address_equal(&d->at[i], address))
			d->at[keep++] = d->at[i];
	d->n = keep;
}

void
dead_ends_add(struct dead_ends *d, const struct sockaddr_storage *address)
{
	dead_ends_remove(d, address);
	if (d->n == ARRAY_SIZE(d->at))
		memmove(d->at, d->at + 1, --d->n * sizeof(d->at[0]));
	d->at[d->n++] = *address;
}
