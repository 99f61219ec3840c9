/* Knows how the picture of a node is laid out for people. */
#include "cli/status_text.h"

#include <stdarg.h>
#include <string.h>

#include "base/util.h"
#include "cli/amounts.h"
#include "cli/flow.h"
#include "cli/names.h"
#include "proxy/tally.h"

#define LABEL       13 /* columns of a label and the space behind it */
#define LINE        (2 * NAMES_SIZE + 512)
#define LINKS_SHOWN 3 /* of one peer: there may be hundreds (link = own) */

#define BOLD   "1"
#define RED    "31"
#define GREEN  "32"
#define YELLOW "33"

struct page {
	FILE *out;
	const struct status_look *look;
};

static unsigned long long
number(struct json_object *o, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

static const char *
text(struct json_object *o, const char *key)
{
	struct json_object *value;
	bool there = json_object_object_get_ex(o, key, &value) && value;
	return there ? json_object_get_string(value) : "";
}

static bool
flag(struct json_object *o, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(o, key, &value) && json_object_get_boolean(value);
}

static bool
is_off(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL) && !flag(o, key);
}

static struct json_object *
array(struct json_object *o, const char *key, size_t *n)
{
	struct json_object *value;
	bool there = json_object_object_get_ex(o, key, &value) &&
		     json_object_is_type(value, json_type_array);
	*n = there ? json_object_array_length(value) : 0;
	return there ? value : NULL;
}

/* ---- lines ---- */

static void
coloured(const struct page *p, const char *colour, const char *word)
{
	if (p->look->colour)
		fprintf(p->out, "\033[%sm%s\033[0m", colour, word);
	else
		fputs(word, p->out);
}

/* A label and its text, which goes on below itself where the line ends. */
static void __attribute__((format(printf, 3, 4)))
field(const struct page *p, const char *label, const char *format, ...)
{
	const struct flow flow = {p->look->width, 2 + LABEL, 2 + LABEL};
	char line[LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(p->out, "  %-*s", LABEL, label);
	flow_text(p->out, &flow, line);
	fputc('\n', p->out);
}

/* A name of several words, which stay in one line. */
static const char *
name_text(char out[64], struct json_object *o, const char *key)
{
	snprintf(out, 64, "%s", text(o, key));
	for (char *c = out; *c; c++)
		*c = *c == ' ' ? FLOW_JOINT[0] : *c;
	return out;
}

static void
title(const struct page *p, const char *kind, const char *name)
{
	fprintf(p->out, "%s ", kind);
	coloured(p, BOLD, name);
}

/* An array of texts. */
static const char *
joined(struct names *names, struct json_object *o, const char *key)
{
	size_t n;
	struct json_object *list = array(o, key, &n);

	names_init(names);
	for (size_t i = 0; i < n; i++)
		names_add(names, json_object_get_string(json_object_array_get_idx(list, i)));
	return names_text(names);
}

static void
traffic(const struct page *p, struct json_object *o, bool rates)
{
	char in[32], out[32], rate_in[32], rate_out[32];

	size_text(in, number(o, "bytes_in"));
	size_text(out, number(o, "bytes_out"));
	if (rates)
		field(p, "traffic", "%s in, %s out; now %s/s in, %s/s out", in, out,
			size_text(rate_in, number(o, "rate_in")),
			size_text(rate_out, number(o, "rate_out")));
	else
		field(p, "traffic", "%s in, %s out", in, out);
}

static const char *
reason_text(const char *name)
{
	for (unsigned i = 0; i < TALLY_REASON_COUNT; i++)
		if (strcmp(tally_reason_name(i), name) == 0)
			return tally_reason_text(i);
	return name;
}

/* An object of numbers as one line, if there are any. */
static void
show_counts(const struct page *p, const char *label, struct json_object *o, const char *key)
{
	struct json_object *counts;
	struct names names;
	char count[120];

	if (!json_object_object_get_ex(o, key, &counts) ||
		!json_object_is_type(counts, json_type_object))
		return;
	names_init(&names);
	json_object_object_foreach(counts, name, value)
	{
		snprintf(count, sizeof(count), "%llu %s",
			(unsigned long long)json_object_get_uint64(value), reason_text(name));
		names_add(&names, count);
	}
	if (names_text(&names)[0])
		field(p, label, "%s", names.text);
}

/* ---- the node ---- */

static void
show_node(const struct page *p, struct json_object *o)
{
	unsigned long long refused = number(o, "callers_refused");
	unsigned long long failed = number(o, "handshakes_failed");
	char age[32], size[32];
	struct names names;
	const char *state = text(o, "state"), *listen = joined(&names, o, "listen");

	title(p, "node", text(o, "name"));
	fputs(": ", p->out);
	coloured(p, strcmp(state, "running") == 0 ? GREEN : YELLOW, state);
	fprintf(p->out, " for %s\n", age_text(age, number(o, "age_s")));
	field(p, "process", "version %s, pid %llu, %llu worker%s, %s of memory", text(o, "version"),
		number(o, "pid"), number(o, "workers"),
		number(o, "workers") == 1 ? "" : "s", size_text(size, number(o, "memory_bytes")));
	field(p, "listens", "%s", listen[0] ? listen : "nowhere: it only dials out");
	field(p, "callers", "%llu of %llu places taken by strangers; %llu refused, %llu failed",
		number(o, "unauthenticated"), number(o, "unauthenticated_max"), refused, failed);
	show_counts(p, "limits met", o, "limits_reached");
	if (number(o, "log_dropped") > 0)
		field(p, "log", "%llu line%s dropped: not read in time, or not to be written",
			(unsigned long long)number(o, "log_dropped"),
			number(o, "log_dropped") == 1 ? "" : "s");
}

/* ---- peers ---- */

static void
show_link(const struct page *p, struct json_object *o)
{
	char age[32], next[32], distance[40] = "", protocol[64], asymmetric[64], symmetric[64];
	unsigned long long us = number(o, "rtt_us"), renewals = number(o, "renewals");

	if (us > 0)
		snprintf(distance, sizeof(distance), ", %.*f ms away", us < 1000 ? 2 : 1,
			(double)us / 1000);
	field(p, "link", "%s, %s %s ago%s%s", text(o, "address"),
		flag(o, "dialed") ? "dialed" : "called from there",
		age_text(age, number(o, "age_s")), distance,
		flag(o, "goaway") ? ", takes no new connections" : "");
	field(p, "algorithms", "%s, %s, %s" FLOW_JOINT "(%s)", name_text(protocol, o, "protocol"),
		name_text(asymmetric, o, "asymmetric"), name_text(symmetric, o, "symmetric"),
		text(o, "implementation"));
	field(p, "keys", "%s old, next in %s; %llu renewal%s",
		age_text(age, number(o, "keys_age_s")), age_text(next, number(o, "renewal_in_s")),
		renewals, renewals == 1 ? "" : "s");
}

static const char *
colour_of_state(const char *state)
{
	if (strcmp(state, "up") == 0)
		return GREEN;
	return strcmp(state, "rejected") == 0 || strcmp(state, "no key") == 0 ? RED : YELLOW;
}

/* What a state means, and what can be done. */
static const char *
meaning_of_state(const char *state)
{
	static const struct {
		const char *state, *meaning;
	} meanings[] = {
		{"rejected", "its operator has not verified the key of this node"},
		{"no key", "none of its keys is verified here"},
		{"idle", "dialed when a connection needs it"},
		{"absent", "it calls this node, and is not there"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (strcmp(meanings[i].state, state) == 0)
			return meanings[i].meaning;
	return NULL;
}

static void
show_error(const struct page *p, struct json_object *o)
{
	char age[32];

	if (text(o, "error")[0])
		field(p, "last error", "%s, %s ago", text(o, "error"),
			age_text(age, number(o, "error_age_s")));
}

static void
show_peer(const struct page *p, struct json_object *o)
{
	const char *state = text(o, "state"), *meaning = meaning_of_state(state);
	unsigned long long streams = 0, resumed = number(o, "resumed");
	unsigned long long waiting = number(o, "waiting"), suspended = number(o, "suspended");
	size_t n;
	struct json_object *links = array(o, "links", &n);
	struct names list;
	char age[32];

	fputc('\n', p->out);
	title(p, "peer", text(o, "name"));
	fputs(": ", p->out);
	coloured(p, colour_of_state(state), state);
	if (number(o, "retry_in_ms") > 0)
		fprintf(p->out, ", next try in %s",
			age_text(age, (number(o, "retry_in_ms") + 999) / 1000));
	fputc('\n', p->out);
	if (is_off(o, "configured"))
		field(p, "state", "the configuration has no section for it any more");
	else if (meaning && strcmp(state, "no key") == 0)
		field(p, "state", "%s: %s verify %s", meaning,
			p->look->program, text(o, "name"));
	else if (meaning)
		field(p, "state", "%s", meaning);
	if (n == 0 && joined(&list, o, "address")[0])
		field(p, "address", "%s", list.text);
	for (size_t i = 0; i < n; i++) {
		struct json_object *l = json_object_array_get_idx(links, i);
		if (i + LINKS_SHOWN >= n) /* the youngest */
			show_link(p, l);
		streams += number(l, "streams");
	}
	if (n > LINKS_SHOWN)
		field(p, "link", "and %zu older ones", n - LINKS_SHOWN);
	if (number(o, "links_total") > 0) {
		field(p, "connections", "%llu open, %llu in all", streams,
			number(o, "streams_total"));
		traffic(p, o, n > 0);
	}
	if (waiting > 0)
		field(p, "waiting", "%llu connections wait for a link", waiting);
	if (suspended > 0)
		field(p, "suspended", "%llu waiting for another link", suspended);
	if (resumed > 0)
		field(p, "resumed", "%llu session%s outlived a lost link", resumed,
			resumed == 1 ? "" : "s");
	show_error(p, o);
}

/* ---- routes and services ---- */

static void
show_port(const struct page *p, struct json_object *o)
{
	field(p, "connections", "%llu open, %llu in all",
		number(o, "connections"), number(o, "total"));
	if (number(o, "bytes_in") + number(o, "bytes_out") > 0)
		traffic(p, o, false);
	show_counts(p, "refused", o, "refused");
}

static void
show_route(const struct page *p, struct json_object *o)
{
	struct names list, peers;

	fputc('\n', p->out);
	title(p, "route", text(o, "name"));
	fputc('\n', p->out);
	field(p, "leads", "%s -> %s at %s", joined(&list, o, "listen"), text(o, "service"),
		joined(&peers, o, "peers"));
	show_port(p, o);
}

static void
show_service(const struct page *p, struct json_object *o)
{
	struct names list;

	fputc('\n', p->out);
	title(p, "service", text(o, "name"));
	fputc('\n', p->out);
	field(p, "leads", "to %s", joined(&list, o, "connect"));
	show_port(p, o);
}

static void
show_all(const struct page *p, struct json_object *picture, const char *key,
	void (*show)(const struct page *p, struct json_object *o))
{
	size_t n;
	struct json_object *list = array(picture, key, &n);

	for (size_t i = 0; i < n; i++)
		show(p, json_object_array_get_idx(list, i));
}

void
status_text(FILE *out, struct json_object *picture, const struct status_look *look)
{
	const struct page page = {out, look};
	struct json_object *o;

	if (json_object_object_get_ex(picture, "node", &o))
		show_node(&page, o);
	show_all(&page, picture, "peers", show_peer);
	show_all(&page, picture, "routes", show_route);
	show_all(&page, picture, "services", show_service);
	if (json_object_object_get_ex(picture, "unknown_services", &o) && number(o, "total") > 0) {
		fputs("\nservices that do not exist\n", out);
		show_counts(&page, "refused", o, "refused");
	}
}
