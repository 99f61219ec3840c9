/* Knows how each figure of a node is called for Prometheus. The names stay. */
#include "admin/metrics_text.h"

#include <inttypes.h>

#include "proxy/tally.h"

/* Names of nodes, peers, routes and services hold nothing that a label would have to escape. */
static void
head(struct text *out, const char *name, const char *type, const char *help)
{
	text_print(
		out, "# HELP secureconn_%s %s\n# TYPE secureconn_%s %s\n", name, help, name, type);
}

static void
single(struct text *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	text_print(out, "secureconn_%s %" PRIu64 "\n", name, value);
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
suspended(const struct status_peer *p)
{
	return (double)p->suspended;
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

/* Each is a family: a head, and a line for each peer. */
static const struct {
	const char *name, *type, *help;
	peer_figure_fn *figure;
} peer_figures[] = {
	{"peer_up", "gauge", "1 if a link to the peer is up", is_up},
	{"peer_links", "gauge", "Links to the peer", links},
	{"peer_streams", "gauge", "Connections carried over its links now", streams},
	{"peer_waiting", "gauge", "Local connections that wait for a link", waiting},
	{"peer_suspended", "gauge", "Sessions that wait for a link", suspended},
	{"peer_rtt_seconds", "gauge", "Round trip last measured; 0: none", rtt},
	{"peer_keys_age_seconds", "gauge", "Age of the oldest session keys", keys_age},
	{"peer_links_total", "counter", "Links that came up", links_total},
	{"peer_streams_total", "counter", "Connections carried", streams_total},
	{"peer_renewals_total", "counter", "Renewals of session keys", renewals},
	{"peer_resumed_total", "counter", "Sessions that outlived a lost link", resumed},
	{"peer_received_bytes_total", "counter", "Bytes received over its links", received},
	{"peer_sent_bytes_total", "counter", "Bytes sent over its links", sent},
};

static bool
show_peer(struct metrics_text *m, struct text *out)
{
	if (!m->headed)
		head(out, peer_figures[m->family].name, peer_figures[m->family].type,
			peer_figures[m->family].help);
	m->headed = true;
	if (m->peer == m->status->n_peers)
		return false;
	const struct status_peer *p = m->status->peers[m->peer++];
	text_print(out, "secureconn_%s{peer=\"%s\"} %.16g\n", peer_figures[m->family].name, p->name,
		peer_figures[m->family].figure(p));
	return true;
}

/* ---- routes and services ---- */

static const struct {
	const char *name, *type, *help;
	size_t offset;
} counters[] = {
	{"connections", "gauge", "Connections now", offsetof(struct tally, now)},
	{"connections_total", "counter", "Connections, refused ones too",
		offsetof(struct tally, total)},
	{"received_bytes_total", "counter", "Bytes read from local programs",
		offsetof(struct tally, bytes_in)},
	{"sent_bytes_total", "counter", "Bytes written to local programs",
		offsetof(struct tally, bytes_out)},
};

static const char *
kind_name(const struct tally *t)
{
	return t->kind == TALLY_ROUTE ? "route" : "service";
}

static void
show_counter(struct text *out, const struct tally *t, size_t i)
{
	const char *bytes = (const char *)t + counters[i].offset;

	if (t->name[0])
		text_print(out, "secureconn_%s{%s=\"%s\"} %" PRIu64 "\n", counters[i].name,
			kind_name(t), t->name, *(const uint64_t *)(const void *)bytes);
}

static void
show_refused(struct text *out, const struct tally *t)
{
	for (unsigned i = 0; i < TALLY_REASON_COUNT; i++)
		if (t->refused[i] > 0)
			text_print(out,
				"secureconn_refused_total{%s=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
				kind_name(t), t->name, tally_reason_name(i), t->refused[i]);
}

/* i: of counters, or behind them the refused ones. */
static bool
show_tally(struct metrics_text *m, struct text *out, size_t i)
{
	const bool refused = i == ARRAY_SIZE(counters);

	if (!m->headed && refused)
		head(out, "refused_total", "counter", "Connections that never came to be open");
	else if (!m->headed)
		head(out, counters[i].name, counters[i].type, counters[i].help);
	m->headed = true;
	if (m->tally->next == &m->status->tallies.all)
		return false;
	m->tally = m->tally->next;
	if (refused)
		show_refused(out, container_of(m->tally, struct tally, node));
	else
		show_counter(out, container_of(m->tally, struct tally, node), i);
	return true;
}

/* ---- all of it ---- */

static void
show_node(struct text *out, const struct status *s)
{
	head(out, "info", "gauge", "The node");
	text_print(out, "secureconn_info{name=\"%s\",version=\"%s\"} 1\n", s->config->node.name,
		SC_VERSION);
	single(out, "uptime_seconds", "gauge", "Since the start", s->age / NS_PER_S);
	single(out, "memory_bytes", "gauge", "Resident memory of the process", s->memory);
	single(out, "workers", "gauge", "Event loops", s->workers);
	single(out, "unauthenticated", "gauge", "Connections of strangers now", s->unauthenticated);
	single(out, "callers_refused_total", "counter", "Connections refused by limits",
		s->callers_refused);
	single(out, "handshakes_failed_total", "counter", "Handshakes of callers that failed",
		s->handshakes_failed);
	single(out, "log_dropped_total", "counter",
		"Lines of the log that nobody read in time or that could not be written",
		s->log_dropped);
	head(out, "limit_reached_total", "counter", "Times that a bound of [limits] was met");
	for (unsigned i = 0; i < REACHED_COUNT; i++)
		text_print(out, "secureconn_limit_reached_total{limit=\"%s\"} %" PRIu64 "\n",
			reached_key(i), s->reached[i]);
}

static void
begin_family(struct metrics_text *m)
{
	m->headed = false;
	m->peer = 0;
	m->tally = &m->status->tallies.all;
}

void
metrics_text_init(struct metrics_text *m, const struct status *status)
{
	*m = (struct metrics_text){.status = status};
	begin_family(m);
}

/* The next lines of the present family; false: it has ended. */
static bool
show_line(struct metrics_text *m, struct text *out)
{
	if (m->family < ARRAY_SIZE(peer_figures))
		return show_peer(m, out);
	return show_tally(m, out, m->family - ARRAY_SIZE(peer_figures));
}

bool
metrics_text_more(struct metrics_text *m, struct text *out)
{
	if (m->family == 0 && !m->headed)
		show_node(out, m->status);
	if (show_line(m, out))
		return true;
	begin_family(m);
	return ++m->family <= ARRAY_SIZE(peer_figures) + ARRAY_SIZE(counters);
}
