/* Knows what a peer's services answer to a first connection, and what mends a bad answer. */
#include "cli/doctor.h"

#include <string.h>

#define SERVICE_MS 2000 /* over what the route waits */

static void
advise_service(const struct visit *v, const struct config_route *r, uint16_t code)
{
	const char *peer = v->peer->name;
	char at[DOCTOR_PLACE];

	doctor_place(at, r->file, r->line);
	switch (code) {
	case CODE_DENIED:
		report_advice(v->report,
			"at %s, `allow` in [service %s] has to name this node, as it is called "
			"there; or there is no such service: see [route %s], %s",
			peer, r->service, r->name, at);
		break;
	case CODE_REFUSED:
		report_advice(v->report,
			"at %s, the program behind [service %s] does not run: start it, or correct "
			"`connect` there",
			peer, r->service);
		break;
	case CODE_CONNECT_TIMEOUT:
	case CODE_NOT_FOUND:
		report_advice(v->report,
			"at %s, `connect` in [service %s] leads nowhere: correct it there", peer,
			r->service);
		break;
	default:
		report_advice(v->report, "the log of %s says more (connection_refused)", peer);
	}
}

static const char *
code_says(uint16_t code)
{
	switch (code) {
	case CODE_DENIED:
		return "denied";
	case CODE_REFUSED:
		return "its target there refuses connections";
	case CODE_CONNECT_TIMEOUT:
		return "its target there does not answer";
	case CODE_NOT_FOUND:
		return "the name of its target there is not known";
	case CODE_SHUTTING_DOWN:
		return "the node there is stopping";
	case CODE_TOO_MANY_STREAMS:
		return "too many connections at once";
	default:
		return "refused";
	}
}

/* False: the link is gone. */
static bool
try_service(const struct visit *v, struct probe *p, const struct config_route *r)
{
	unsigned ms = (unsigned)(r->connect_timeout / NS_PER_MS) + SERVICE_MS;
	uint16_t code = 0;

	switch (probe_service(p, r->service, ms, &code)) {
	case PROBE_OPENED:
		report_say(v->report, REPORT_OK, "service", "%s (route %s) takes connections",
			r->service, r->name);
		return true;
	case PROBE_RESET:
		report_say(v->report, REPORT_FAIL, "service", "%s (route %s): %s", r->service,
			r->name, code_says(code));
		advise_service(v, r, code);
		return true;
	case PROBE_SILENT:
		report_say(v->report, REPORT_FAIL, "service", "%s (route %s): no answer in time",
			r->service, r->name);
		advise_service(v, r, CODE_CONNECT_TIMEOUT);
		return true;
	case PROBE_LOST:
		break;
	}
	report_say(v->report, REPORT_FAIL, "service", "%s (route %s): the link has ended",
		r->service, r->name);
	report_advice(v->report, "try again; the log of %s says why", v->peer->name);
	return false;
}

static bool
route_leads_to(const struct config_route *r, const char *peer)
{
	for (size_t i = 0; i < r->peers.n; i++)
		if (strcmp(r->peers.at[i], peer) == 0)
			return true;
	return false;
}

void
doctor_services(const struct visit *v, struct probe *p)
{
	const struct config *c = v->d->config;
	bool any = false;

	for (size_t i = 0; i < c->n_routes; i++) {
		if (!route_leads_to(&c->routes[i], v->peer->name))
			continue;
		any = true;
		if (!try_service(v, p, &c->routes[i]))
			return;
	}
	if (!any)
		report_say(v->report, REPORT_NOTE, "service", "no route leads to this peer");
}
