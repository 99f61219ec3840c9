/* Knows who may use which service and where it is; what happens on a connection then is
   local.c's. */
#include "proxy/service.h"

#include <stdio.h>

#include "base/log.h"
#include "proxy/ceiling.h"
#include "proxy/claim.h"
#include "proxy/connect.h"
#include "proxy/local.h"
#include "proxy/peer.h"
#include "proxy/proxy_header.h"
#include "proxy/transparent.h"

#define ALARM_GRACE (200 * NS_PER_MS) /* the connector's own deadline comes first, if it can */
#define NEXT_TARGET (2 * NS_PER_S)    /* the first one has so long before the second is tried */
#define NAMES_AGE   (5 * NS_PER_S)    /* not every connection asks for the target's name */

static void
refuse(struct link *link, struct stream *stream, const struct stream_request *request,
	enum close_code code, const char *reason)
{
	char source[ADDRESS_TEXT_SIZE], id[LOCAL_ID_SIZE];
	const struct config_service *service = config_service_find(
		link->owner->config, (const char *)request->service, request->service_size);
	struct tally *tally =
		tally_get(&link->owner->tallies, TALLY_SERVICE, service ? service->name : "");

	if (tally) {
		tally->total++;
		tally->refused[tally_reason_of(code)]++;
	}
	local_id(id, link->session, stream);
	stream_reset(stream, code, code_text(code));
	link_touch(link);
	if (!flood_pass(&link->owner->floods[FLOOD_SERVICE], node_now()))
		return;
	stream_address_text(source, &request->source);
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "connection_refused");
	log_str(&line, "id", id);
	log_bytes(&line, "service", request->service, request->service_size);
	log_str(&line, "peer", link->peer->name);
	log_str(&line, "source", source[0] ? source : "unix");
	log_str(&line, "reason", reason);
	log_end(&line);
}

static enum close_code
code_of(int error)
{
	switch (error) {
	case UV_ETIMEDOUT:
		return CODE_CONNECT_TIMEOUT;
	case UV_ENOMEM:
	case UV_EMFILE:
	case UV_ENFILE:
		return CODE_INTERNAL_ERROR;
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
	case UV_EAI_AGAIN:
	case UV_EAI_FAIL:
	case UV_EAI_ADDRFAMILY:
		return CODE_NOT_FOUND;
	default:
		return CODE_REFUSED;
	}
}

/* ---- who the client is ---- */

static enum claim
judge(struct worker *w, const struct stream_address *claimed, const struct peer *peer)
{
	return claim_judge(claimed, peer->config, &w->own_addresses, node_now());
}

/* Where it is connected to; size 0: a Unix socket. */
static struct stream_address
target_address(const struct sock *sock)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (sock->is_unix || getpeername(sock_fd(sock), (struct sockaddr *)&address, &size) != 0)
		return (struct stream_address){0};
	return address_to_stream((struct sockaddr *)&address);
}

/* Sends the PROXY header, before anything else. 0 or libuv's error. */
static int
introduce(struct local *l, struct sock *sock)
{
	uint8_t header[PROXY_HEADER_MAX];
	enum claim from = judge(l->owner, &l->source, l->peer);
	enum claim to = judge(l->owner, &l->destination, l->peer);
	struct stream_address destination =
		to == CLAIM_GOOD ? l->destination : target_address(sock);
	size_t n = proxy_header_write(header, (enum proxy_header)l->service->send_proxy,
		from == CLAIM_GOOD ? &l->source : NULL, &destination);

	struct log_line line = local_log(LOG_LEVEL_DEBUG, "client_introduced", l);
	log_str(&line, "known", from == CLAIM_GOOD ? "yes" : "no");
	log_str(&line, "reason", claim_text(from));
	log_end(&line);
	int r = sock_try_write(sock, &(struct span){header, n}, 1);
	/* A fresh socket has room for it; if not, the system has no memory. */
	return r < 0 ? r : (size_t)r < n ? UV_ENOBUFS : 0;
}

/* ---- the target ---- */

static void
no_target(struct local *l, int error, const char *address)
{
	char reason[512];

	/* The address is nobody's business at the other end. */
	snprintf(reason, sizeof(reason), "%s: %s: %s%s%s", code_text(code_of(error)), address,
		lookup_error_text(error), l->service->original && error == UV_EPERM ? "; " : "",
		l->service->original && error == UV_EPERM ? TRANSPARENT_HINT : "");
	local_fail(l, LOCAL_REFUSED, code_of(error), code_text(code_of(error)), reason);
}

static void
on_connected(void *owner, struct sock *sock, int error, const char *address)
{
	struct local *l = owner;

	l->connector = NULL;
	if (l->over) {
		sock_reset(sock);
		local_free(l);
		return;
	}
	if (sock && l->service->send_proxy != PROXY_OFF && (error = introduce(l, sock)) != 0) {
		sock_reset(sock);
		sock = NULL;
	}
	if (!sock) {
		no_target(l, error, address);
	} else {
		sock->owner = l;
		l->sock = sock;
		stream_accept(l->stream);
		local_opened(l);
		session_touch(l->session);
		local_start(l);
	}
}

void
service_open(struct link *link, struct stream *stream, const struct stream_request *request)
{
	struct worker *w = link->owner;
	const struct config_service *service = config_service_find(
		w->config, (const char *)request->service, request->service_size);
	enum claim claim;
	char reason[128];

	if (!service || !config_service_allows(service, link->peer->name)) {
		refuse(link, stream, request, CODE_DENIED,
			service ? "denied: `allow` does not name this peer"
				: "denied: there is no such service");
		return;
	}
	if (service->original && (claim = judge(w, &request->source, link->peer)) != CLAIM_GOOD) {
		snprintf(reason, sizeof(reason), "denied: `source = original`: %s",
			claim_text(claim));
		refuse(link, stream, request, CODE_DENIED, reason);
		return;
	}
	if (ceiling_reached(w)) {
		w->reached[REACHED_CONNECTIONS]++;
		refuse(link, stream, request, CODE_TOO_MANY_STREAMS,
			"the node has its `connections` of [limits]");
		return;
	}
	struct local *l = local_new(w, link->peer);
	if (!l) {
		refuse(link, stream, request, CODE_INTERNAL_ERROR, "out of memory");
		return;
	}
	l->service = service;
	l->source = request->source;
	l->destination = request->destination;
	local_attach(l, link->session, stream);
	if (!local_tally(l, TALLY_SERVICE, service->name)) {
		local_fail(l, LOCAL_REFUSED, CODE_INTERNAL_ERROR, NULL, "out of memory");
		return;
	}
	uint64_t deadline = l->began + service->connect_timeout;
	alarm_set(l->alarm, deadline + ALARM_GRACE);
	const struct connect_plan plan = {
		.resolver = w->resolver,
		.endpoints = &service->connect,
		.next = NEXT_TARGET,
		.max_age = NAMES_AGE,
		.deadline = deadline,
		.source = service->original ? l->source : (struct stream_address){0},
	};
	l->connector = connect_start(&w->loop, &plan, on_connected, l);
	if (!l->connector)
		local_fail(l, LOCAL_REFUSED, CODE_INTERNAL_ERROR, NULL, "out of memory");
}

void
service_check_privilege(const struct config *config)
{
	int error = 0;

	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_service *service = &config->services[i];
		if (!service->original)
			continue;
		if (error == 0 && (error = transparent_possible()) == 0)
			return;
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "source_impossible");
		log_str(&line, "service", service->name);
		log_str(&line, "error", uv_strerror(error));
		log_str(&line, "hint", TRANSPARENT_HINT);
		log_end(&line);
	}
}
