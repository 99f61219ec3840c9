/* Knows the order of the lines in SecureConn 1.0 and what each may be; leaves keys' mathematics to
   jobs, records and HELLO to conn.c. */
#include "secureconn/handshake.h"

/* ---- lines out ---- */

/* Writes a line; *line, if not NULL, is where it stands, without its LF. */
static enum sc_error
write_line(struct outbuf *out, const char *prefix, struct span text, struct span *line)
{
	size_t prefix_size = strlen(prefix), start = out->tail;

	if (outbuf_room(out) < prefix_size + text.size + 1)
		return SC_ERR_LIMIT;
	outbuf_append(out, prefix, prefix_size);
	outbuf_append(out, text.data, text.size);
	if (line)
		*line = (struct span){out->data + start, prefix_size + text.size};
	return outbuf_append(out, "\n", 1);
}

static enum sc_error
say(struct handshake *h, const char *prefix, const char *text, size_t size)
{
	struct span line;
	enum sc_error error =
		write_line(h->out, prefix, (struct span){(const uint8_t *)text, size}, &line);

	if (!error)
		transcript_add(&h->transcript, h->config->initiator, line);
	return error;
}

enum sc_error
handshake_say_answer(struct handshake *h, unsigned index, const char *answer)
{
	char prefix[sizeof("SYM-KEY-1: ")] = "SYM-KEY-1: ";
	struct span text = {(const uint8_t *)answer, strlen(answer)};

	prefix[sizeof("SYM-KEY-") - 1] = (char)('0' + index);
	/* Neither th' nor the th of 1.1 covers it; in 1.1 R's one answer counts. */
	if (h->renewing || (h->flight && h->config->initiator))
		return write_line(h->out, prefix, text, NULL);
	return say(h, prefix, answer, text.size);
}

enum sc_error
handshake_say_text(struct handshake *h, const char *prefix, const char *text)
{
	return say(h, prefix, text, strlen(text));
}

enum sc_error
handshake_say_hex(struct handshake *h, const char *prefix, const uint8_t *data, size_t size)
{
	char hex[2 * ASYM_CIPHERTEXT_MAX + 1];

	hex_encode(hex, data, size);
	return say(h, prefix, hex, 2 * size);
}

/* Says a last line; the error stands even if there is no room for the line. */
enum sc_error
handshake_say_last(struct handshake *h, const char *prefix, const char *text, enum sc_error error)
{
	(void)handshake_say_text(h, prefix, text);
	return error;
}

/* ---- the three negotiations ---- */

struct stage {
	const char *prefix;
	enum sc_error none;
};

static const struct stage *
stage_of(enum handshake_step step)
{
	static const struct stage meta = {"", SC_ERR_NO_PROTOCOL};
	static const struct stage asym = {PREFIX_ASYM, SC_ERR_NO_ASYMMETRIC};
	static const struct stage sym = {PREFIX_SYM, SC_ERR_NO_SYMMETRIC};

	return step == STEP_META ? &meta : step == STEP_ASYM ? &asym : &sym;
}

/* After a weak asymmetric algorithm only the paper's generation of ciphers, those for whose key and
   salt it has room. */
bool
handshake_symmetric_allowed(const struct handshake *h, const struct bulk_algorithm *a)
{
	const struct asym_algorithm *asym = h->own->asym->algorithm;

	return 2 * a->key_size <= asym->message_max && (a->by_default || !asym->weak);
}

static size_t
list_names(const struct handshake *h, const char *names[NEGOTIATION_NAMES_MAX])
{
	const struct conn_config *config = h->config;
	size_t n = 0;

	if (h->step == STEP_META) {
		names[n++] = PROTOCOL_1_0;
	} else if (h->step == STEP_ASYM) {
		for (size_t i = 0; i < config->n_keys && n < NEGOTIATION_NAMES_MAX; i++)
			names[n++] = config->keys[i].asym->algorithm->name;
	} else {
		for (size_t i = 0; i < config->n_bulk && n < NEGOTIATION_NAMES_MAX; i++)
			if (handshake_symmetric_allowed(h, config->bulk[i]->algorithm))
				names[n++] = config->bulk[i]->algorithm->name;
	}
	return n;
}

static enum sc_error
act_on_outcome(struct handshake *h, enum negotiation_outcome outcome, const char *reply);

/* Begins the negotiation of a step; its client opens it. */
static enum sc_error
enter_negotiation(struct handshake *h, enum handshake_step step)
{
	const char *names[NEGOTIATION_NAMES_MAX], *reply;

	h->step = step;
	negotiation_init(&h->negotiation, names, list_names(h, names));
	if (!h->client)
		return SC_OK;
	enum negotiation_outcome outcome = negotiation_open(&h->negotiation, &reply);
	return act_on_outcome(h, outcome, reply);
}

static void
adopt_agreed(struct handshake *h, const char *name)
{
	const struct conn_config *config = h->config;

	/* Pointers are compared: the agreed name is one of the descriptors' own. */
	if (h->step == STEP_META)
		h->protocol = name;
	for (size_t i = 0; h->step == STEP_ASYM && i < config->n_keys; i++)
		if (config->keys[i].asym->algorithm->name == name)
			h->own = &config->keys[i];
	for (size_t i = 0; h->step == STEP_SYM && i < config->n_bulk; i++)
		if (config->bulk[i]->algorithm->name == name)
			h->bulk = config->bulk[i];
}

static enum sc_error
act_on_outcome(struct handshake *h, enum negotiation_outcome outcome, const char *reply)
{
	const struct stage *stage = stage_of(h->step);

	if (outcome == NEGOTIATION_FAILED)
		return stage->none;
	if (outcome == NEGOTIATION_TWICE)
		return SC_ERR_SUGGESTED_TWICE;
	if (outcome == NEGOTIATION_FAILED_TELL)
		return handshake_say_last(h, stage->prefix, reply, stage->none);
	if (reply) {
		enum sc_error error = handshake_say_text(h, stage->prefix, reply);
		if (error || outcome == NEGOTIATION_GOES_ON)
			return error;
	}
	/* Agreed: who suggested the name is the client of what comes next. */
	h->client = outcome == NEGOTIATION_OURS;
	adopt_agreed(h, h->negotiation.agreed);
	switch (h->step) {
	case STEP_META:
		return enter_negotiation(h, STEP_ASYM);
	case STEP_ASYM:
		return enter_negotiation(h, STEP_SYM);
	default:
		return handshake_enter_public_keys(h);
	}
}

enum sc_error
handshake_take_suggestion(struct handshake *h, struct span name)
{
	const char *reply;

	/* Only as I's very first line; anywhere else it counts as not in the list (protocol.md
	   2). */
	if (h->step == STEP_META && !h->config->initiator && h->negotiation.n_seen == 0 &&
		span_is(name, PROTOCOL_1_1)) {
		h->step = STEP_FLIGHT;
		return SC_OK;
	}
	enum negotiation_outcome outcome = negotiation_receive(&h->negotiation, name, &reply);
	return act_on_outcome(h, outcome, reply);
}

enum sc_error
handshake_enter_meta(struct handshake *h)
{
	return enter_negotiation(h, STEP_META);
}

/* ---- the table ---- */

static const struct {
	const char *prefix; /* what a line must begin with */
	enum sc_error (*take)(struct handshake *h, struct span rest);
} steps[] = {
	[STEP_META] = {"", handshake_take_suggestion},
	[STEP_FLIGHT] = {"", handshake_take_flight},
	[STEP_FLIGHT_ANSWER] = {"", handshake_take_flight_answer},
	[STEP_ASYM] = {PREFIX_ASYM, handshake_take_suggestion},
	[STEP_SYM] = {PREFIX_SYM, handshake_take_suggestion},
	[STEP_PUBLIC_KEY] = {"ASYM-KEY: ", handshake_take_public_key},
	[STEP_VERDICT] = {"ASYM-KEY ", handshake_take_verdict},
	[STEP_S_KEY_1] = {"SYM-KEY-1: ", handshake_take_session_key},
	[STEP_S_KEY_2] = {"SYM-KEY-2: ", handshake_take_session_key},
	[STEP_C_ANSWER_1] = {"SYM-KEY-1: ", handshake_take_answer},
	[STEP_C_ANSWER_2] = {"SYM-KEY-2: ", handshake_take_answer},
	[STEP_C_KEY_3] = {"SYM-KEY-3: ", handshake_take_session_key},
	[STEP_S_ANSWER_3] = {"SYM-KEY-3: ", handshake_take_answer},
};

enum sc_error
handshake_init(struct handshake *h, const struct conn_config *config, struct outbuf *out)
{
	memset(h, 0, sizeof(*h));
	h->config = config;
	h->out = out;
	h->client = config->initiator;
	transcript_init(&h->transcript);
	if (!config->initiator || !config->memory)
		return enter_negotiation(h, STEP_META);
	handshake_begin_flight(h);
	return SC_OK;
}

void
handshake_fini(struct handshake *h)
{
	wipe(h, sizeof(*h));
}

void
handshake_rest(struct handshake *h)
{
	struct handshake kept = {.config = h->config, .client = h->client, .own = h->own,
		.bulk = h->bulk, .protocol = h->protocol, .peer_key_known = true,
		.step = STEP_DONE};

	memcpy(kept.peer_key, h->peer_key, sizeof(kept.peer_key));
	wipe(h, sizeof(*h));
	*h = kept;
}

void
handshake_renew(struct handshake *h, struct outbuf *out)
{
	h->out = out;
	h->renewing = true;
	transcript_init(&h->transcript);
	h->step = STEP_S_KEY_1;
	if (!h->client)
		handshake_send_session_key(h, 1);
}

bool
handshake_wants_line(const struct handshake *h)
{
	return h->job.kind == JOB_NONE && h->step != STEP_DONE;
}

enum sc_error
handshake_line(struct handshake *h, struct span line)
{
	const char *prefix = steps[h->step].prefix;
	size_t n = strlen(prefix);

	if (!span_starts(line, prefix))
		return SC_ERR_LINE_UNEXPECTED;
	if (!h->renewing || steps[h->step].take != handshake_take_answer)
		transcript_add(&h->transcript, !h->config->initiator, line);
	return steps[h->step].take(h, (struct span){line.data + n, line.size - n});
}
