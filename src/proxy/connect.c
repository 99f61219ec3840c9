/* Knows names, addresses and attempts; knows nothing of what the connection is for. */
#include "proxy/connect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/alarm.h"

#define BUSY_RETRY (20 * NS_PER_MS)

struct connector {
	uv_loop_t *loop;
	const struct endpoint_list *endpoints;
	size_t endpoint;              /* the one being tried; endpoints->n: no more */
	struct sockaddr_storage addresses[CONNECT_ADDRESSES_MAX];
	size_t n_addresses, address;  /* of that endpoint, and the next one to try */
	struct lookup *lookup;        /* the one waited for */
	unsigned lookups;             /* not back yet, also those given up */
	struct sock *sock;            /* the attempt under way */
	struct alarm *alarm;
	uint64_t deadline;
	bool over;                    /* failed or cancelled: only fn is left to be called */
	bool told;
	int error;                    /* of the last attempt */
	char text[sizeof(((struct endpoint *)0)->text)];
	connect_fn *fn;
	void *owner;
};

/* One getaddrinfo on libuv's threads. */
struct lookup {
	uv_getaddrinfo_t req;
	struct connector *connector;
};

static void try_next(struct connector *c);

static void
maybe_free(struct connector *c)
{
	if (c->told && c->lookups == 0)
		free(c);
}

static void
tell(struct connector *c, struct sock *sock)
{
	alarm_free(c->alarm);
	c->alarm = NULL;
	c->told = true;
	c->fn(c->owner, sock, sock ? 0 : c->error, c->text);
	maybe_free(c);
}

/* Ends in failure. fn is called from the loop, as soon as no look-up is out. */
static void
finish(struct connector *c)
{
	c->over = true;
	c->lookup = NULL;
	sock_close(c->sock);
	c->sock = NULL;
	alarm_set(c->alarm, c->lookups ? UINT64_MAX : 0);
}

static void
on_alarm(void *owner)
{
	struct connector *c = owner;

	if (c->over) {
		tell(c, NULL);
		return;
	}
	if (c->sock || c->lookup) { /* this one took too long */
		c->error = UV_ETIMEDOUT;
		sock_close(c->sock);
		c->sock = NULL;
		if (c->lookup) {
			uv_cancel((uv_req_t *)&c->lookup->req);
			c->lookup = NULL;
			c->endpoint++;
		}
	}
	try_next(c);
}

static void
set_deadline(struct connector *c)
{
	alarm_set(c->alarm, min_u64(c->deadline, uv_hrtime() + CONNECT_ADDRESS_DEADLINE));
}

static void
on_connect(uv_connect_t *req, int status)
{
	struct sock *s = req->data;
	struct connector *c = s->owner;

	if (!c)
		return;
	c->sock = NULL;
	if (status == 0) {
		s->owner = NULL;
		if (!s->is_unix)
			uv_tcp_nodelay(&s->uv.tcp, 1);
		tell(c, s);
		return;
	}
	c->error = status;
	sock_close(s);
	/* its queue is full just now: the same one again */
	if (s->is_unix && status == UV_EAGAIN) {
		c->n_addresses = c->address = 0;
		alarm_set(c->alarm, min_u64(c->deadline, uv_hrtime() + BUSY_RETRY));
		return;
	}
	try_next(c);
}

/* False: it failed at once. */
static bool
try_tcp(struct connector *c, const struct sockaddr *address)
{
	c->sock = sock_new(c->loop, false, c);
	if (!c->sock) {
		c->error = UV_ENOMEM;
		return false;
	}
	address_text(c->text, address);
	c->error = uv_tcp_connect(&c->sock->connect, &c->sock->uv.tcp, address, on_connect);
	if (c->error == 0)
		return true;
	sock_close(c->sock);
	c->sock = NULL;
	return false;
}

static bool
try_unix(struct connector *c, const struct endpoint *e)
{
	c->sock = sock_new(c->loop, true, c);
	if (!c->sock) {
		c->error = UV_ENOMEM;
		return false;
	}
	uv_pipe_connect(&c->sock->connect, &c->sock->uv.pipe, e->path, on_connect);
	return true;
}

static void
take_addresses(struct connector *c, const struct addrinfo *found)
{
	for (; found && c->n_addresses < CONNECT_ADDRESSES_MAX; found = found->ai_next)
		memcpy(&c->addresses[c->n_addresses++], found->ai_addr, found->ai_addrlen);
}

static void
on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct lookup *l = container_of(req, struct lookup, req);
	struct connector *c = l->connector;
	bool current = c->lookup == l;

	c->lookups--;
	free(l);
	if (current) {
		c->lookup = NULL;
		c->error = status;
		take_addresses(c, found);
		if (c->n_addresses == 0)
			c->endpoint++;
		try_next(c);
	} else if (c->told) {
		maybe_free(c);
	} else if (c->over && c->lookups == 0) {
		tell(c, NULL);
	}
	uv_freeaddrinfo(found);
}

/* False: it could not be started. */
static bool
start_lookup(struct connector *c, const struct endpoint *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	char port[8];
	struct lookup *l = calloc(1, sizeof(*l));

	c->error = UV_ENOMEM;
	if (!l)
		return false;
	l->connector = c;
	snprintf(port, sizeof(port), "%u", e->port);
	c->error = uv_getaddrinfo(c->loop, &l->req, on_lookup, e->host, port, &hints);
	if (c->error != 0) {
		free(l);
		return false;
	}
	c->lookup = l;
	c->lookups++;
	return true;
}

/* An address that is one already needs no look-up, and so no thread. */
static bool
numeric(const struct endpoint *e, struct sockaddr_storage *out)
{
	return uv_ip4_addr(e->host, e->port, (struct sockaddr_in *)out) == 0 ||
		uv_ip6_addr(e->host, e->port, (struct sockaddr_in6 *)out) == 0;
}

/* Starts on the present endpoint. True: something is under way. */
static bool
begin_endpoint(struct connector *c)
{
	const struct endpoint *e = &c->endpoints->at[c->endpoint];

	snprintf(c->text, sizeof(c->text), "%s", e->text);
	if (e->is_unix) {
		/* Counted as one address, which try_next then finds used up. */
		c->n_addresses = c->address = 1;
		return try_unix(c, e);
	}
	if (numeric(e, &c->addresses[0])) {
		c->n_addresses = 1;
		return false;
	}
	return start_lookup(c, e);
}

/* Goes on with the next address or endpoint until something is under way, or nothing is left. */
static void
try_next(struct connector *c)
{
	bool under_way = false;

	while (!under_way && c->endpoint < c->endpoints->n && uv_hrtime() < c->deadline) {
		if (c->address < c->n_addresses) {
			under_way = try_tcp(c, (struct sockaddr *)&c->addresses[c->address++]);
		} else if (c->n_addresses > 0) {
			c->n_addresses = c->address = 0;
			c->endpoint++;
		} else {
			under_way = begin_endpoint(c);
			if (!under_way && c->n_addresses == 0)
				c->endpoint++;
		}
	}
	if (under_way)
		set_deadline(c);
	else
		finish(c);
}

struct connector *
connect_start(uv_loop_t *loop, const struct endpoint_list *endpoints, uint64_t deadline,
	connect_fn *fn, void *owner)
{
	struct connector *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->alarm = alarm_new(loop, on_alarm, c);
	if (!c->alarm) {
		free(c);
		return NULL;
	}
	c->loop = loop;
	c->endpoints = endpoints;
	c->deadline = deadline;
	c->error = UV_ETIMEDOUT;
	c->fn = fn;
	c->owner = owner;
	try_next(c);
	return c;
}

void
connect_cancel(struct connector *c)
{
	if (c->over)
		return;
	c->error = UV_ECANCELED;
	if (c->lookup)
		uv_cancel((uv_req_t *)&c->lookup->req);
	finish(c);
}
