/* Knows SecureConn 1.1 (the variation that the paper's 3.2 foresees, protocol.md 10): peers that
   have met before say all in one flight each way, or go back to 1.0 on the same connection. What
   comes after the flights is handshake_keys.c's. */
#include "secureconn/handshake.h"

#define PREFIX_KEY_ID  "ASYM-KEY-ID: "
#define PREFIX_KEY_3   "SYM-KEY-3: "
#define FLIGHT_END     "END"
#define FINGERPRINTS   (2 * (FINGERPRINT_SIZE - 1) + 1) /* two, and a space */

/* ---- I: the first flight ---- */

void
handshake_begin_flight(struct handshake *h)
{
	const struct conn_memory *memory = h->config->memory;

	h->flight = true;
	h->own = memory->own;
	h->bulk = memory->bulk;
	memcpy(h->peer_key, memory->peer_public, h->own->asym->algorithm->public_size);
	handshake_send_session_key(h, 3);
}

static void
key_ids(const struct handshake *h, const uint8_t *initiator, const uint8_t *responder,
	char out[FINGERPRINTS + 1])
{
	const struct asym_algorithm *algorithm = h->own->asym->algorithm;
	char second[FINGERPRINT_SIZE];

	fingerprint_of(out, algorithm, initiator);
	fingerprint_of(second, algorithm, responder);
	out[FINGERPRINT_SIZE - 1] = ' ';
	memcpy(out + FINGERPRINT_SIZE, second, FINGERPRINT_SIZE);
}

enum sc_error
handshake_say_flight(struct handshake *h)
{
	struct conn_job *job = &h->job;
	const struct asym_algorithm *algorithm = h->own->asym->algorithm;
	char ids[FINGERPRINTS + 1];
	enum sc_error error;

	key_ids(h, h->own->public_key, h->peer_key, ids);
	if ((error = handshake_say_text(h, "", PROTOCOL_1_1)) ||
		(error = handshake_say_text(h, PREFIX_ASYM, algorithm->name)) ||
		(error = handshake_say_text(h, PREFIX_SYM, h->bulk->algorithm->name)) ||
		(error = handshake_say_text(h, PREFIX_KEY_ID, ids)) ||
		(error = handshake_say_hex(h, PREFIX_KEY_3, job->ciphertext,
			 asym_ciphertext_size(algorithm, job->message_size))))
		return error;
	h->step = STEP_FLIGHT_ANSWER;
	return handshake_say_text(h, "", FLIGHT_END);
}

/* R would rather negotiate: all goes on as if 1.1 had been suggested and not been in R's list. */
static enum sc_error
fall_back(struct handshake *h, struct span line)
{
	h->flight = false;
	h->own = NULL;
	h->bulk = NULL;
	h->client = false;
	wipe(h->keys, sizeof(h->keys));
	enum sc_error error = handshake_enter_meta(h);
	/* Whatever it suggests, NONE included, is judged as in any negotiation. */
	return error ? error : handshake_take_suggestion(h, line);
}

static bool
is_answer(const struct handshake *h, struct span line)
{
	const char *expected[] = {PREFIX_ASYM, h->own->asym->algorithm->name, PREFIX_SYM,
		h->bulk->algorithm->name, PREFIX_KEY_ID, "ACCEPTED", PREFIX_KEY_3, "ACCEPTED"};
	const char *prefix = expected[2 * (h->flight_lines - 1)];
	size_t n = strlen(prefix);

	return span_starts(line, prefix) &&
	       span_is((struct span){line.data + n, line.size - n},
		       expected[2 * h->flight_lines - 1]);
}

enum sc_error
handshake_take_flight_answer(struct handshake *h, struct span line)
{
	if (h->flight_lines == 0) {
		if (!span_is(line, PROTOCOL_1_1))
			return fall_back(h, line);
		const struct asym_impl *asym = h->own->asym;
		if (!h->config->accept_key(h->config->arg, asym, h->peer_key))
			return SC_ERR_KEY_NOT_VERIFIED;
		h->protocol = PROTOCOL_1_1;
		h->peer_key_known = true;
		h->hold = true; /* the answers go with HELLO and what follows it */
	} else if (h->flight_lines == 4 && span_is(line, PREFIX_KEY_3 "ERROR")) {
		return SC_ERR_SESSION_KEY_REFUSED;
	} else if (!is_answer(h, line)) {
		return SC_ERR_LINE_UNEXPECTED;
	}
	if (++h->flight_lines == 5)
		h->step = STEP_S_KEY_1;
	return SC_OK;
}

/* ---- R: judging a flight ---- */

static const struct conn_key *
own_key(const struct handshake *h, struct span name)
{
	for (size_t i = 0; i < h->config->n_keys; i++)
		if (span_is(name, h->config->keys[i].asym->algorithm->name))
			return &h->config->keys[i];
	return NULL;
}

static const struct bulk_impl *
own_bulk(const struct handshake *h, struct span name)
{
	for (size_t i = 0; i < h->config->n_bulk; i++) {
		const struct bulk_algorithm *a = h->config->bulk[i]->algorithm;
		if (span_is(name, a->name) && handshake_symmetric_allowed(h, a))
			return h->config->bulk[i];
	}
	return NULL;
}

/* The key of that algorithm and fingerprint in a list, or NULL. */
static const struct conn_key *
named_key(const struct conn_key *keys, size_t n, const struct asym_impl *asym,
	const char *fingerprint)
{
	char own[FINGERPRINT_SIZE];

	for (size_t i = 0; i < n; i++) {
		if (keys[i].asym != asym)
			continue;
		fingerprint_of(own, asym->algorithm, keys[i].public_key);
		if (memcmp(own, fingerprint, FINGERPRINT_SIZE - 1) == 0)
			return &keys[i];
	}
	return NULL;
}

/* The two fingerprints: I's key is verified here, R's is one of this node's for that algorithm. */
static bool
judge_key_ids(struct handshake *h, struct span ids)
{
	const struct conn_config *config = h->config;
	const struct asym_impl *asym = h->own->asym;
	char peer[FINGERPRINT_SIZE];

	if (ids.size != FINGERPRINTS || ids.data[FINGERPRINT_SIZE - 1] != ' ')
		return false;
	memcpy(peer, ids.data, FINGERPRINT_SIZE - 1);
	peer[FINGERPRINT_SIZE - 1] = '\0';
	const char *second = (const char *)ids.data + FINGERPRINT_SIZE;
	const struct conn_key *own = named_key(config->keys, config->n_keys, asym, second);
	if (!own)
		own = named_key(config->other_keys, config->n_other_keys, asym, second);
	if (!own)
		return false;
	h->own = own;
	return config->find_key(config->arg, asym, peer, h->peer_key);
}

/* SYM-KEY-3 rests in the job until END: nothing is computed for half a flight. */
static void
keep_session_key(struct handshake *h, struct span hex)
{
	h->flight_key_bad = !handshake_load_session_key(h, 3, hex);
	h->job.kind = JOB_NONE;
}

static bool
judge_line(struct handshake *h, unsigned number, struct span line)
{
	static const char *const prefixes[] = {
		PREFIX_ASYM, PREFIX_SYM, PREFIX_KEY_ID, PREFIX_KEY_3};

	if (number >= ARRAY_SIZE(prefixes) || !span_starts(line, prefixes[number]))
		return false;
	size_t n = strlen(prefixes[number]);
	struct span rest = {line.data + n, line.size - n};
	switch (number) {
	case 0:
		return (h->own = own_key(h, rest)) != NULL;
	case 1:
		return (h->bulk = own_bulk(h, rest)) != NULL;
	case 2:
		return judge_key_ids(h, rest);
	default:
		keep_session_key(h, rest);
		return true;
	}
}

static enum sc_error
refuse_flight(struct handshake *h)
{
	const struct span name = {(const uint8_t *)PROTOCOL_1_1, sizeof(PROTOCOL_1_1) - 1};
	struct negotiation *n = &h->negotiation;
	const char *reply;

	job_wipe(&h->job);
	h->flight = false;
	h->own = NULL;
	h->bulk = NULL;
	h->step = STEP_META;
	/* As any name that is not in the list: this side suggests its own. */
	if (negotiation_receive(n, name, &reply) != NEGOTIATION_GOES_ON)
		return SC_ERR_INTERNAL;
	return handshake_say_text(h, "", reply);
}

enum sc_error
handshake_take_flight(struct handshake *h, struct span line)
{
	const struct conn_config *config = h->config;

	if (!span_is(line, FLIGHT_END)) {
		if (!h->flight_refused)
			h->flight_refused =
				!config->find_key || !judge_line(h, h->flight_lines, line);
		h->flight_lines++;
		return SC_OK;
	}
	if (h->flight_refused || h->flight_lines != 4 ||
		!config->accept_key(config->arg, h->own->asym, h->peer_key))
		return refuse_flight(h);
	h->flight = true;
	h->client = false;
	h->protocol = PROTOCOL_1_1;
	h->peer_key_known = true;
	h->hold = true; /* the answer goes with HELLO */
	if (h->flight_key_bad)
		return handshake_refuse_session_key(h, 3);
	h->job.kind = JOB_DECRYPT;
	return SC_OK;
}

enum sc_error
handshake_accept_flight(struct handshake *h)
{
	enum sc_error error;

	if ((error = handshake_say_text(h, "", PROTOCOL_1_1)) ||
		(error = handshake_say_text(h, PREFIX_ASYM, h->own->asym->algorithm->name)) ||
		(error = handshake_say_text(h, PREFIX_SYM, h->bulk->algorithm->name)))
		return error;
	return handshake_say_text(h, PREFIX_KEY_ID, "ACCEPTED");
}
