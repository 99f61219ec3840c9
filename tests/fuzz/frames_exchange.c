/* Knows the peer's part in the exchange that begins a link (protocol.md 8.1): what it says by its
   books, what the trunk may say, and what both then count on. */
#include "frames_peer.h"

void
peer_relink(struct peer *p, struct end *end)
{
	p->end = end;
	p->size = 0;
	p->session_sent = p->session_came = p->session_done = p->refusing = false;
	p->ping_waits = p->ping_out = false;
	p->goaway_sent = p->goaway_came = p->close_came = false;
	p->n_heard = p->heard_left = 0;
}

/* ---- what the peer says ---- */

static void
put_session(struct peer *p, uint8_t kind, uint32_t highest, size_t count)
{
	uint8_t *payload = peer_put(p, FRAME_SESSION, 0, 29);

	if (!payload)
		return;
	payload[0] = kind;
	memcpy(payload + 1, p->session_id, sizeof(p->session_id));
	put_u32(payload + 17, p->generation);
	put_u32(payload + 21, highest);
	put_u32(payload + 25, (uint32_t)count);
}

static void
put_state(struct peer *p, const struct state *state)
{
	uint8_t *payload = peer_put(p, FRAME_STATE, state->id, 17);

	if (!payload)
		return;
	payload[0] = state->flags;
	put_u64(payload + 1, state->received);
	put_u64(payload + 9, state->limit);
}

/* More streams than the trunk takes are not listed: the peer takes them as refused. */
static size_t
list_streams(struct peer *p, struct state *states)
{
	size_t n = 0, own = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct peer_stream *s = &p->streams[i];
		if (s->own && !s->over && ++own > p->trunk_max) {
			s->over = true;
			s->reset = s->fin_sent;
		}
		if (s->over && !s->reset)
			continue;
		states[n++] = (struct state){.id = s->id,
			.flags = (uint8_t)((!s->own && s->opened ? STATE_OPENED : 0) |
					   (s->reset ? STATE_RESET : 0)),
			.received = s->received + (s->fin_received ? 1 : 0),
			.limit = s->allowed};
	}
	return n;
}

static bool
silent(const struct peer *p)
{
	return p->close_sent || conn_phase(p->end->conn) != CONN_UP;
}

static void
begin(struct peer *p)
{
	if (p->generation == 0)
		memset(p->session_id, 0x5e + p->sessions++, sizeof(p->session_id));
	p->generation++;
}

/* ---- what both count on then ---- */

static void
open_again(struct peer *p, struct peer_stream *s)
{
	FUZZ_ASSERT(!s->opened && s->covered == 0 && s->received == 0);
	if (p->drained) {
		s->over = true;
		return;
	}
	uint8_t *payload = peer_put(p, FRAME_OPEN, s->id, s->open_size);
	if (payload)
		memcpy(payload, s->open, s->open_size);
	s->sent = 0;
	s->fin_sent = false;
	s->limit = p->trunk_window;
	s->allowed = p->own_window;
}

static void
go_on_listed(struct peer_stream *s, const struct state *state)
{
	bool all = s->fin_sent && state->received == s->sent + 1;

	if (state->flags & STATE_RESET) {
		s->over = true;
		return;
	}
	FUZZ_ASSERT(s->own ? !s->opened || state->flags & STATE_OPENED : state->flags == 0);
	FUZZ_ASSERT(state->received >= s->covered && (all || state->received <= s->sent));
	FUZZ_ASSERT(all || state->limit >= s->limit);
	s->opened |= (state->flags & STATE_OPENED) != 0;
	s->covered = state->received;
	if (!all)
		s->limit = state->limit;
	s->sent = min_u64(s->sent, state->received);
	s->fin_sent = all;
	s->fin_counted = false; /* is said once more */
}

static void
go_on(struct peer *p, struct peer_stream *s)
{
	const struct state *state = NULL;

	for (size_t i = 0; i < p->n_heard; i++)
		if (p->heard[i].id == s->id)
			state = &p->heard[i];
	if (s->over)
		return;
	if (state)
		go_on_listed(s, state);
	else if (s->own && s->id > p->heard_highest)
		open_again(p, s);
	else
		s->over = true;
}

/* Both have said what they have. */
static void
go_on_all(struct peer *p)
{
	p->session_done = true;
	for (size_t i = 0; i < p->n; i++)
		go_on(p, &p->streams[i]);
	if (p->draining)
		peer_goaway(p, p->goaway_code);
}

void
peer_session(struct peer *p)
{
	struct state states[PEER_STREAMS];
	size_t n = 0;

	if (p->session_sent || (!p->initiator && !p->session_came) || silent(p))
		return;
	if (p->initiator) {
		begin(p);
	} else if (p->forgotten) {
		peer_refuse_session(p);
		return;
	}
	if (p->generation > 1)
		n = list_streams(p, states);
	put_session(p, p->initiator ? (p->known ? 1 : 0) : 2, p->generation > 1 ? p->seen : 0, n);
	for (size_t i = 0; i < n; i++)
		put_state(p, &states[i]);
	p->session_sent = true;
	p->known |= !p->initiator;
	if (p->generation == 1)
		p->session_done = true; /* I need not wait; R has answered */
	else if (!p->initiator)
		go_on_all(p);
}

static void
session_over(struct peer *p)
{
	p->draining = p->drained = p->goaway_sent = p->goaway_came = false;
	p->seen = 0;
}

void
peer_refuse_session(struct peer *p)
{
	if (p->initiator || p->session_done || !p->session_came || silent(p))
		return;
	put_session(p, 3, 0, 0);
	p->session_came = false;
	p->refusing = p->forgotten = true;
	p->n = 0;
	session_over(p);
}

void
peer_break_exchange(
	struct peer *p, enum exchange_breach breach, const struct state *known, uint32_t generation)
{
	struct state states[PEER_STREAMS + 2];
	uint32_t highest = p->seen;
	size_t n, listed;

	if (p->initiator)
		begin(p);
	n = list_streams(p, states);
	for (size_t i = 0; i < n && breach >= EXCHANGE_RECEIVED; i++)
		if (states[i].id == known->id) {
			states[i] = states[--n];
			break;
		}
	if (breach >= EXCHANGE_TWICE)
		states[n++] = *known;
	if (breach == EXCHANGE_TWICE)
		states[n++] = *known;
	listed = n + (breach == EXCHANGE_COUNT ? 1 : 0);
	if (breach == EXCHANGE_HIGHEST)
		highest = UINT32_MAX;
	if (breach == EXCHANGE_ID)
		p->session_id[7] ^= 1;
	if (breach == EXCHANGE_GENERATION) {
		p->generation = p->initiator ? generation : p->generation + 1;
		listed = n = p->initiator ? 0 : n;
	}
	uint8_t kind = breach == EXCHANGE_KIND         ? (p->initiator ? 2 : 1)
		       : !p->initiator                 ? 2
		       : breach == EXCHANGE_GENERATION ? 0
		       : p->known                      ? 1
						       : 0;
	put_session(p, kind, highest, listed);
	for (size_t i = 0; i < n; i++)
		put_state(p, &states[i]);
	if (breach == EXCHANGE_COUNT)
		peer_put(p, FRAME_OPENED, known->id, 0);
	p->session_sent = p->hostile = true;
}

/* ---- what the trunk says ---- */

static void
came(struct peer *p)
{
	p->session_came = true;
	if (p->initiator && p->generation > 1)
		go_on_all(p);
}

/* R does not know the session any more; another one begins on this link, in which R's ids begin
   anew too: nothing of the old ones is under way, as I has waited. */
static void
take_refusal(struct peer *p)
{
	FUZZ_ASSERT(p->lost && p->generation > 1);
	p->n = 0;
	p->highest_of_trunk = 0;
	session_over(p);
	p->session_sent = p->session_done = p->known = p->lost = false;
	p->generation = 0;
}

static void
take_answer(struct peer *p, struct span payload)
{
	FUZZ_ASSERT(p->session_sent && !p->session_came && p->heard_left == 0);
	FUZZ_ASSERT(memcmp(payload.data + 1, p->session_id, sizeof(p->session_id)) == 0);
	FUZZ_ASSERT(get_u32(payload.data + 17) == p->generation);
	if (payload.data[0] == 3) {
		take_refusal(p);
		return;
	}
	FUZZ_ASSERT(payload.data[0] == 2);
	p->known = true;
	if (p->heard_left == 0)
		p->heard_left = get_u32(payload.data + 25);
	if (p->heard_left == 0)
		came(p);
}

static void
take_request(struct peer *p, struct span payload)
{
	uint32_t generation = get_u32(payload.data + 17);
	bool same = memcmp(payload.data + 1, p->session_id, sizeof(p->session_id)) == 0;
	bool again = p->forgotten && payload.data[0] == 0;

	FUZZ_ASSERT(!p->session_came && p->heard_left == 0 && payload.data[0] <= 1);
	/* One that the peer has forgotten may begin once more, if I never heard that it had
	   begun. */
	if (same)
		FUZZ_ASSERT(generation > p->generation && !p->refusing);
	else
		FUZZ_ASSERT(payload.data[0] == 0 && (p->generation == 0 || p->forgotten));
	FUZZ_ASSERT(payload.data[0] == 0 || p->known);
	p->forgotten &= payload.data[0] == 1; /* I has not heard of it, and asks once more */
	if (!same || again) /* what was under way belonged to the other one */
		p->known = p->goaway_came = p->drained = false;
	if (same && again)
		p->highest_of_trunk = 0;
	memcpy(p->session_id, payload.data + 1, sizeof(p->session_id));
	p->generation = generation;
	p->refusing = false;
	p->heard_left = get_u32(payload.data + 25);
	FUZZ_ASSERT(generation > 1 || p->heard_left == 0);
	if (p->heard_left == 0)
		came(p);
}

void
peer_take_session(struct peer *p, struct span payload)
{
	p->heard_highest = get_u32(payload.data + 21);
	FUZZ_ASSERT(p->heard_highest < p->next_id);
	FUZZ_ASSERT(get_u32(payload.data + 25) <= ARRAY_SIZE(p->heard));
	p->n_heard = 0;
	if (p->initiator)
		take_answer(p, payload);
	else
		take_request(p, payload);
}

void
peer_take_state(struct peer *p, uint32_t id, struct span payload)
{
	FUZZ_ASSERT(p->heard_left > 0);
	/* Of a session that R has forgotten, I lists what it likes. */
	FUZZ_ASSERT(p->forgotten || peer_find(p, id) ||
		    (id > p->seen && (id & 1) == (p->initiator ? 0 : 1)));
	for (size_t i = 0; i < p->n_heard; i++)
		FUZZ_ASSERT(p->heard[i].id != id);
	FUZZ_ASSERT(payload.data[0] <= 3);
	p->heard[p->n_heard++] = (struct state){
		id, payload.data[0], get_u64(payload.data + 1), get_u64(payload.data + 9)};
	if (--p->heard_left == 0)
		came(p);
}
