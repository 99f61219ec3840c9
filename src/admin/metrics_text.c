/* Knows how each figure of a node is called for Prometheus. The names stay. */
#include "admin/metrics_text.h"

#include <inttypes.h>

#include "proxy/tally.h"

/* Names of nodes, peers, routes and services hold nothing that a label would have to escape. */
static void
head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP secureconn_%s %s\n# TYPE secureconn_%s %s\n", name, help, name, type);
}

static void
single(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "secureconn_%s %" PRIu64 "\n", name, value);
}

/* ---- peers ---- */

static double
seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

typedef double peer_figure_fn(const struct status_peer *p);

static double
is_up(const struct status_peer *p)
{
	return p->state == STATUS_UP;
}

static double
links(const struct status_peer *p)
{
	return (double)p->n_links;
}

static double
streams(const struct status_peer *p)
{
	uint64_t n = 0;
	for (size_t i = 0; i < p->n_links; i++)
		n += p->links[i].streams;
	return (double)n;
}

/* Of the youngest link; 0 where there is none. */
static double
rtt(const struct status_peer *p)
{
	return p->n_links ? seconds(p->links[p->n_links - 1].rtt) : 0;
}

static double
keys_age(const struct status_peer *p)
{
	uint64_t oldest = 0;
	for (size_t i = 0; i < p->n_links; i++)
		if (p->links[i].keys_age > oldest)
			oldest = p->links[i].keys_age;
	return seconds(oldest);
}

static double
waiting(const struct status_peer *p)
{
	return (double)p->waiting;
}

static double
links_total(const struct status_peer *p)
{
	return (double)p->links_total;
}

static double
streams_total(const struct status_peer *p)
{
	return (double)p->streams_total;
}

static double
renewals(const struct status_peer *p)
{
	return (double)p->renewals;
}

static double
resumed(const struct status_peer *p)
{
	return (double)p->resumed;
}

static double
received(const struct status_peer *p)
{
	return (double)p->bytes_in;
}

static double
sent(const struct status_peer *p)
{
	return (double)p->bytes_out;
}

static void
show_peers(FILE *out, const struct status *s)
{
	static const struct {
		const char *name, *type, *help;
		peer_figure_fn *figure;
	} figures[] = {
		{"peer_up", "gauge", "1 if a link to the peer is up", is_up},
		{"peer_links", "gauge", "Links to the peer", links},
		{"peer_streams", "gauge", "Connections carried over its links now", streams},
		{"peer_waiting", "gauge", "Local connections that wait for a link", waiting},
		{"peer_rtt_seconds", "gauge", "Round trip last measured; 0: none", rtt},
		{"peer_keys_age_seconds", "gauge", "Age of the oldest session keys", keys_age},
		{"peer_links_total", "counter", "Links that came up", links_total},
		{"peer_streams_total", "counter", "Connections carried", streams_total},
		{"peer_renewals_total", "counter", "Renewals of session keys", renewals},
		{"peer_resumed_total", "counter", "Sessions that outlived a lost link", resumed},
		{"peer_received_bytes_total", "counter", "Bytes received over its links", received},
		{"peer_sent_bytes_total", "counter", "Bytes sent over its links", sent},
	};

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		head(out, figures[i].name, figures[i].type, figures[i].help);
		list_for_each (it, &s->peers) {
			const struct status_peer *p = container_of(it, struct status_peer, node);
			fprintf(out, "secureconn_%s{peer=\"%s\"} %.15g\n", figures[i].name, p->name,
				figures[i].figure(p));
		}
	}
}

/* ---- routes and services ---- */

static void
show_counter(FILE *out, const struct status *s, const char *name, const char *type,
	const char *help, size_t offset)
{
	head(out, name, type, help);
	list_for_each (it, &s->tallies) {
		const struct tally *t = container_of(it, struct tally, node);
		const char *bytes = (const char *)t + offset;
		if (t->name[0])
			fprintf(out, "secureconn_%s{%s=\"%s\"} %" PRIu64 "\n", name,
				t->kind == TALLY_ROUTE ? "route" : "service", t->name,
				*(const uint64_t *)(const void *)bytes);
	}
}

static void
show_refused(FILE *out, const struct status *s)
{
	head(out, "refused_total", "counter", "Connections that never came to be open");
	list_for_each (it, &s->tallies) {
		const struct tally *t = container_of(it, struct tally, node);
		for (unsigned i = 0; i < TALLY_REASON_COUNT; i++)
			if (t->refused[i] > 0)
				fprintf(out,
					"secureconn_refused_total{%s=\"%s\",reason=\"%s\"} %" PRIu64
					"\n",
					t->kind == TALLY_ROUTE ? "route" : "service", t->name,
					tally_reason_name(i), t->refused[i]);
	}
}

void
metrics_text(FILE *out, const struct status *s, const struct config *config)
{
	head(out, "info", "gauge", "The node");
	fprintf(out, "secureconn_info{name=\"%s\",version=\"%s\"} 1\n", config->node.name, SC_VERSION);
	single(out, "uptime_seconds", "gauge", "Since the start", s->age / NS_PER_S);
	single(out, "memory_bytes", "gauge", "Resident memory of the process", s->memory);
	single(out, "workers", "gauge", "Event loops", s->workers);
	single(out, "unauthenticated", "gauge", "Connections of strangers now", s->unauthenticated);
	single(out, "callers_refused_total", "counter", "Connections refused by limits",
		s->callers_refused);
	single(out, "handshakes_failed_total", "counter", "Handshakes of callers that failed",
		s->handshakes_failed);
	show_peers(out, s);
	show_counter(out, s, "connections", "gauge", "Connections now", offsetof(struct tally, now));
	show_counter(out, s, "connections_total", "counter", "Connections, refused ones too",
		offsetof(struct tally, total));
	show_counter(out, s, "received_bytes_total", "counter", "Bytes read from local programs",
		offsetof(struct tally, bytes_in));
	show_counter(out, s, "sent_bytes_total", "counter", "Bytes written to local programs",
		offsetof(struct tally, bytes_out));
	show_refused(out, s);
}
