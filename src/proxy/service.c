/* Knows who may use which service and where it is; what happens on a connection then is
   local.c's. */
#include "proxy/service.h"

#include <stdio.h>

#include "base/log.h"
#include "proxy/ceiling.h"
#include "proxy/connect.h"
#include "proxy/local.h"

#define ALARM_GRACE (200 * NS_PER_MS) /* the connector's own deadline comes first, if it can */
#define NEXT_TARGET (2 * NS_PER_S)    /* the first one has so long before the second is tried */
#define NAMES_AGE   (5 * NS_PER_S)    /* not every connection asks for the target's name */

static void
refuse(struct link *link, struct stream *stream, const struct stream_request *request,
	enum close_code code, const char *reason)
{
	char source[ADDRESS_TEXT_SIZE];
	const struct config_service *service = config_service_find(link->owner->config,
		(const char *)request->service, request->service_size);
	struct tally *tally = tally_get(
		&link->owner->tallies, TALLY_SERVICE, service ? service->name : "");

	if (tally) {
		tally->total++;
		tally->refused[tally_reason_of(code)]++;
	}
	stream_reset(stream, code, code_text(code));
	link_touch(link);
	if (!flood_pass(&link->owner->floods[FLOOD_SERVICE], node_now()))
		return;
	stream_address_text(source, &request->source);
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "connection_refused");
	log_bytes(&line, "service", request->service, request->service_size);
	log_str(&line, "peer", link->peer->name);
	log_str(&line, "source", source);
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

static void
on_connected(void *owner, struct sock *sock, int error, const char *address)
{
	struct local *l = owner;
	char reason[384];

	l->connector = NULL;
	if (l->over) {
		sock_close(sock);
		local_free(l);
	} else if (!sock) {
		/* The address is nobody's business at the other end. */
		snprintf(reason, sizeof(reason), "%s: %s: %s", code_text(code_of(error)), address,
			uv_strerror(error));
		local_fail(l, LOCAL_REFUSED, code_of(error), code_text(code_of(error)), reason);
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

	if (!service || !config_service_allows(service, link->peer->name)) {
		refuse(link, stream, request, CODE_DENIED,
			service ? "denied: `allow` does not name this peer"
				: "denied: there is no such service");
		return;
	}
	if (ceiling_reached(w)) {
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
	};
	l->connector = connect_start(&w->loop, &plan, on_connected, l);
	if (!l->connector)
		local_fail(l, LOCAL_REFUSED, CODE_INTERNAL_ERROR, NULL, "out of memory");
}
